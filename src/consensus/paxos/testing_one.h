// Test only: replica A of three, its clock, and what it says.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "consensus/paxos/engine.h"
#include "consensus/paxos/messages.h"

namespace conclave::paxos {

using namespace conclave::consensus;

inline constexpr ReplicaId kA{1}, kB{2}, kC{3};
inline const Ballot kB1{258, kB};
inline const Ballot kB2{514, kB};
inline const Ballot kC1{259, kC};

inline Entry entry(uint64_t index, Ballot ballot, std::string payload) {
  return {.index = Index(index), .ballot = ballot, .kind = EntryKind::transaction, .payload = Blob(std::move(payload))};
}

class One {
 public:
  explicit One(Recovered recovered = {.hard_state = {.promised = {1, kA}}}, Config config = {}) {
    config.self = kA;
    config.members = {{kA}, {kB}, {kC}};
    engine_ = make_engine(config, std::move(recovered));
  }
  Output step(EventBody body) {
    Output output = engine_->step({.now = now, .body = std::move(body)});
    if (output.persist.number) last_persist = output.persist.number;
    return output;
  }
  Output get(ReplicaId from, Body body) { return step(MessageReceived{from, encode(std::move(body))}); }
  Output durable() { return step(Persisted{last_persist}); }
  void wait(int64_t ms) { now = now + Duration::millis(ms); }
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
  EngineStatus status() const { return engine_->status(now); }

  Instant now{5'000'000};
  uint64_t last_persist = 0;

 private:
  std::unique_ptr<Engine> engine_;
};

template <class M>
std::vector<M> sent(const std::vector<Envelope>& envelopes) {
  std::vector<M> out;
  for (const Envelope& envelope : envelopes) {
    auto body = decode(envelope.message);
    if (body && std::holds_alternative<M>(*body)) out.push_back(std::get<M>(*body));
  }
  return out;
}

}  // namespace conclave::paxos
