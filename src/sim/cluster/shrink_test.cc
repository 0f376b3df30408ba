#include "sim/cluster/shrink.h"

#include <algorithm>
#include <gtest/gtest.h>

#include "sim/cluster/draw.h"

namespace conclave::sim {
namespace {

bool has(const Plan& plan, FaultKind kind) {
  return std::ranges::find(plan.faults, kind, &Fault::kind) != plan.faults.end();
}

Plan long_plan() {
  Plan plan = draw_plan(3, Profile::swarm, Duration::seconds(600));
  plan.faults.clear();
  for (int64_t n = 0; n < 100; ++n) {
    plan.faults.push_back({.at = Duration::seconds(n), .kind = n % 2 == 0 ? FaultKind::clog : FaultKind::pause});
  }
  plan.faults[20].kind = FaultKind::isolate;
  plan.faults[70].kind = FaultKind::power_cut;
  plan.clients = 6;
  return plan;
}

TEST(Shrink, KeepsWhatTheFailureNeedsAndNothingElse) {
  const auto fails = [](const Plan& plan) {
    return has(plan, FaultKind::isolate) && has(plan, FaultKind::power_cut) && plan.clients >= 2;
  };
  const Shrunk shrunk = shrink(long_plan(), fails, 1000);
  ASSERT_EQ(shrunk.plan.faults.size(), 2u);
  EXPECT_EQ(shrunk.plan.faults[0].kind, FaultKind::isolate);
  EXPECT_EQ(shrunk.plan.faults[1].kind, FaultKind::power_cut);
  EXPECT_EQ(shrunk.plan.clients, 2);
  EXPECT_EQ(shrunk.plan.safety, Duration::seconds(75)) << "a little beyond the last fault";
  EXPECT_EQ(shrunk.plan.replicas, Plan().replicas);
  EXPECT_TRUE(fails(shrunk.plan));
}

TEST(Shrink, EndsWhenItHasAskedOftenEnough) {
  size_t asked = 0;
  const auto fails = [&asked](const Plan& plan) {
    ++asked;
    return has(plan, FaultKind::isolate);
  };
  const Shrunk shrunk = shrink(long_plan(), fails, 5);
  EXPECT_EQ(asked, 5u);
  EXPECT_EQ(shrunk.runs, 5u);
  EXPECT_TRUE(has(shrunk.plan, FaultKind::isolate));
}

TEST(Shrink, APlanOfWhichAllIsNeededStays) {
  const Plan plan = long_plan();
  EXPECT_EQ(shrink(plan, [&plan](const Plan& other) { return other == plan; }, 1000).plan, plan);
}

}  // namespace
}  // namespace conclave::sim
