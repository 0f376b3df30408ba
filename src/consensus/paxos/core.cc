#include "consensus/paxos/core.h"

#include "base/assert.h"
#include "base/log.h"
#include "base/probe.h"

namespace conclave::paxos {

Core::Core(consensus::Config configuration, consensus::Recovered recovered)
    : shared_config(std::make_shared<const consensus::Config>(std::move(configuration))),
      random(config.seed ^ (uint64_t{config.self.value} << 56)),
      promised(recovered.hard_state.promised),
      log(recovered.snapshot_index),
      memberships(config, recovered.membership, recovered.snapshot_index),
      voters(memberships.current()),
      given(recovered.snapshot_index) {
  CONCLAVE_ASSERT(config.heartbeat < config.election_timeout_min);
  CONCLAVE_ASSERT(config.election_timeout_min <= config.election_timeout_max);
  for (const Index index : recovered.damaged) {
    if (index > recovered.snapshot_index) damaged.push_back(index);
  }
  std::ranges::sort(damaged);
  for (Entry& entry : recovered.entries) {
    if (entry.index <= recovered.snapshot_index || !entry.ballot) continue;
    // An older record of a damaged position may be readable; which value was accepted last is not known any more.
    if (std::ranges::binary_search(damaged, entry.index)) continue;
    promised = std::max(promised, entry.ballot);
    log.put(std::move(entry));
  }
  // Below a hole may stand what a snapshot replaced that was lost since.
  const Index hint = recovered.hard_state.committed;
  if (log.holds_all_to(hint)) {
    while (log.committed() < hint) commit_next();
  }
  saw(promised);
  outbox.recovered(recovered.hard_state);
  for (const Index index : recovered.doubtful) make_void(index);
}

void Core::make_void(Index index) {
  outbox.persist(Entry{.index = index, .ballot = {}, .kind = consensus::EntryKind::noop, .payload = {}});
  outbox.persist_hard_state();
}

void Core::accept(Entry entry) {
  repaired(entry.index);
  outbox.persist(entry);
  log.put(std::move(entry));
}

bool Core::commit_next() {
  log.commit_next();
  const Entry& entry = *log.at(log.committed());
  if (entry.kind != consensus::EntryKind::membership || !memberships.add_if_next(entry)) return false;
  voters = Voters(memberships.current());
  outbox.persist_hard_state();  // nothing else tells a restart by which membership it is to go on
  return true;
}

void Core::release(Index keep_after) {
  log.release(keep_after);
  memberships.release(log.first().prev());
}

void Core::found(const std::vector<consensus::Member>& founders) {
  memberships.found(founders);
  voters = Voters(memberships.current());
}

void Core::install(const consensus::SnapshotInstalled& event) {
  for (const Index index : log.install(event.index)) {
    CONCLAVE_PROBE("paxos.snapshot-voids-a-slot");
    make_void(index);
  }
  memberships.install(event.index, event.membership, false);
  voters = Voters(memberships.current());
  given = event.index;
  std::erase_if(damaged, [&](Index index) { return index <= event.index; });
  outbox.persist_hard_state();
}

void Core::fold(consensus::StateFold& fold) const {
  fold.add(promised, round_seen, given);
  fold.all(damaged);
  log.fold(fold);
  memberships.fold(fold);
  outbox.fold(fold);
  marks.fold(fold, [this](uint64_t persist) { return outbox.persists_ahead(persist); });
}

void Core::log_drop(ReplicaId from, std::string_view what) const {
  log::warning("paxos", "dropped a message", {{"from", to_string(from)}, {"why", what}});
}

}  // namespace conclave::paxos
