// Hundreds of seeds of everything at once (consensus/testing/random_faults.h).
#include <gtest/gtest.h>

#include "consensus/raft/testing_cells.h"
#include "consensus/testing/random_faults.h"

namespace conclave::raft::harness {
namespace {

TEST(RandomFaults, SafeAlwaysAndLiveAfterwards) {
  run_random_seeds(kRaft);
}

TEST(RandomFaults, EqualSeedsGiveEqualRuns) {
  RandomFigures once;
  RandomFigures again;
  for (uint64_t seed = 0; seed < 10; ++seed) run_random_faults(kRaft, seed, once);
  for (uint64_t seed = 0; seed < 10; ++seed) run_random_faults(kRaft, seed, again);
  EXPECT_EQ(once, again);
}

}  // namespace
}  // namespace conclave::raft::harness
