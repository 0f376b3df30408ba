#include "consensus/paxos/learner.h"

namespace conclave::paxos {

using consensus::Learning;

void Learner::set_ballot(Ballot ballot) {
  if (ballot != tally_.ballot()) tally_ = Tally(ballot, core_.log.committed());
}

bool Learner::advance() {
  const Index before = core_.log.committed();
  for (Index next = before.next();; next = next.next()) {
    const Entry* entry = core_.log.at(next);
    if (!entry || entry->ballot != tally_.ballot()) break;
    if (next > known_ && !tally_.chosen(next, core_.voters)) break;
    commit_next();
  }
  if (core_.log.committed() == before) return false;
  tally_.release(core_.log.committed());
  return true;
}

// Acceptances of what comes behind a membership are counted among its voters.
void Learner::commit_next() {
  if (core_.commit_next()) recount();
}

void Learner::ask(ReplicaId teacher) {
  core_.outbox.send(teacher, Learn{.from = core_.log.committed().next()});
}

void Learner::answer(ReplicaId asker, Index from, bool snapshot_allowed) {
  const SlotLog& log = core_.log;
  if (from < log.first()) {
    if (snapshot_allowed) {
      core_.outbox.output().snapshots_needed.push_back({.to = asker, .at_least = log.first().prev()});
    }
    return;
  }
  core_.outbox.send(asker, Learned{.committed = log.committed(),
                                   .entries = log.run(from, log.committed(), core_.config.message_bytes_max)});
}

bool Learner::learn(std::vector<Entry> entries) {
  const Index before = core_.log.committed();
  for (Entry& entry : entries) {
    const Index next = core_.log.committed().next();
    if (entry.index < next) continue;
    if (entry.index > next) break;
    // An acceptor that accepted this very value under a higher ballot must go on saying so (P2c relies on it).
    const Entry* own = core_.log.at(next);
    const bool same = own && own->ballot >= entry.ballot && own->kind == entry.kind && own->payload == entry.payload;
    if (!same) core_.accept(std::move(entry));
    commit_next();
  }
  const Index committed = core_.log.committed();
  if (committed == before) return false;
  tally_.release(committed);
  core_.marks.add(
      {.persist = core_.outbox.persist_number(), .ballot = {}, .first = {}, .last = {}, .received = committed});
  core_.outbox.persist_hard_state();
  return true;
}

bool Learner::in_distinguished_set(ReplicaId id) const {
  const auto& ids = core_.quorum().voters();
  const size_t size = std::min(core_.config.distinguished_learners, ids.size());
  return std::find(ids.begin(), ids.begin() + static_cast<ptrdiff_t>(size), id) !=
         ids.begin() + static_cast<ptrdiff_t>(size);
}

bool Learner::distinguished() const {
  return core_.config.learning == Learning::distinguished_set && in_distinguished_set(core_.config.self);
}

std::vector<ReplicaId> Learner::audience(ReplicaId master) const {
  std::vector<ReplicaId> out;
  core_.for_each_other([&](ReplicaId id) {
    const bool wanted = core_.config.learning == Learning::everyone ||
                        (core_.config.learning == Learning::distinguished_set && in_distinguished_set(id));
    if (wanted || id == master) out.push_back(id);
  });
  return out;
}

}  // namespace conclave::paxos
