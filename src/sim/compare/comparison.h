// All that is measured of each engine, one after the other: the cost of writes, fail-overs over many seeds, partial
// partitions. A function of its options.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "sim/compare/distribution.h"
#include "sim/compare/fail_over.h"
#include "sim/compare/partition.h"
#include "sim/compare/steady.h"

namespace conclave::sim::compare {

// How the cell is written to while nothing fails.
struct Load {
  std::string_view name;
  uint32_t writers = 1;
  bool at_master = true;
  uint64_t writes_of_each = 0;
  Duration turn{0};
};
inline constexpr std::array kLoads = {
    Load{.name = "1 client", .writers = 1, .writes_of_each = 1000},
    Load{.name = "1 client, at a follower", .writers = 1, .at_master = false, .writes_of_each = 1000},
    Load{.name = "64 clients", .writers = 64, .writes_of_each = 200},
    Load{.name = "64 clients, turns of 50 us", .writers = 64, .writes_of_each = 200, .turn = Duration::micros(50)},
};
inline constexpr std::array<int64_t, 2> kCellSizes = {3, 5};

struct CompareOptions {
  std::vector<consensus::EngineKind> engines;
  int64_t seeds = 100;  // of each kind of fail-over; at least 1
  std::vector<Load> loads{kLoads.begin(), kLoads.end()};
  // Of each partition.
  int64_t partition_seeds() const { return (seeds + 3) / 4; }
};

struct Comparison {
  struct Writes {
    consensus::EngineKind engine;
    int64_t replicas;
    std::string_view load;
    Steady measured;
  };
  struct FailOver {
    consensus::EngineKind engine;
    int64_t replicas;
    Loss loss;
    Distribution outages;
  };
  struct Partition {
    consensus::EngineKind engine;
    const Topology* topology;
    std::vector<PartitionOutcome> outcomes;  // one for each seed, from 1

    Distribution outages() const;
    Distribution recoveries() const;
    uint64_t with_progress() const;
    uint32_t served_least() const;
    uint64_t masters_most() const;
  };
  std::vector<Writes> writes;
  std::vector<FailOver> fail_overs;
  std::vector<Partition> partitions;
};

// What is begun, and how many such steps there are; the first is 1.
using Progress = std::function<void(const std::string& step, size_t number, size_t steps)>;

// Errors: those of the measurements, with what was measured, and the seed.
Result<Comparison> compare(const CompareOptions& options, const Progress& progress);

}  // namespace conclave::sim::compare
