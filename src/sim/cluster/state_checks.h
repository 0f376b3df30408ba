// Replicas are alike: after each transaction the digest of every replica's whole state is compared with what the others
// had after the same one (B51, S1), and what a replica applied with what the log says takes effect (S2).
#pragma once

#include <map>
#include <memory>

#include "sim/cluster/findings.h"
#include "sim/cluster/log_recorder.h"

namespace conclave::state {
class Service;
}

namespace conclave::sim {

class StateChecks {
 public:
  StateChecks(const LogRecorder& log, Findings& findings) : log_(log), findings_(findings) {}

  // Watches one life of a replica (state_seat.h). The observer must outlive the gateway.
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

}  // namespace conclave::sim
