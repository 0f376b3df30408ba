// Test only: one engine of three replicas A, B and C, its clock, and what it says.
//
// kMake, kEncode, kDecode: make_engine, encode and decode of the engine's folder.
#pragma once

#include <memory>
#include <utility>
#include <variant>
#include <vector>

#include "consensus/api/engine.h"

namespace conclave::consensus::harness {

inline constexpr ReplicaId kA{1}, kB{2}, kC{3};

template <auto kMake, auto kEncode>
class OneEngine {
 public:
  OneEngine(Recovered recovered, Config config) {
    config.self = kA;
    config.members = {{kA}, {kB}, {kC}};
    engine_ = kMake(std::move(config), std::move(recovered));
  }
  Output step(EventBody body) {
    Output output = engine_->step({.now = now, .body = std::move(body)});
    if (output.persist.number) last_persist = output.persist.number;
    return output;
  }
  template <class Body>
  Output get(ReplicaId from, Body body) {
    return step(MessageReceived{from, kEncode(std::move(body))});
  }
  Output durable() { return step(Persisted{last_persist}); }
  void wait(int64_t ms) { now = now + Duration::millis(ms); }
  EngineStatus status() const { return engine_->status(now); }

  Instant now{5'000'000};
  uint64_t last_persist = 0;

 private:
  std::unique_ptr<Engine> engine_;
};

// The messages of kind M among these, and to whom they go.
template <class M, auto kDecode>
std::vector<std::pair<ReplicaId, M>> sent_of(const std::vector<Envelope>& envelopes) {
  std::vector<std::pair<ReplicaId, M>> out;
  for (const Envelope& envelope : envelopes) {
    auto body = kDecode(envelope.message);
    if (body && std::holds_alternative<M>(*body)) out.emplace_back(envelope.to, std::get<M>(*body));
  }
  return out;
}

}  // namespace conclave::consensus::harness
