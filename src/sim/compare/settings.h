// The cell that is measured: which engine, how many replicas, how long the network and the disks take. Plain data.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/time.h"
#include "consensus/factory/factory.h"

namespace conclave::sim::compare {

// Everything that is not named here is as a server has it by default: a heartbeat every 30 ms, election timeouts of
// 200 to 400 ms.
struct Settings {
  consensus::EngineKind engine = consensus::EngineKind::paxos;
  int64_t replicas = 3;  // voters, 1 to 7
  int64_t seed = 1;
  // One way, of every link, those of clients too. Each message draws its own.
  Duration link_min = Duration::micros(450);
  Duration link_max = Duration::micros(550);
  // Of one sync of a file.
  Duration sync_min = Duration::micros(900);
  Duration sync_max = Duration::micros(1100);
  // How long the loop of a replica is busy after each turn; 0: computing takes no time.
  Duration turn{0};
  size_t data_bytes = 100;  // of each write
};

}  // namespace conclave::sim::compare
