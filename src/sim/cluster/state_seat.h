// Where StateChecks watches one life of a replica from.
#pragma once

#include "replica/gateway.h"
#include "sim/cluster/state_checks.h"

namespace conclave::sim {

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
