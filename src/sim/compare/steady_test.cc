// What a write costs in each engine is known exactly where nothing is random: one client, links and disks that always
// take the same time.
#include "sim/compare/steady.h"

#include <algorithm>
#include <gtest/gtest.h>

namespace conclave::sim::compare::steady_test {
namespace {

using consensus::EngineKind;

constexpr Duration kLink = Duration::micros(500);
constexpr Duration kSync = Duration::micros(1000);

class Writes : public testing::TestWithParam<EngineKind> {
 protected:
  static SteadyOptions exact(int64_t replicas) {
    return {.cell = {.engine = GetParam(),
                     .replicas = replicas,
                     .link_min = kLink,
                     .link_max = kLink,
                     .sync_min = kSync,
                     .sync_max = kSync},
            .writes_of_each = 50};
  }
  // Who come at different moments, as times are random.
  static SteadyOptions many() { return {.cell = {.engine = GetParam()}, .writers = 16, .writes_of_each = 50}; }
  static Steady measured(const SteadyOptions& options) {
    auto steady = measure_steady(options);
    if (steady) return *std::move(steady);
    ADD_FAILURE() << steady.error().message;
    return {};
  }
  static uint64_t messages(const Steady& steady, const std::string& paxos, const std::string& raft) {
    const auto found = steady.traffic.kinds.find(GetParam() == EngineKind::paxos ? paxos : raft);
    return found == steady.traffic.kinds.end() ? 0 : found->second.count.messages;
  }
};
INSTANTIATE_TEST_SUITE_P(Engines, Writes, testing::Values(EngineKind::paxos, EngineKind::raft),
                         [](const auto& engine) { return std::string(to_string(engine.param)); });

// To every follower: the entry; from it: that it is durable; to it again, as nothing else follows: that it is decided.
TEST_P(Writes, OneAtATimeCostsThreeMessagesForEachFollower) {
  for (const uint64_t replicas : {3, 5}) {
    const Steady steady = measured(exact(static_cast<int64_t>(replicas)));
    ASSERT_EQ(steady.writes, 50u);
    const uint64_t of_each = 50 * (replicas - 1);
    EXPECT_EQ(messages(steady, "Accept", "Append"), of_each);
    EXPECT_EQ(messages(steady, "Accepted", "Appended"), of_each);
    EXPECT_EQ(messages(steady, "Chosen", "Committed"), of_each);
    EXPECT_EQ(steady.traffic.total(/*background=*/false).messages, 3 * of_each) << "and nothing else";
  }
}

// Once a second every replica also writes how far it knows the log to be decided.
TEST_P(Writes, OneAtATimeIsSyncedOnceByEachReplica) {
  const Steady steady = measured(exact(3));
  EXPECT_GE(steady.syncs, 50u * 3);
  EXPECT_LE(steady.syncs, 50u * 3 + 3);
  EXPECT_GE(steady.syncs_master, 50u);
  EXPECT_LE(steady.syncs_master, 51u);
}

// The client's own round trip, one between replicas, and one sync, since the master's disk works beside the others'.
TEST_P(Writes, TakeTwoRoundTripsAndOneSync) {
  const Duration expected = kLink * 4 + kSync;
  const Steady steady = measured(exact(3));
  EXPECT_GE(steady.latency.min(), expected);
  EXPECT_LE(steady.latency.median(), expected + Duration::micros(100)) << "calls of the disk besides the sync";
}

TEST_P(Writes, AtAFollowerTakeOneMessageAndOneRoundTripMore) {
  SteadyOptions options = exact(3);
  options.at_master = false;
  const Steady steady = measured(options);
  EXPECT_EQ(messages(steady, "Forward", "Forward"), 50u);
  EXPECT_EQ(steady.traffic.total(/*background=*/false).messages, 50u * 7);
  const Duration expected = kLink * 6 + kSync;
  EXPECT_GE(steady.latency.min(), expected);
  EXPECT_LE(steady.latency.median(), expected + Duration::micros(100));
}

TEST_P(Writes, ManyShareSyncsAndNeedNoNewsOfTheirOwn) {
  const Steady steady = measured(many());
  EXPECT_EQ(steady.writes, 800u);
  EXPECT_LT(steady.syncs, 800u) << "three each, if they did not";
  EXPECT_LT(messages(steady, "Chosen", "Committed"), 80u);
}

TEST_P(Writes, HeartbeatsAreNotTheirsAndEachIsAnswered) {
  SteadyOptions options = exact(3);
  options.writes_of_each = 500;
  const Steady steady = measured(options);
  const uint64_t beats = messages(steady, "Heartbeat", "Append (heartbeat)");
  // Every 30 ms at least, to two followers.
  EXPECT_GE(beats, static_cast<uint64_t>(steady.elapsed.ms()) / 30 * 2);
  const uint64_t answers = messages(steady, "HeartbeatAck", "Appended (heartbeat)");
  EXPECT_LE(std::max(beats, answers) - std::min(beats, answers), 2u) << "but for those under way";
  EXPECT_EQ(steady.traffic.total(/*background=*/false).messages, 500u * 6);
}

TEST_P(Writes, AreEqualForEqualSeeds) {
  SteadyOptions options{.cell = {.engine = GetParam(), .seed = 7}, .writers = 3, .writes_of_each = 20};
  const Steady steady = measured(options);
  EXPECT_EQ(steady, measured(options));
  options.cell.seed = 8;
  EXPECT_NE(steady.latency, measured(options).latency);
}

// Only a busy loop has reason to send two entries in one message.
TEST_P(Writes, ABusyMasterPacksThemTogether) {
  SteadyOptions options = many();
  const uint64_t idle = messages(measured(options), "Accept", "Append");
  options.cell.turn = Duration::micros(100);
  EXPECT_LT(messages(measured(options), "Accept", "Append"), idle * 2 / 3);
}

}  // namespace
}  // namespace conclave::sim::compare::steady_test
