// Losses and partitions of both engines: what must come out of every seed.
#include "sim/compare/fail_over.h"

#include <algorithm>
#include <gtest/gtest.h>

#include "sim/compare/comparison.h"
#include "sim/compare/partition.h"

namespace conclave::sim::compare::fail_over_test {
namespace {

using consensus::EngineKind;

constexpr Duration kElectionTimeoutMin = Duration::millis(200);
constexpr Duration kElectionTimeoutMax = Duration::millis(400);
constexpr Duration kNoOutage = Duration::millis(50);

class EveryEngine : public testing::TestWithParam<EngineKind> {};
class FailOver : public EveryEngine {};
class Partitions : public EveryEngine {};

constexpr auto kName = [](const auto& engine) { return std::string(to_string(engine.param)); };
const auto kEngines = testing::Values(EngineKind::paxos, EngineKind::raft);
INSTANTIATE_TEST_SUITE_P(Engines, FailOver, kEngines, kName);
INSTANTIATE_TEST_SUITE_P(Engines, Partitions, kEngines, kName);

// Nobody may promise anything to a new master before the old one's lease is over, which began with a heartbeat or with
// the last write; after that somebody stands within one election timeout, and may have to try again.
TEST_P(FailOver, TakesAnElectionTimeout) {
  for (const Loss loss : {Loss::killed, Loss::cut_off}) {
    for (const int64_t replicas : {3, 5}) {
      for (int64_t seed = 1; seed <= 5; ++seed) {
        const auto outage = measure_fail_over({.engine = GetParam(), .replicas = replicas, .seed = seed}, loss);
        ASSERT_TRUE(outage.has_value()) << outage.error().message;
        EXPECT_GE(*outage, kElectionTimeoutMin) << to_string(loss) << ", seed " << seed;
        EXPECT_LE(*outage, kElectionTimeoutMax * 2) << to_string(loss) << ", seed " << seed;
      }
    }
  }
}

TEST_P(FailOver, IsEqualForEqualSeeds) {
  const auto outage = [](int64_t seed) {
    return measure_fail_over({.engine = GetParam(), .seed = seed}, Loss::cut_off).value();
  };
  EXPECT_EQ(outage(3), outage(3));
  EXPECT_NE(outage(3), outage(4));
}

TEST_P(FailOver, ThatDoesNotComeIsAnError) {
  const auto outage = measure_fail_over({.engine = GetParam(), .replicas = 2}, Loss::killed);
  ASSERT_FALSE(outage.has_value()) << "one of two is no majority";
  EXPECT_EQ(outage.error().kind, ErrorKind::unavailable);
}

PartitionOutcome outcome_of(EngineKind engine, std::string_view name, int64_t seed = 1) {
  for (const Topology& topology : topologies()) {
    if (topology.name != name) continue;
    const auto outcome = measure_partition({.engine = engine, .seed = seed}, topology);
    if (outcome) return *outcome;
    ADD_FAILURE() << outcome.error().message;
  }
  return {};
}

TEST_P(Partitions, ThatLeaveTheMasterAMajorityStopNothing) {  // B11, B12, B13
  for (const auto& [name, served] :
       {std::pair("half-dead switch", 2u), {"two on one link", 3u}, {"stranded", 2u}, {"chain of three", 2u}}) {
    const PartitionOutcome outcome = outcome_of(GetParam(), name);
    EXPECT_TRUE(outcome.progress) << name;
    EXPECT_LT(outcome.outage, kNoOutage) << name;
    EXPECT_EQ(outcome.masters, 0u) << name << ": nobody disturbs the master";
    EXPECT_EQ(outcome.served, served) << name << ": whoever sees the master";
  }
}

TEST_P(Partitions, ThatTakeItsMajorityCostOneElection) {  // B14
  for (const auto& [name, served] : {std::pair("quorum loss", 5u), {"chain of five", 3u}}) {
    const PartitionOutcome outcome = outcome_of(GetParam(), name);
    EXPECT_TRUE(outcome.progress) << name;
    EXPECT_GE(outcome.outage, kElectionTimeoutMin) << name;
    EXPECT_LT(outcome.outage, kElectionTimeoutMax * 10) << name;
    EXPECT_EQ(outcome.masters, 1u) << name;
    EXPECT_GE(outcome.served, served) << name;
  }
}

// By leader completeness the one server that sees a majority may not lead in Raft. In Paxos it learns first.
TEST_P(Partitions, AConstrainedElectionStopsRaftAlone) {  // B14
  const PartitionOutcome outcome = outcome_of(GetParam(), "constrained election");
  EXPECT_EQ(outcome.progress, GetParam() == EngineKind::paxos);
  if (GetParam() == EngineKind::raft) {
    EXPECT_GE(outcome.outage, kPartition - kNoOutage);
    EXPECT_EQ(outcome.served, 0u);
  } else {
    EXPECT_LT(outcome.outage, kElectionTimeoutMax * 10);
    EXPECT_EQ(outcome.served, 4u);
  }
  EXPECT_LT(outcome.recovered, Duration::seconds(3)) << "when it is over, all is well";
}

TEST_P(Partitions, AreEqualForEqualSeeds) {
  const auto outcome = [](int64_t seed) { return outcome_of(GetParam(), "quorum loss", seed); };
  EXPECT_EQ(outcome(3), outcome(3));
  EXPECT_NE(outcome(3), outcome(4));
}

TEST(Topologies, CutLinksBetweenReplicasThatThereAre) {
  for (const Topology& topology : topologies()) {
    for (const auto& [a, b] : topology.cuts) {
      EXPECT_NE(a, b) << topology.name;
      EXPECT_GE(std::min(a, b), 1u) << topology.name;
      EXPECT_LE(std::max(a, b), topology.replicas) << topology.name;
    }
  }
}

TEST(Comparison, HasEveryMeasurementOfEveryEngine) {
  std::vector<size_t> numbers;
  size_t announced = 0;
  const CompareOptions options{.engines = {EngineKind::paxos, EngineKind::raft},
                               .seeds = 2,
                               .loads = {{.name = "some", .writers = 2, .writes_of_each = 10}}};
  const auto comparison = compare(options, [&](const std::string&, size_t number, size_t steps) {
    numbers.push_back(number);
    announced = steps;
  });
  ASSERT_TRUE(comparison.has_value()) << comparison.error().message;
  EXPECT_EQ(comparison->writes.size(), 2u * kCellSizes.size());
  EXPECT_EQ(comparison->fail_overs.size(), 2u * 2 * kCellSizes.size());
  EXPECT_EQ(comparison->partitions.size(), 2u * topologies().size());
  for (const auto& row : comparison->writes) EXPECT_EQ(row.measured.writes, 20u);
  for (const auto& row : comparison->fail_overs) EXPECT_EQ(row.outages.size(), 2u);
  for (const auto& row : comparison->partitions) EXPECT_EQ(row.outcomes.size(), 1u);
  ASSERT_EQ(numbers.size(), announced);
  EXPECT_EQ(numbers.front(), 1u);
  EXPECT_EQ(numbers.back(), announced);
}

}  // namespace
}  // namespace conclave::sim::compare::fail_over_test
