// Whole runs: the same plan is the same run, a healthy cell has nothing to be found, and what a run is judged by is
// really there. That broken code is found out is shown by the planted bugs (docs/planted-bugs.md).
#include "sim/cluster/run.h"

#include <gtest/gtest.h>

#include "sim/cluster/draw.h"

namespace conclave::sim {
namespace {

std::string text_of(const RunResult& result) {
  std::string text;
  for (const check::Violation& violation : result.violations) text += violation.checker + ": " + violation.what + "\n";
  return text;
}

Plan short_plan(uint64_t seed) {
  return draw_plan(seed, Profile::swarm, Duration::seconds(10));
}

TEST(Run, TheSamePlanIsTheSameRun) {
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    const RunResult first = run(short_plan(seed));
    const RunResult second = run(short_plan(seed));
    EXPECT_EQ(first.trace_hash, second.trace_hash) << seed;
    EXPECT_EQ(first.figures.events, second.figures.events) << seed;
  }
  EXPECT_NE(run(short_plan(1)).trace_hash, run(short_plan(2)).trace_hash);
}

TEST(Run, ManySeedsPass) {
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    const RunResult result = run(short_plan(seed));
    EXPECT_EQ(result.verdict, Verdict::passed) << "seed " << seed << "\n"
                                               << text_of(result) << to_text(short_plan(seed));
  }
}

TEST(Run, AHealthyCellServesEverySizeOfIt) {
  for (const int64_t replicas : {1, 2, 3, 5, 7}) {
    Plan plan;
    plan.replicas = replicas;
    plan.safety = Duration::seconds(5);
    const RunResult result = run(plan);
    EXPECT_EQ(result.verdict, Verdict::passed) << text_of(result);
    EXPECT_EQ(result.figures.masters, 1u) << replicas;
    const auto closed = static_cast<uint64_t>(plan.clients);  // at the end; of that no answer is written down
    EXPECT_EQ(result.figures.answered + closed, result.figures.operations) << replicas;
    EXPECT_GT(result.figures.linear_checked, 20u);
    EXPECT_GT(result.figures.digests_compared, static_cast<uint64_t>(replicas));
  }
}

TEST(Run, NoProgressIsFound) {
  Plan plan;
  plan.safety = Duration::seconds(1);
  plan.settle_bound = Duration::seconds(1);
  plan.clients = 1;
  plan.latency_min = plan.latency_max = Duration::seconds(2);  // nobody can be elected
  const RunResult result = run(plan);
  EXPECT_EQ(result.verdict, Verdict::no_liveness);
  ASSERT_FALSE(result.violations.empty());
  EXPECT_EQ(result.violations[0].checker, "liveness");
}

// A history that was spoilt is found out by the checkers that a run uses.
TEST(Run, TheHistoryIsThatOfTheClients) {
  Plan plan;
  plan.safety = Duration::seconds(5);
  check::History history;
  RunOptions options;
  options.on_history = [&history](const check::History& seen) { history = seen; };
  const RunResult result = run(plan, std::move(options));
  EXPECT_EQ(history.operations.size(), result.figures.operations);
  EXPECT_EQ(history.log.size(), result.figures.transactions);
  EXPECT_FALSE(history.session_events.empty());
  EXPECT_FALSE(history.signs_of_life.empty());
  EXPECT_FALSE(history.healthy.empty());
}

// Without being told who founded the cell; and nobody who lost its disk founds another one.
TEST(Run, B38_ReplicasMeetAndFoundTheirCell) {
  for (const int64_t replicas : {1, 3, 5}) {
    Plan plan;
    plan.replicas = replicas;
    plan.observers = 1;
    plan.spares = 1;
    plan.founded = false;
    plan.safety = Duration::seconds(8);
    for (const int64_t at : {2, 3, 4, 5}) {
      plan.faults.push_back({.at = Duration::seconds(at),
                             .kind = FaultKind::lose_disk,
                             .target = {},
                             .lasting = Duration::millis(300),
                             .amount = 0,
                             .choice = static_cast<uint64_t>(at)});
    }
    const RunResult result = run(plan);
    EXPECT_EQ(result.verdict, Verdict::passed) << replicas << "\n" << text_of(result);
    EXPECT_GT(result.figures.transactions, 10u);
  }
}

// Everything that a fault of this kind may do is done somewhere: none is left out always.
TEST(Run, EveryKindOfFaultStrikes) {
  for (const FaultType& type : fault_types()) {
    Plan plan;
    plan.replicas = 5;
    plan.leases = type.kind != FaultKind::clock_jump;
    plan.safety = Duration::seconds(6);
    if (type.kind == FaultKind::crash_in_fail_over) plan.lock_clients = 3;
    if (type.kind == FaultKind::change_members) plan.spares = 2;
    for (const int64_t at : {2, 3, 4}) {
      plan.faults.push_back({.at = Duration::seconds(at),
                             .kind = type.kind,
                             .target = {},
                             .lasting = Duration::millis(500),
                             .amount = type.kind == FaultKind::clock_rate           ? 1'000'400u
                                       : type.kind == FaultKind::wall_clock_jump    ? 999'990'000u
                                       : type.kind == FaultKind::crash_in_fail_over ? 4u
                                                                                    : 20u,
                             .choice = static_cast<uint64_t>(at)});
    }
    const RunResult result = run(plan);
    EXPECT_EQ(result.verdict, Verdict::passed) << type.name << "\n" << text_of(result);
    uint64_t struck = 0;
    for (const uint64_t count : result.figures.struck[static_cast<size_t>(type.kind)]) struck += count;
    EXPECT_GT(struck, 0u) << type.name;
  }
}

}  // namespace
}  // namespace conclave::sim
