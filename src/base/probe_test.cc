#include "base/probe.h"

#include <gtest/gtest.h>

namespace conclave {
namespace {

void reach(bool rare) {
  CONCLAVE_PROBE("probe-test.always");
  if (rare) CONCLAVE_PROBE("probe-test.rare");
}

TEST(Probe, IsKnownBeforeItIsReached) {
  EXPECT_TRUE(Probe::all().contains("probe-test.rare"));
  EXPECT_EQ(Probe::all().at("probe-test.rare"), 0u);
  reach(false);
  reach(true);
  EXPECT_EQ(Probe::all().at("probe-test.always"), 2u);
  EXPECT_EQ(Probe::all().at("probe-test.rare"), 1u);
}

}  // namespace
}  // namespace conclave
