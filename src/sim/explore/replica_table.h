// Every state that a replica was ever in, once each, by number, and every step ever taken from them. An engine is a
// function of state and event, so the same step of the same state need not be taken twice: of the millions of states of
// a cell, most are combinations of a few thousand states of single replicas.
//
// States are told apart by a checksum of 128 bits of their fold. `audit` tests the folds: whenever a step leads to a
// known state, what it led to is kept and must then take every step as the known one does, in what it sends and in what
// it becomes. Pure.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "base/checksum.h"
#include "sim/explore/messages.h"
#include "sim/explore/replica.h"

namespace conclave::sim::explore {

using StateId = uint32_t;

// A step as it is remembered.
struct KnownStep {
  StateId next = 0;
  uint32_t sent_first = 0;  // in the pool of the table
  uint32_t sent_count = 0;
  bool accepted = false;
  bool given = false;
  bool led = false;
  uint32_t reads_granted = 0;
  uint32_t violation = 0;  // 0: none; else its number
};

class ReplicaTable {
 public:
  ReplicaTable(ReplicaModel model, consensus::StateFold::Grain grain, bool audit)
      : model_(std::move(model)), grain_(grain), audit_(audit) {}

  KnownStep boot(ReplicaId id, Instant now) { return remember(model_.boot(id, now)); }
  KnownStep step(StateId from, ReplicaEvent event);

  const ReplicaState& operator[](StateId id) const { return states_[id]; }
  std::span<const MessageId> sent(const KnownStep& step) const {
    return std::span(sent_).subspan(step.sent_first, step.sent_count);
  }
  const std::string& violation(const KnownStep& step) const { return violations_[step.violation]; }
  // Did the step change nothing and send nothing?
  static bool idle(StateId from, const KnownStep& step) { return step.next == from && step.sent_count == 0; }

  size_t states() const { return states_.size(); }
  size_t steps() const { return steps_.size(); }
  size_t audited() const { return audited_; }

 private:
  KnownStep remember(ReplicaStep step);
  Checksum128 sum(const ReplicaState& state);
  StateId number(ReplicaState state);
  void audit(StateId from, ReplicaEvent event, const KnownStep& known);

  ReplicaModel model_;
  consensus::StateFold::Grain grain_;
  Bytes bytes_;
  std::vector<ReplicaState> states_;
  absl::flat_hash_map<Checksum128, StateId> numbers_;
  absl::flat_hash_map<uint64_t, KnownStep> steps_;  // by state and event
  std::vector<MessageId> sent_;
  std::vector<std::string> violations_{""};
  bool audit_;
  absl::flat_hash_map<StateId, std::vector<ReplicaState>> doubles_;  // only with `audit_`
  absl::flat_hash_map<uint64_t, size_t> double_steps_;               // doubles of the state that have taken the step
  size_t audited_ = 0;
};

}  // namespace conclave::sim::explore
