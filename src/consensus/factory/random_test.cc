// Hundreds of seeds of everything at once (consensus/testing/random_faults.h).
#include <gtest/gtest.h>

#include "consensus/factory/testing_engines.h"
#include "consensus/testing/random_faults.h"

namespace conclave::consensus::harness {
namespace {

class RandomFaults : public EveryEngine {};
INSTANTIATE_TEST_SUITE_P(Engines, RandomFaults, kEngines, name_of_engine);

TEST_P(RandomFaults, SafeAlwaysAndLiveAfterwards) {
  run_random_seeds(kind());
}

TEST_P(RandomFaults, EqualSeedsGiveEqualRuns) {
  RandomFigures once;
  RandomFigures again;
  for (uint64_t seed = 0; seed < 10; ++seed) run_random_faults(kind(), seed, once);
  for (uint64_t seed = 0; seed < 10; ++seed) run_random_faults(kind(), seed, again);
  EXPECT_EQ(once, again);
}

}  // namespace
}  // namespace conclave::consensus::harness
