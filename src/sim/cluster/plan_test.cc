#include "sim/cluster/plan.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <set>

#include "replica/options.h"
#include "sim/cluster/draw.h"

namespace conclave::sim {
namespace {

std::string why(std::string_view text) {
  const auto plan = parse_plan(text);
  return plan ? "taken" : plan.error().message;
}

TEST(Plan, DrawnOnesAreWrittenAndReadBack) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    const Plan plan = draw_plan(seed, Profile::swarm, Duration::seconds(60));
    const auto read = parse_plan(to_text(plan));
    ASSERT_TRUE(read) << read.error().message << "\n" << to_text(plan);
    EXPECT_EQ(*read, plan) << to_text(plan);
  }
}

TEST(Plan, SaysOnlyWhatIsUnusual) {
  Plan plan;
  plan.replicas = 5;
  plan.leases = false;
  EXPECT_EQ(to_text(plan), "seed 1\nreplicas 5\nleases off\n");
}

TEST(Plan, WhatAPlanDoesNotSayIsAsInTheProduct) {
  const auto plan = parse_plan("seed 5\nreplicas 3\n");
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->snapshot_slice_bytes, static_cast<int64_t>(replica::Options().snapshot_slice_bytes));
  EXPECT_EQ(plan->read_only_percent, 0);
}

TEST(Plan, FaultsAreKeptInTheOrderOfTime) {
  const auto plan = parse_plan("at 2s kill  # the second\n\n  at 1s pause\nat 2s isolate\n");
  ASSERT_TRUE(plan);
  ASSERT_EQ(plan->faults.size(), 3u);
  EXPECT_EQ(plan->faults[0].kind, FaultKind::pause);
  EXPECT_EQ(plan->faults[1].kind, FaultKind::kill);
  EXPECT_EQ(plan->faults[2].kind, FaultKind::isolate);
}

TEST(Plan, MistakesAreNamedWithTheirLine) {
  EXPECT_EQ(why("seed 1\ncolour red"), "line 2: there is no setting \"colour\"");
  EXPECT_EQ(why("replicas"), "line 1: replicas: no value");
  EXPECT_EQ(why("replicas three"), "line 1: replicas: \"three\" is not a whole number");
  EXPECT_EQ(why("leases maybe"), "line 1: leases: expected on or off");
  EXPECT_EQ(why("replicas 9"), "replicas 9: out of bounds");
  EXPECT_EQ(why("heartbeat 300ms"), "heartbeat < election-timeout-min <= election-timeout-max does not hold");
  EXPECT_EQ(why("at 1s earthquake"), "line 1: there is no fault \"earthquake\"");
}

TEST(Draw, TheSameSeedGivesTheSamePlan) {
  EXPECT_EQ(draw_plan(7, Profile::swarm, Duration::seconds(60)), draw_plan(7, Profile::swarm, Duration::seconds(60)));
  EXPECT_NE(draw_plan(7, Profile::swarm, Duration::seconds(60)), draw_plan(8, Profile::swarm, Duration::seconds(60)));
}

// Swarm testing: about half of the kinds are off in any one seed, and all are on in some.
TEST(Draw, EachSeedHasItsOwnKindsOfFaults) {
  std::set<FaultKind> all;
  size_t kinds = 0;
  constexpr uint64_t kSeeds = 200;
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    std::set<FaultKind> here;
    for (const Fault& fault : draw_plan(seed, Profile::swarm, Duration::seconds(3600)).faults) here.insert(fault.kind);
    kinds += here.size();
    all.insert(here.begin(), here.end());
  }
  EXPECT_EQ(all.size(), fault_types().size() - 3)
      << "all but those of the lock service, of the operator and lost disks";
  EXPECT_GT(kinds / kSeeds, fault_types().size() * 4 / 10);
  EXPECT_LT(kinds / kSeeds, fault_types().size() * 6 / 10);
}

// A disk may be lost, which the cell notices; none tells something else than was written on it.
TEST(Draw, B38_MembersChangeAndLoseTheirDisks) {
  size_t with_losses = 0, not_founded = 0;
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    const Plan plan = draw_plan(seed, Profile::members, Duration::seconds(120));
    EXPECT_GE(plan.spares, 1);
    const auto changes = std::ranges::count(plan.faults, FaultKind::change_members, &Fault::kind);
    EXPECT_GE(changes, 3) << seed;
    EXPECT_EQ(std::ranges::count(plan.faults, FaultKind::bit_rot, &Fault::kind), 0) << seed;
    if (std::ranges::count(plan.faults, FaultKind::lose_disk, &Fault::kind) > 0) ++with_losses;
    if (!plan.founded) ++not_founded;
  }
  EXPECT_GE(with_losses, 8u);
  EXPECT_LT(with_losses, 20u);
  EXPECT_GE(not_founded, 4u);
}

// The lock service's: every step of a fail-over is a time to kill the new master at.
TEST(Draw, CH_78_MastersOfTheLockServiceAreKilledAtEveryStep) {
  std::set<uint64_t> steps;
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    for (const Fault& fault : draw_plan(seed, Profile::locks, Duration::seconds(60)).faults) {
      if (fault.kind == FaultKind::crash_in_fail_over) steps.insert(fault.amount);
    }
  }
  EXPECT_EQ(steps, (std::set<uint64_t>{1, 2, 3, 4, 5, 6, 7, 8, 9}));
}

// Half of the seeds: what was written last rots, and at the same moment the replica goes down.
TEST(Draw, RotComesWithARestart) {
  size_t pairs = 0;
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    const Plan plan = draw_plan(seed, Profile::swarm, Duration::seconds(60));
    EXPECT_TRUE(std::ranges::is_sorted(plan.faults, {}, &Fault::at));
    for (size_t i = 0; i < plan.faults.size(); ++i) {
      const Fault& rot = plan.faults[i];
      if (rot.kind != FaultKind::bit_rot || rot.amount == 0) continue;
      ASSERT_LT(i + 1, plan.faults.size());
      const Fault& down = plan.faults[i + 1];
      EXPECT_EQ(down.at, rot.at);
      EXPECT_EQ(down.target, rot.target);
      EXPECT_TRUE(down.kind == FaultKind::kill || down.kind == FaultKind::power_cut) << name_of(down.kind);
      ++pairs;
    }
  }
  EXPECT_GT(pairs, 30u);
}

TEST(Draw, ALeaseIsNeverAskedToBearMoreThanItAllowsFor) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    const Plan plan = draw_plan(seed, Profile::swarm, Duration::seconds(600));
    for (const Fault& fault : plan.faults) {
      if (plan.leases) {
        EXPECT_NE(fault.kind, FaultKind::clock_jump);
      }
      if (fault.kind != FaultKind::clock_rate) continue;
      const auto ppm = static_cast<int64_t>(fault.amount) - 1'000'000;
      EXPECT_LE(std::abs(ppm), plan.clock_drift_ppm / 2);
    }
  }
}

}  // namespace
}  // namespace conclave::sim
