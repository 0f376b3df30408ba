// The parts that engines share, each alone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "consensus/parts/lease.h"
#include "consensus/parts/outbox.h"
#include "consensus/parts/peers.h"
#include "consensus/parts/progress.h"
#include "consensus/parts/read_barriers.h"

namespace conclave::consensus {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr ReplicaId kA{1}, kB{2}, kC{3};
const Ballot kLow{1, kA};

// All that Outbox wants of an engine's messages.
struct Ping {};
using Body = std::variant<Ping>;
Message encode(Body) {
  return {};
}

Entry entry(uint64_t index, Ballot ballot, std::string payload = "x") {
  return {.index = Index(index), .ballot = ballot, .kind = EntryKind::transaction, .payload = Blob(std::move(payload))};
}
Instant ms(int64_t n) {
  return Instant{n * 1000};
}

// ---------------------------------------------------------------- Progress

TEST(Progress, NothingIsSentBeforeThePlaceIsKnown) {
  Progress peer;
  EXPECT_EQ(peer.room({10, 100}).slots, 0u);
  peer.report(Index(4), Index(4), ms(0));
  EXPECT_EQ(peer.next(), Index(5));
  EXPECT_EQ(peer.room({10, 100}).slots, 10u);
}

TEST(Progress, TheWindowClosesInSlotsAndBytesAndOpensWithAnswers) {
  Progress peer;
  peer.report(Index(0), Index(0), ms(0));
  peer.sent(Index(6), 70);
  EXPECT_EQ(peer.room({10, 100}).slots, 4u);
  EXPECT_EQ(peer.room({10, 100}).bytes, 30u);
  peer.sent(Index(10), 50);
  EXPECT_EQ(peer.room({10, 100}).slots, 0u);
  EXPECT_EQ(peer.room({10, 100}).bytes, 0u);
  peer.accepted(Index(1), Index(6));
  EXPECT_EQ(peer.durable(), Index(6));
  EXPECT_EQ(peer.room({10, 100}).bytes, 50u);
  peer.unreachable();
  EXPECT_EQ(peer.room({10, 100}).slots, 0u);
  peer.alive(ms(1));
  EXPECT_EQ(peer.room({10, 100}).slots, 6u);
}

TEST(Progress, AnAcceptanceBeyondAGapCountsWhenTheGapCloses) {
  Progress peer;
  peer.report(Index(0), Index(0), ms(0));
  peer.sent(Index(9), 9);
  peer.accepted(Index(5), Index(9));
  EXPECT_EQ(peer.durable(), Index(0));
  peer.accepted(Index(1), Index(4));
  EXPECT_EQ(peer.durable(), Index(9));
}

TEST(Progress, TwoFruitlessHeartbeatsProveALoss) {
  Progress peer;
  peer.report(Index(0), Index(0), ms(0));
  peer.sent(Index(5), 5);
  for (int64_t t : {10, 20}) {
    peer.heartbeat_sent(ms(t));
    peer.report(Index(2), Index(2), ms(t));
    EXPECT_FALSE(peer.heartbeat_answered(ms(t))) << t;  // the first brought progress, the second is the first fruitless
  }
  peer.heartbeat_sent(ms(30));
  peer.report(Index(2), Index(2), ms(30));
  EXPECT_FALSE(peer.heartbeat_answered(ms(25)));  // the answer to an older one says nothing
  EXPECT_TRUE(peer.heartbeat_answered(ms(30)));
  EXPECT_EQ(peer.next(), Index(3));
}

TEST(Progress, ASlowDiskIsNoLoss) {  // B10
  Progress peer;
  peer.report(Index(0), Index(0), ms(0));
  peer.sent(Index(5), 5);
  for (int64_t t = 10; t < 100; t += 10) {
    peer.heartbeat_sent(ms(t));
    peer.report(Index(5), Index(0), ms(t));
    EXPECT_FALSE(peer.heartbeat_answered(ms(t)));
  }
  EXPECT_EQ(peer.durable(), Index(0));
}

TEST(Progress, APeerThatRestartedIsSentAgainWhatItLost) {
  Progress peer;
  peer.report(Index(0), Index(0), ms(0));
  peer.sent(Index(9), 9);
  peer.report(Index(9), Index(5), ms(10));
  peer.report(Index(5), Index(5), ms(20));
  EXPECT_EQ(peer.next(), Index(6));
  peer.sent(Index(9), 4);
  peer.report(Index(9), Index(9), ms(30));
  peer.report(Index(5), Index(5), ms(15));  // late: older than what is known
  EXPECT_EQ(peer.received(), Index(9));
}

TEST(Progress, WhileThePlaceIsSoughtNothingIsSentAndWhatIsDurableStays) {  // Raft
  Progress peer;
  peer.report(Index(9), Index(7), ms(0));
  peer.sent(Index(12), 30);
  peer.seek(Index(5));
  EXPECT_FALSE(peer.placed());
  EXPECT_EQ(peer.next(), Index(5));
  EXPECT_EQ(peer.received(), Index(0));
  EXPECT_EQ(peer.durable(), Index(7));
  EXPECT_EQ(peer.room({.slots = 8, .bytes = 100}).slots, 0u);
  peer.report(Index(4), Index(4), ms(1));
  EXPECT_TRUE(peer.placed());
  EXPECT_EQ(peer.next(), Index(5));
  EXPECT_EQ(peer.durable(), Index(7)) << "it said so once, and for good";
  EXPECT_EQ(peer.room({.slots = 8, .bytes = 100}).bytes, 100u) << "nothing of before is under way";
}

TEST(Progress, SnapshotsAreAskedForOnceASecond) {
  Progress peer;
  EXPECT_TRUE(peer.snapshot_due(ms(0)));
  EXPECT_FALSE(peer.snapshot_due(ms(999)));
  EXPECT_TRUE(peer.snapshot_due(ms(1000)));
}

// ---------------------------------------------------------------- Peers

TEST(Peers, TheBestInformedIsAVoter) {
  Peers peers;
  const Quorum quorum(std::vector<Member>{{kA}, {kB}, {kC}});
  EXPECT_EQ(best_informed(peers, quorum), ReplicaId());
  peers[ReplicaId(9)].report(Index(9), Index(9), ms(0));
  EXPECT_EQ(best_informed(peers, quorum), ReplicaId()) << "an observer";
  peers[kB].report(Index(9), Index(4), ms(0));
  peers[kC].report(Index(5), Index(5), ms(0));
  EXPECT_EQ(best_informed(peers, quorum), kC) << "what is on disk counts";
}

TEST(Peers, WhoIsReadyToVote) {
  Config config;  // 400 ms
  Peers peers;
  const auto ready = [&](uint64_t committed, int64_t now = 0) {
    return ready_to_vote(peers, kB, Index(7), Index(committed), ms(now), config);
  };
  EXPECT_FALSE(ready(7)) << "unknown";
  peers[kB].report(Index(7), Index(7), ms(0));
  EXPECT_FALSE(ready(7)) << "never heard of";
  peers[kB].alive(ms(0));
  EXPECT_TRUE(ready(7 + 1024, 399));
  EXPECT_FALSE(ready(7 + 1025)) << "far behind";
  EXPECT_FALSE(ready(7, 400)) << "not heard of lately";
  EXPECT_FALSE(ready_to_vote(peers, kB, Index(8), Index(8), ms(0), config)) << "does not know that it is a member";
}

// ---------------------------------------------------------------- Outbox

TEST(Outbox, TellsWhichCommittedIndexIsOnTheDisk) {
  Outbox<int> outbox;  // sends nothing
  outbox.recovered({.committed = Index(2)});
  EXPECT_EQ(outbox.noted(), Index(2));
  for (const uint64_t committed : {5, 6}) {
    outbox.persist_hard_state();
    outbox.finish({.committed = Index(committed)});
  }
  EXPECT_EQ(outbox.noted(), Index(2));
  outbox.durable(1);
  EXPECT_EQ(outbox.noted(), Index(5));
  outbox.durable(2);
  EXPECT_EQ(outbox.noted(), Index(6));
  outbox.finish({.committed = Index(9)});
  EXPECT_EQ(outbox.noted(), Index(6)) << "nothing was written";
}

// ---------------------------------------------------------------- Lease

Config three() {
  Config config;
  config.self = kA;
  config.members = {{kA}, {kB}, {kC}};
  return config;  // promises of 200 ms, tick 10 ms, drift 1000 ppm
}

Quorum quorum_of(const Config& config) {
  return Quorum(config.members);
}

TEST(Lease, RunsFromWhenTheQuorumsStampWasSentLessDriftAndATick) {
  Lease lease(three(), quorum_of(three()), ms(0));
  EXPECT_FALSE(lease.valid(ms(0)));
  lease.heard(kB, {ms(100), 0}, ms(150));
  EXPECT_TRUE(lease.valid(ms(150)));
  EXPECT_TRUE(lease.valid(ms(100 + 189)));   // 200 - 0.2 - 10 = 189.8
  EXPECT_FALSE(lease.valid(ms(100 + 190)));  // B24: not a moment longer, whenever the answer came
}

TEST(Lease, OfFiveTheThirdNewestStampCounts) {
  Config config = three();
  config.members = {{kA}, {kB}, {kC}, {ReplicaId(4)}, {ReplicaId(5)}};
  Lease lease(config, quorum_of(config), ms(0));
  lease.heard(kB, {ms(300), 0}, ms(301));
  EXPECT_FALSE(lease.valid(ms(301)));
  lease.heard(kC, {ms(200), 0}, ms(302));
  EXPECT_TRUE(lease.valid(ms(389)));
  EXPECT_FALSE(lease.valid(ms(391)));
  lease.heard(kC, {ms(100), 0}, ms(303));  // an older stamp takes nothing back
  EXPECT_TRUE(lease.valid(ms(389)));
}

TEST(Lease, AnObserverOrAStrangerDoesNotCount) {
  Config config = three();
  config.members.push_back({ReplicaId(4), false});
  Lease lease(config, quorum_of(config), ms(0));
  lease.heard(ReplicaId(4), {ms(10), 1}, ms(10));
  EXPECT_FALSE(lease.valid(ms(10)));
  EXPECT_EQ(lease.confirmed_round(1), 0u);
}

TEST(Lease, GivenUpStaysGivenUp) {
  Lease lease(three(), quorum_of(three()), ms(0));
  lease.heard(kB, {ms(10), 0}, ms(11));
  lease.give_up();
  EXPECT_FALSE(lease.valid(ms(12)));
  lease.heard(kB, {ms(20), 0}, ms(21));
  EXPECT_FALSE(lease.valid(ms(22)));
}

TEST(Lease, SwitchedOffItIsNeverValid) {
  Config config = three();
  config.leases = false;
  Lease lease(config, quorum_of(config), ms(0));
  lease.heard(kB, {ms(10), 0}, ms(11));
  EXPECT_FALSE(lease.valid(ms(11)));
}

TEST(Lease, CheckQuorumRunsFromTheLastAnswerOfAMajority) {
  Lease lease(three(), quorum_of(three()), ms(0));
  EXPECT_TRUE(lease.has_quorum(ms(399)));
  EXPECT_FALSE(lease.has_quorum(ms(400)));
  lease.heard(kC, {}, ms(300));
  EXPECT_TRUE(lease.has_quorum(ms(699)));
  EXPECT_TRUE(lease.live(ms(499)));
  EXPECT_FALSE(lease.live(ms(500)));
}

// ---------------------------------------------------------------- ReadBarriers

TEST(ReadBarriers, ARoundThatBeganBeforeTheBarrierDoesNotConfirmIt) {  // B23
  ReadBarriers barriers;
  barriers.add(1, Index(5), false);
  EXPECT_TRUE(barriers.start_round(0));
  EXPECT_EQ(barriers.round(), 1u);
  barriers.add(2, Index(6), false);       // while round 1 is under way
  EXPECT_FALSE(barriers.start_round(0));  // one at a time
  EXPECT_THAT(barriers.take_granted(1, Index(9)), testing::SizeIs(1));
  EXPECT_TRUE(barriers.start_round(1));
  EXPECT_THAT(barriers.take_granted(1, Index(9)), IsEmpty());
  const auto granted = barriers.take_granted(2, Index(9));
  ASSERT_EQ(granted.size(), 1u);
  EXPECT_EQ(granted[0].token, 2u);
  EXPECT_EQ(granted[0].index, Index(6));
  EXPECT_FALSE(barriers.start_round(2));  // nobody waits
}

TEST(ReadBarriers, ABarrierWaitsUntilItsIndexIsCommitted) {
  ReadBarriers barriers;
  barriers.add(1, Index(5), true);
  EXPECT_THAT(barriers.take_granted(0, Index(4)), IsEmpty());
  EXPECT_THAT(barriers.take_granted(0, Index(5)), testing::SizeIs(1));
  EXPECT_TRUE(barriers.empty());
}

TEST(ReadBarriers, TakeAllEmptiesForRefusal) {
  ReadBarriers barriers;
  barriers.add(7, Index(1), false);
  barriers.add(8, Index(1), false);
  EXPECT_THAT(barriers.take_all(), ElementsAre(7, 8));
  EXPECT_TRUE(barriers.empty());
}

// ---------------------------------------------------------------- Outbox

TEST(Outbox, NothingToPersistHasNumberZero) {
  Outbox<Body> outbox;
  EXPECT_EQ(outbox.finish({}).persist.number, 0u);
  // The committed hint alone is not worth a write.
  EXPECT_EQ(outbox.finish({.promised = {}, .joined = {}, .committed = Index(7)}).persist.number, 0u);
  outbox.persist(entry(8, kLow));
  const auto output = outbox.finish({.promised = kLow, .joined = {}, .committed = Index(7)});
  EXPECT_EQ(output.persist.number, 1u);
  EXPECT_EQ(output.persist.hard_state->committed, Index(7));
}

TEST(Outbox, WhatWaitsForEarlierPersistsGetsOneOfItsOwn) {  // E2
  Outbox<Body> outbox;
  outbox.persist(entry(1, kLow));
  EXPECT_EQ(outbox.finish({.promised = kLow, .joined = {}, .committed = {}}).persist.number, 1u);
  outbox.send_when_durable(kB, Ping{});
  const auto waiting = outbox.finish({.promised = kLow, .joined = {}, .committed = {}});
  EXPECT_EQ(waiting.persist.number, 2u);
  EXPECT_TRUE(waiting.persist.hard_state);
  outbox.durable(2);
  outbox.send_when_durable(kB, Ping{});
  EXPECT_EQ(outbox.finish({.promised = kLow, .joined = {}, .committed = {}}).persist.number, 0u);
}

TEST(Outbox, ATruncationIsPersistedAndTheLowestCounts) {
  Outbox<Body> outbox;
  outbox.truncate(Index(7));
  outbox.truncate(Index(5));
  outbox.truncate(Index(6));
  const auto output = outbox.finish({});
  EXPECT_EQ(output.persist.number, 1u);
  EXPECT_EQ(output.persist.truncate_from, Index(5));
  EXPECT_EQ(outbox.finish({}).persist.number, 0u);
}

TEST(Outbox, WhatIsOwedIsWrittenAtOnce) {
  Outbox<Body> outbox;
  EXPECT_EQ(outbox.finish({.owed = Index(3)}).persist.hard_state->owed, Index(3));
  EXPECT_EQ(outbox.finish({.owed = Index(3)}).persist.number, 0u);
}

}  // namespace
}  // namespace conclave::consensus
