#include "consensus/raft/core.h"

#include <utility>

#include "base/assert.h"
#include "base/log.h"
#include "base/probe.h"

namespace conclave::raft {

Core::Core(consensus::Config configuration, consensus::Recovered recovered)
    : shared_config(std::make_shared<const consensus::Config>(std::move(configuration))),
      random(config.seed ^ (uint64_t{config.self.value} << 56)),
      term(recovered.hard_state.promised.round),
      voted_for(recovered.hard_state.promised.replica),
      log(recovered.snapshot_index, recovered.snapshot_ballot),
      memberships(config, recovered.membership, recovered.snapshot_index),
      owed(recovered.hard_state.owed),
      given(recovered.snapshot_index),
      tail(recovered.snapshot_index) {
  CONCLAVE_ASSERT(config.heartbeat < config.election_timeout_min);
  CONCLAVE_ASSERT(config.election_timeout_min <= config.election_timeout_max);
  Index first_damaged = Index(UINT64_MAX);
  for (const Index index : recovered.damaged) {
    if (index <= recovered.snapshot_index) continue;
    first_damaged = std::min(first_damaged, index);
    owed = std::max(owed, index);
  }
  // Of a snapshot that another leader sent, and that came before what it replaced was declared void: what follows in
  // the journal follows another entry.
  const bool follows = !recovered.at_snapshot || *recovered.at_snapshot == recovered.snapshot_ballot;
  if (!follows && !recovered.doubtful.empty()) outbox.truncate(recovered.doubtful.front());
  for (Entry& entry : recovered.entries) {
    if (entry.index <= recovered.snapshot_index) continue;
    const bool next = entry.index == log.last().next() && entry.ballot.round >= log.last_ballot().round;
    if (follows && next && entry.index < first_damaged) {
      take(std::move(entry));
    } else {
      // Behind something that cannot be read: it was durable, and may have been counted.
      if (follows || !*recovered.at_snapshot) owed = std::max(owed, entry.index);
      outbox.truncate(log.last().next());
    }
  }
  if (owed <= recovered.snapshot_index) owed = Index();
  if (log.last_ballot().round > term) enter(log.last_ballot().round);
  tail = DurableTail(log.last());
  // Below something missing may stand what a snapshot replaced that was lost since.
  if (recovered.hard_state.committed <= log.last()) log.commit_to(recovered.hard_state.committed);
  outbox.recovered(recovered.hard_state);
}

void Core::append(Entry entry) {
  outbox.persist(entry);
  tail.wrote(outbox.persist_number(), entry.index);
  take(std::move(entry));
}

void Core::take(Entry entry) {
  if (entry.kind == consensus::EntryKind::membership) memberships.add(entry);
  log.append(std::move(entry));
}

void Core::truncate(Index from) {
  CONCLAVE_PROBE("raft.truncates");
  outbox.truncate(from);
  tail.truncated(from);
  log.truncate(from);
  memberships.truncate(from);
}

void Core::release(Index keep_after) {
  log.release(keep_after);
  memberships.release(log.base());
}

void Core::fold(consensus::StateFold& fold) const {
  fold.add(term, voted_for, owed, given);
  log.fold(fold);
  memberships.fold(fold);
  outbox.fold(fold);
  tail.fold(fold, [this](uint64_t persist) { return outbox.persists_ahead(persist); });
}

void Core::log_drop(ReplicaId from, std::string_view what) const {
  log::warning("raft", "dropped a message", {{"from", to_string(from)}, {"why", what}});
}

}  // namespace conclave::raft
