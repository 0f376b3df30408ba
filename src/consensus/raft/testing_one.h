// Test only: server A of three, its clock, and what it says.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "consensus/raft/engine.h"
#include "consensus/raft/messages.h"
#include "consensus/testing/one_engine.h"

namespace conclave::raft {

using namespace conclave::consensus;

using consensus::harness::kA, consensus::harness::kB, consensus::harness::kC;

inline Ballot of(uint64_t term, ReplicaId leader) {
  return {.round = term, .replica = leader};
}
inline Entry entry(uint64_t index, Ballot ballot, std::string payload = "x") {
  return {.index = Index(index), .ballot = ballot, .kind = EntryKind::transaction, .payload = Blob(std::move(payload))};
}

class One : public consensus::harness::OneEngine<&make_engine, &encode> {
 public:
  explicit One(Recovered recovered = {}, Config config = {}) : OneEngine(std::move(recovered), std::move(config)) {}
  // Past the promise that a restarted server keeps to a lease that it may have forgotten.
  void settle_in() {
    step(Tick{});
    wait(200);
  }
  // Stands in the next term; the output in which it asks for votes.
  Output stand() {
    step(Tick{});
    wait(500);
    step(Tick{});
    const Ballot ballot = of(term() + 1, kA);
    return get(kB, Vote{.ballot = ballot, .pre = true, .granted = true, .term = ballot.round - 1});
  }
  // Is elected by B; the output of that moment.
  Output lead() {
    stand();
    durable();
    return get(kB, Vote{.ballot = of(term(), kA), .granted = true, .term = term()});
  }
  // As a leader whose followers B and C have all that it has.
  void serve() {
    lead();
    durable();
    for (const ReplicaId peer : {kB, kC}) has(peer, last());
  }
  Output has(ReplicaId peer, Index index) {
    return get(peer, Appended{.ballot = of(term(), kA), .received = index, .durable = index, .stamp = {now, 0}});
  }
  uint64_t term() const { return status().ballot.round; }
  Index last() const { return status().last; }
};

template <class M>
std::vector<M> sent(const std::vector<Envelope>& envelopes) {
  std::vector<M> out;
  for (auto& [to, message] : consensus::harness::sent_of<M, &decode>(envelopes)) out.push_back(std::move(message));
  return out;
}

inline Append append(Ballot leader, uint64_t prev, Ballot prev_ballot, std::vector<Entry> entries,
                     uint64_t committed = 0) {
  const Index last(prev + entries.size());
  return {.ballot = leader,
          .prev_index = Index(prev),
          .prev_ballot = prev_ballot,
          .committed = Index(committed),
          .last = last,
          .stamp = {},
          .entries = std::move(entries)};
}
inline RequestVote request(Ballot candidate, uint64_t last, Ballot last_ballot) {
  return {.ballot = candidate, .pre = false, .last_index = Index(last), .last_ballot = last_ballot, .proof = {}};
}

}  // namespace conclave::raft
