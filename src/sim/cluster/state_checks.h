// Replicas are alike: after each transaction the digest of every replica's whole state is compared with what the others
// had after the same one (B51, S1), and what a replica applied with what the log says takes effect (S2).
#pragma once

#include <map>
#include <memory>

#include "replica/gateway.h"
#include "sim/cluster/findings.h"
#include "sim/cluster/log_recorder.h"

namespace conclave::sim {

class StateChecks {
 public:
  StateChecks(const LogRecorder& log, Findings& findings) : log_(log), findings_(findings) {}

  // Watches one life of a replica. The observer must outlive the gateway.
  class Seat;
  std::unique_ptr<Seat> watch(ReplicaId replica);

  uint64_t compared() const { return compared_; }

 private:
  void check(ReplicaId replica, const state::Service& state, const char* when);

  const LogRecorder& log_;
  Findings& findings_;
  std::map<Zxid, uint64_t> digests_;
  uint64_t compared_ = 0;
};

class StateChecks::Seat final : public replica::GatewayObserver {
 public:
  Seat(StateChecks& checks, ReplicaId replica) : checks_(checks), replica_(replica) {}

  // The state as it was recovered.
  void attach(const replica::Gateway& gateway) {
    gateway_ = &gateway;
    checks_.check(replica_, gateway.state(), "after recovery");
  }
  void on_applied(const state::Applied&) override { checks_.check(replica_, gateway_->state(), "after applying"); }
  void on_state_replaced() override { checks_.check(replica_, gateway_->state(), "after a snapshot of a peer"); }
  void on_serving_changed(bool) override {}

 private:
  StateChecks& checks_;
  ReplicaId replica_;
  const replica::Gateway* gateway_ = nullptr;
};

}  // namespace conclave::sim
