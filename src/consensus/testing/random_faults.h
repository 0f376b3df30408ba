// Test only: everything at once, from a seed: loss, duplication, reordering, partitions, crashes, slow disks, drifting
// clocks, snapshots, transfers, reads. Safety is checked after every event (cell.h); afterwards the faults stop and the
// cell must serve again (PX-12, PX-14).
#pragma once

#include <cstdint>

#include "consensus/testing/cell.h"

namespace conclave::consensus::harness {

// Of all seeds together: the faults must leave something to check.
struct RandomFigures {
  size_t leads = 0;
  size_t slots = 0;
  size_t reads = 0;
  size_t snapshots = 0;
  size_t messages = 0;
  size_t memberships = 0;  // after the founding ones
  friend bool operator==(const RandomFigures&, const RandomFigures&) = default;
};

// A broken promise is a GoogleTest failure that names the seed.
void run_random_faults(const Kind& kind, uint64_t seed, RandomFigures& figures);

// 500 seeds, or those of CONCLAVE_SEEDS=FIRST:COUNT.
RandomFigures run_random_seeds(const Kind& kind);

}  // namespace conclave::consensus::harness
