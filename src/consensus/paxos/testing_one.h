// Test only: replica A of three, its clock, and what it says.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "consensus/paxos/engine.h"
#include "consensus/paxos/messages.h"
#include "consensus/testing/one_engine.h"

namespace conclave::paxos {

using namespace conclave::consensus;

using consensus::harness::kA, consensus::harness::kB, consensus::harness::kC;
inline const Ballot kB1{258, kB};
inline const Ballot kB2{514, kB};
inline const Ballot kC1{259, kC};

inline Entry entry(uint64_t index, Ballot ballot, std::string payload) {
  return {.index = Index(index), .ballot = ballot, .kind = EntryKind::transaction, .payload = Blob(std::move(payload))};
}

class One : public consensus::harness::OneEngine<&make_engine, &encode> {
 public:
  explicit One(Recovered recovered = {.hard_state = {.promised = {1, kA}}}, Config config = {})
      : OneEngine(std::move(recovered), std::move(config)) {}
  // Lets it win ballot 257 with the promise of B; returns the output in which it won.
  Output lead(Promise promise = {
                  .ballot = {257, kA}, .committed = {}, .covers_from = Index(1), .covers_to = kEnd, .entries = {}}) {
    step(Tick{});
    wait(500);
    step(Tick{});
    get(kB, PreVoteReply{.attempt = 1, .granted = true});
    durable();
    return get(kB, std::move(promise));
  }
};

template <class M>
std::vector<M> sent(const std::vector<Envelope>& envelopes) {
  std::vector<M> out;
  for (auto& [to, message] : consensus::harness::sent_of<M, &decode>(envelopes)) out.push_back(std::move(message));
  return out;
}

}  // namespace conclave::paxos
