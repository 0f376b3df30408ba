#include "sim/explore/replica_table.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace conclave::sim::explore {
namespace {

constexpr unsigned kArgumentBits = 28;

// State and event in one word.
uint64_t key(StateId from, ReplicaEvent event) {
  CONCLAVE_ASSERT(event.argument < uint32_t{1} << kArgumentBits);
  return uint64_t{from} << 32 | static_cast<uint64_t>(event.kind) << kArgumentBits | event.argument;
}

}  // namespace

KnownStep ReplicaTable::step(StateId from, ReplicaEvent event) {
  const uint64_t at = key(from, event);
  if (const auto known = steps_.find(at); known != steps_.end()) {
    const KnownStep step = known->second;
    if (audit_) audit(from, event, step);
    return step;
  }
  const KnownStep step = remember(model_.step(states_[from], event));
  steps_.emplace(at, step);
  if (audit_) audit(from, event, step);
  return step;
}

KnownStep ReplicaTable::remember(ReplicaStep step) {
  KnownStep known{.sent_first = static_cast<uint32_t>(sent_.size()),
                  .sent_count = static_cast<uint32_t>(step.sent.size()),
                  .accepted = step.accepted,
                  .given = step.given,
                  .led = step.led,
                  .reads_granted = step.reads_granted};
  sent_.insert(sent_.end(), step.sent.begin(), step.sent.end());
  if (!step.violation.empty()) {
    known.violation = static_cast<uint32_t>(violations_.size());
    violations_.push_back(std::move(step.violation));
  }
  known.next = number(std::move(step.next));
  return known;
}

Checksum128 ReplicaTable::sum(const ReplicaState& state) {
  bytes_.clear();
  consensus::StateFold fold(&bytes_, state.now, grain_);
  state.fold(fold);
  return xxh3_128(bytes_);
}

StateId ReplicaTable::number(ReplicaState state) {
  const auto [place, fresh] = numbers_.try_emplace(sum(state), static_cast<StateId>(states_.size()));
  if (fresh) {
    states_.push_back(std::move(state));
  } else if (audit_) {
    doubles_[place->second].push_back(std::move(state));
  }
  return place->second;
}

void ReplicaTable::audit(StateId from, ReplicaEvent event, const KnownStep& known) {
  if (!doubles_.contains(from)) return;
  size_t& taken = double_steps_[key(from, event)];
  while (taken < doubles_[from].size()) {
    const ReplicaStep again = model_.step(doubles_[from][taken++], event);
    const auto next = numbers_.find(sum(again.next));
    CONCLAVE_ASSERT(next != numbers_.end() && next->second == known.next);
    CONCLAVE_ASSERT(std::ranges::equal(again.sent, sent(known)));
    ++audited_;
  }
}

}  // namespace conclave::sim::explore
