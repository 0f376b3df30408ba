// Partial partitions (B11 to B14): some links are dead, the others are not, and no replica is. Whether the cell makes
// progress while they last, and how long it takes to be whole again after. A function of its options.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "sim/compare/settings.h"

namespace conclave::sim::compare {

struct Topology {
  std::string_view name;     // for people, short
  std::string_view number;   // of docs/requirements/bugs.md
  std::string_view meaning;  // which parts see each other (measured_cell.h); 1 leads when it begins
  int64_t replicas = 0;
  std::vector<std::pair<uint32_t, uint32_t>> cuts;
  // Misses some writes before, being alone; 0: nobody does.
  uint32_t lags = 0;
};

const std::vector<Topology>& topologies();

// How long a partition lasts: 25 of the longest election timeouts.
inline constexpr Duration kPartition = Duration::seconds(10);

struct PartitionOutcome {
  Duration outage{0};  // the longest one while it lasts (outage.h); about kPartition if nothing is acknowledged
  // Something that was asked for in the last second of it was acknowledged before its end.
  bool progress = false;
  uint32_t served = 0;    // how many replicas' clients had such a write
  uint64_t masters = 0;   // how often a replica began to serve as the master while it lasted
  Duration recovered{0};  // from its end until every client had a write acknowledged that it asked for after that

  friend bool operator==(const PartitionOutcome&, const PartitionOutcome&) = default;
};

// `settings.replicas` is that of the topology. One client at each replica, all whose links stay, writes every few
// milliseconds.
// Errors: unavailable (no recovery within a minute), and those of MeasuredCell::verdict.
Result<PartitionOutcome> measure_partition(Settings settings, const Topology& topology);

}  // namespace conclave::sim::compare
