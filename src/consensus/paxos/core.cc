#include "consensus/paxos/core.h"

#include "base/assert.h"
#include "base/log.h"

namespace conclave::paxos {

Core::Core(consensus::Config configuration, consensus::Recovered recovered)
    : shared_config(std::make_shared<const consensus::Config>(std::move(configuration))),
      voters(config.members),
      voter(voters.bit(config.self) != 0),
      random(config.seed ^ (uint64_t{config.self.value} << 56)),
      promised(recovered.hard_state.promised),
      log(recovered.snapshot_index),
      given(recovered.snapshot_index) {
  CONCLAVE_ASSERT(member(config.self));
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
    while (log.committed() < hint) log.commit_next();
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

void Core::fold(consensus::StateFold& fold) const {
  fold.add(promised, round_seen, given);
  fold.all(damaged);
  log.fold(fold);
  outbox.fold(fold);
  marks.fold(fold, [this](uint64_t persist) { return outbox.persists_ahead(persist); });
}

void Core::log_drop(ReplicaId from, std::string_view what) const {
  log::warning("paxos", "dropped a message", {{"from", to_string(from)}, {"why", what}});
}

}  // namespace conclave::paxos
