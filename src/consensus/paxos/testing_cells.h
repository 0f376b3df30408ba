// Test only: what the scenarios of whole cells share.
#pragma once

#include <string>

#include "consensus/paxos/harness_test.h"
#include "consensus/paxos/messages.h"

namespace conclave::paxos::harness {

inline constexpr Duration kElection = Duration::millis(400);

inline EngineStatus status(Cell& cell, unsigned id) {
  return cell[id].engine->status(Instant{1'000'000'000 + int64_t{id} * 7'777'777 + cell.now_us()});
}

inline bool commits(Cell& cell, unsigned master, std::string payload, Duration limit = Duration::seconds(1)) {
  const Index before = cell.committed_anywhere();
  cell.propose(master, {std::move(payload)});
  return cell.run_until([&] { return cell.committed_anywhere() > before; }, limit);
}

inline unsigned other_than(unsigned a, unsigned b = 0) {
  for (unsigned id = 1;; ++id) {
    if (id != a && id != b) return id;
  }
}

}  // namespace conclave::paxos::harness
