// Hundreds of seeds of everything at once (consensus/testing/random_faults.h).
#include <gtest/gtest.h>

#include "consensus/paxos/testing_cells.h"
#include "consensus/testing/random_faults.h"

namespace conclave::paxos::harness {
namespace {

TEST(RandomFaults, SafeAlwaysAndLiveAfterwards) {
  run_random_seeds(kPaxos);
}

TEST(RandomFaults, EqualSeedsGiveEqualRuns) {
  RandomFigures once;
  RandomFigures again;
  for (uint64_t seed = 0; seed < 10; ++seed) run_random_faults(kPaxos, seed, once);
  for (uint64_t seed = 0; seed < 10; ++seed) run_random_faults(kPaxos, seed, again);
  EXPECT_EQ(once, again);
}

}  // namespace
}  // namespace conclave::paxos::harness
