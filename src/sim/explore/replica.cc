#include "sim/explore/replica.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "sim/explore/invariants.h"

namespace conclave::sim::explore {

using consensus::EngineKind;
using consensus::Entry;
using consensus::Role;

void ReplicaState::fold(consensus::StateFold& fold) const {
  fold.add(id, now.us, engine != nullptr);
  if (engine) engine->fold(fold);
  fold.add(hard_state.promised, hard_state.joined, hard_state.committed, hard_state.owed);
  fold.all(journal);
  fold.add(writing.size());
  for (const Writing& w : writing) {  // numbers are left out: see consensus::Engine::fold
    fold.add(w.persist.hard_state.has_value(), w.persist.truncate_from.value_or(Index(0)));
    if (const auto& state = w.persist.hard_state)
      fold.add(state->promised, state->joined, state->committed, state->owed);
    fold.all(w.persist.entries);
    fold.all(w.then_send);
  }
  fold.add(static_cast<uint8_t>(role.role), role.ballot, role.master, applied);
  fold.add(accepted.size());
  for (const Acceptance& acceptance : accepted) {
    fold.add(acceptance.entry, acceptance.previous, acceptance.counts);
  }
  fold.all(given);
  fold.all(led);
}

ReplicaStep ReplicaModel::boot(ReplicaId id, Instant now) const {
  ReplicaStep step;
  step.next.id = id;
  step.next.now = now;
  start(step);
  return step;
}

ReplicaStep ReplicaModel::step(const ReplicaState& state, ReplicaEvent event) const {
  ReplicaStep step{.next = state};
  switch (event.kind) {
    case ReplicaEventKind::deliver: {
      const Sent& sent = messages_[event.argument];
      give(step, consensus::MessageReceived{.from = sent.from, .message = sent.message});
      break;
    }
    case ReplicaEventKind::written: {
      Writing& oldest = step.next.writing.front();
      const uint64_t number = oldest.persist.number;
      step.sent = oldest.then_send;
      make_durable(step);
      give(step, consensus::Persisted{number});
      break;
    }
    case ReplicaEventKind::crash:
      for (uint32_t i = 0; i < event.argument; ++i) make_durable(step);
      step.next.engine.reset();
      step.next.writing.clear();
      step.next.role = {};
      step.next.applied = Index(0);
      break;
    case ReplicaEventKind::restart:
      start(step);
      break;
    case ReplicaEventKind::pass:
      step.next.now = state.now + Duration::micros(event.argument);
      break;
    case ReplicaEventKind::tick:
      give(step, consensus::Tick{});
      break;
    case ReplicaEventKind::propose: {
      Blob value("v" + std::to_string(event.argument));
      give(step,
           consensus::Propose{
               .cookie = event.argument, .kind = consensus::EntryKind::transaction, .payloads = {std::move(value)}});
      break;
    }
    case ReplicaEventKind::read:
      give(step, consensus::ReadBarrier{event.argument});  // the token is what the read must see
      break;
    case ReplicaEventKind::transfer:
      give(step, consensus::TransferLead{ReplicaId(static_cast<uint8_t>(event.argument))});
      break;
  }
  return step;
}

void ReplicaModel::start(ReplicaStep& step) const {
  consensus::Config config = config_;
  config.self = step.next.id;
  step.next.engine = make_(std::move(config), {.hard_state = step.next.hard_state,
                                               .snapshot_index = {},
                                               .snapshot_ballot = {},
                                               .entries = step.next.journal,
                                               .damaged = {}});
  give(step, consensus::Tick{});
}

void ReplicaModel::give(ReplicaStep& step, consensus::EventBody body) const {
  CONCLAVE_ASSERT(step.next.engine != nullptr);
  std::unique_ptr<consensus::Engine> engine = step.next.engine->clone();
  consensus::Output output = engine->step({.now = step.next.now, .body = std::move(body)});
  step.next.engine = std::move(engine);
  perform(step, std::move(output));
}

// In the order of the contract: start persisting, send, then apply what is committed.
void ReplicaModel::perform(ReplicaStep& step, consensus::Output output) const {
  ReplicaState& state = step.next;
  if (kind_ == EngineKind::raft) check_append_only(state, output, &step.violation);
  const auto number = [&](const consensus::Envelope& envelope) { return messages_.number(state.id, envelope); };
  for (const auto& envelope : output.send) step.sent.push_back(number(envelope));
  if (output.persist.number != 0) state.writing.push_back({.persist = std::move(output.persist), .then_send = {}});
  auto& waiting = state.writing.empty() ? step.sent : state.writing.back().then_send;
  for (const auto& envelope : output.send_when_durable) waiting.push_back(number(envelope));

  for (const Entry& entry : output.committed) {
    check_given(state, entry, &step.violation);
    state.applied = entry.index;
    if (state.given.size() < entry.index.value) state.given.push_back(entry);
    step.given = true;
  }
  for (const auto& grant : output.reads) {
    check_read(grant, &step.violation);
    ++step.reads_granted;
  }
  if (output.role) {
    state.role = *output.role;
    state.role.reason = "";
    if (state.role.role == Role::synchronising || state.role.role == Role::master) {
      step.led = true;
      const uint64_t round = state.role.ballot.round;
      const auto place = std::ranges::lower_bound(state.led, round);
      if (place == state.led.end() || *place != round) state.led.insert(place, round);
    }
  }
}

void ReplicaModel::make_durable(ReplicaStep& step) const {
  ReplicaState& state = step.next;
  const consensus::Persist persist = std::move(state.writing.front().persist);
  state.writing.erase(state.writing.begin());
  check_persist(kind_, state, persist, &step.violation);
  if (persist.hard_state) state.hard_state = *persist.hard_state;
  if (persist.truncate_from) {
    std::erase_if(state.journal, [&](const Entry& entry) { return entry.index >= *persist.truncate_from; });
  }
  for (const Entry& entry : persist.entries) {
    auto place = std::ranges::lower_bound(state.journal, entry.index, {}, &Entry::index);
    if (place != state.journal.end() && place->index == entry.index) {
      *place = entry;
    } else {
      place = state.journal.insert(place, entry);
    }
    if (!entry.ballot) continue;
    Acceptance acceptance{.entry = entry};
    if (kind_ == EngineKind::raft) {
      check_no_hole(state, entry, &step.violation);
      if (place != state.journal.begin()) acceptance.previous = std::prev(place)->ballot;
      acceptance.counts = entry.ballot.round == state.hard_state.promised.round;
    }
    const auto known = std::ranges::lower_bound(state.accepted, key(acceptance), {}, key);
    if (known != state.accepted.end() && key(*known) == key(acceptance)) {
      check_same_proposal(*known, acceptance, &step.violation);
    } else {
      state.accepted.insert(known, acceptance);
      step.accepted = true;
    }
  }
}

}  // namespace conclave::sim::explore
