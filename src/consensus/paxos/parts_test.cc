// The small parts of the engine, each alone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "consensus/paxos/ballots.h"
#include "consensus/paxos/durable_marks.h"
#include "consensus/paxos/lease.h"
#include "consensus/paxos/outbox.h"
#include "consensus/paxos/progress.h"
#include "consensus/paxos/promise_set.h"
#include "consensus/paxos/read_barriers.h"
#include "consensus/paxos/slot_log.h"
#include "consensus/paxos/tally.h"

namespace conclave::paxos::parts_test {
namespace {

using consensus::Config;
using consensus::EntryKind;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr ReplicaId kA{1}, kB{2}, kC{3};
const Ballot kLow{1, kA};
const Ballot kHigh{258, kB};

Entry entry(uint64_t index, Ballot ballot, std::string payload = "x") {
  return {.index = Index(index), .ballot = ballot, .kind = EntryKind::transaction, .payload = Blob(std::move(payload))};
}
Instant ms(int64_t n) {
  return Instant{n * 1000};
}

// ---------------------------------------------------------------- SlotLog

TEST(SlotLog, HolesAreAllowedAboveCommitted) {
  SlotLog log(Index(10));
  log.put(entry(13, kLow));
  EXPECT_EQ(log.first(), Index(11));
  EXPECT_EQ(log.last(), Index(13));
  EXPECT_EQ(log.at(Index(11)), nullptr);
  EXPECT_EQ(log.at(Index(10)), nullptr);
  EXPECT_EQ(log.at(Index(14)), nullptr);
  ASSERT_NE(log.at(Index(13)), nullptr);
  EXPECT_EQ(*log.at(Index(13)), entry(13, kLow));
}

TEST(SlotLog, ASlotIsAcceptedAgainUnderAHigherBallot) {
  SlotLog log;
  log.put(entry(1, kLow, "old"));
  log.put(entry(1, kHigh, "new"));
  EXPECT_EQ(log.at(Index(1))->payload.view(), "new");
}

TEST(SlotLog, ReleaseForgetsNothingUncommitted) {
  SlotLog log;
  for (uint64_t i = 1; i <= 5; ++i) log.put(entry(i, kLow));
  log.commit_next();
  log.commit_next();
  log.release(Index(4));
  EXPECT_EQ(log.first(), Index(3));
  EXPECT_EQ(log.last(), Index(5));
  EXPECT_NE(log.at(Index(3)), nullptr);
}

TEST(SlotLog, InstallKeepsWhatIsAboveAndNamesWhatItVoids) {
  SlotLog log;
  for (const uint64_t i : {1u, 2u, 4u, 7u}) log.put(entry(i, kLow));
  log.commit_next();
  EXPECT_THAT(log.install(Index(5)), ElementsAre(Index(2), Index(4)));
  EXPECT_EQ(log.committed(), Index(5));
  EXPECT_EQ(log.first(), Index(6));
  EXPECT_EQ(log.at(Index(7))->index, Index(7));
  EXPECT_THAT(log.install(Index(20)), ElementsAre(Index(7)));
  EXPECT_EQ(log.last(), Index(20));
  log.put(entry(21, kHigh));
  EXPECT_NE(log.at(Index(21)), nullptr);
}

TEST(SlotLog, RunsEndAtHolesAndAtTheSizeLimitButHaveAtLeastOneEntry) {
  SlotLog log;
  for (const uint64_t i : {1u, 2u, 3u, 5u}) log.put(entry(i, kLow, "four"));
  EXPECT_EQ(log.run(Index(1), Index(9), 1000).size(), 3u);
  EXPECT_EQ(log.run(Index(1), Index(9), 8).size(), 2u);  // B18: around the limit
  EXPECT_EQ(log.run(Index(1), Index(9), 7).size(), 1u);
  EXPECT_EQ(log.run(Index(1), Index(9), 0).size(), 1u);
  EXPECT_EQ(log.run(Index(1), Index(2), 1000).size(), 2u);
  EXPECT_THAT(log.run(Index(4), Index(9), 1000), IsEmpty());
}

// ---------------------------------------------------------------- Tally

TEST(Tally, AMajorityOfVotersChoosesAndRepetitionsDoNotCount) {
  const Voters voters({{kA}, {kB}, {kC}, {ReplicaId(4), false}});
  Tally tally(kLow, Index(5));
  tally.accepted(voters.bit(kA), Index(6), Index(8));
  tally.accepted(voters.bit(kA), Index(6), Index(8));
  tally.accepted(voters.bit(ReplicaId(4)), Index(6), Index(8));  // an observer
  EXPECT_FALSE(tally.chosen(Index(6), voters));
  tally.accepted(voters.bit(kC), Index(7), Index(7));  // out of order
  EXPECT_FALSE(tally.chosen(Index(6), voters));
  EXPECT_TRUE(tally.chosen(Index(7), voters));
  EXPECT_FALSE(tally.chosen(Index(8), voters));
  EXPECT_FALSE(tally.chosen(Index(5), voters));
  EXPECT_FALSE(tally.chosen(Index(100), voters));
}

TEST(Tally, ReleasedSlotsAreNotCountedAgain) {
  const Voters voters({{kA}});
  Tally tally(kLow, Index(0));
  tally.accepted(voters.bit(kA), Index(1), Index(3));
  tally.release(Index(2));
  EXPECT_TRUE(tally.chosen(Index(3), voters));
  tally.accepted(voters.bit(kA), Index(1), Index(2));
  EXPECT_FALSE(tally.chosen(Index(2), voters));
  tally.release(Index(50));
  tally.accepted(voters.bit(kA), Index(51), Index(51));
  EXPECT_TRUE(tally.chosen(Index(51), voters));
}

TEST(Tally, AnAcknowledgementFarAheadCostsNoMemoryWithoutBound) {
  const Voters voters({{kA}});
  Tally tally(kLow, Index(0));
  tally.accepted(voters.bit(kA), Index(uint64_t{1} << 40), Index(uint64_t{1} << 41));
  EXPECT_FALSE(tally.chosen(Index(uint64_t{1} << 40), voters));
}

// ---------------------------------------------------------------- PromiseSet

TEST(PromiseSet, KeepsTheHighestNumberedProposalOfEachSlot) {
  PromiseSet promises({515, kC}, Index(4));
  promises.add(kA, {{515, kC}, Index(3), Index(4), kEnd, {entry(4, kLow, "old"), entry(6, kHigh, "six")}});
  promises.add(kB, {{515, kC}, Index(2), Index(4), kEnd, {entry(4, kHigh, "new"), entry(6, kLow, "other")}});
  EXPECT_EQ(promises.best(Index(4))->payload.view(), "new");
  EXPECT_EQ(promises.best(Index(5)), nullptr);
  EXPECT_EQ(promises.best(Index(6))->payload.view(), "six");
  EXPECT_EQ(promises.last(), Index(6));
  EXPECT_EQ(promises.complete().count(), 2u);
  EXPECT_EQ(promises.committed(), Index(3));
  EXPECT_THAT(promises.who_committed(Index(3)), ElementsAre(kA));
  EXPECT_THAT(promises.who_committed(Index(2)), ElementsAre(kA, kB));
}

TEST(PromiseSet, AnAcceptorCountsOnlyWhenItsPartsCoverEverythingInAnyOrder) {
  PromiseSet promises(kHigh, Index(1));
  promises.add(kA, {kHigh, Index(0), Index(8), kEnd, {}});
  promises.add(kA, {kHigh, Index(0), Index(1), Index(3), {entry(2, kLow)}});
  EXPECT_FALSE(promises.complete().test(kA.value));
  promises.add(kA, {kHigh, Index(0), Index(1), Index(3), {entry(2, kLow)}});  // repeated
  EXPECT_FALSE(promises.complete().test(kA.value));
  promises.add(kA, {kHigh, Index(0), Index(3), Index(7), {}});  // overlaps: from another answer
  EXPECT_TRUE(promises.complete().test(kA.value));
}

TEST(PromiseSet, WhatIsCommittedThereNeedsNoPart) {
  PromiseSet promises(kHigh, Index(5));
  promises.add(kA, {kHigh, Index(9), Index(10), kEnd, {}});
  EXPECT_TRUE(promises.complete().test(kA.value));
  EXPECT_EQ(promises.last(), Index(4));
}

TEST(PromiseSet, MemoryFollowsWhatWasToldNotHowFarAheadItIs) {
  // A candidate that knows nothing yet, and an acceptor that has been at work for years.
  const uint64_t far = uint64_t{1} << 40;
  PromiseSet promises(kHigh, Index(1));
  promises.add(kA, {.ballot = kHigh,
                    .committed = Index(far),
                    .covers_from = Index(far + 1),
                    .covers_to = kEnd,
                    .entries = {entry(far + 1, kLow, "new"), entry(far + 3, kLow, "newer")}});
  EXPECT_TRUE(promises.complete().test(kA.value));
  EXPECT_EQ(promises.last(), Index(far + 3));
  EXPECT_EQ(promises.best(Index(far + 1))->payload.view(), "new");
  EXPECT_EQ(promises.best(Index(far + 2)), nullptr);
  EXPECT_EQ(promises.best(Index(1)), nullptr);
}

TEST(PromiseSet, PromisesToAnotherBallotAreIgnored) {
  PromiseSet promises(kHigh, Index(1));
  promises.add(kA, {kLow, Index(7), Index(8), kEnd, {}});
  EXPECT_EQ(promises.committed(), Index(0));
  EXPECT_TRUE(promises.complete().none());
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

TEST(Progress, SnapshotsAreAskedForOnceASecond) {
  Progress peer;
  EXPECT_TRUE(peer.snapshot_due(ms(0)));
  EXPECT_FALSE(peer.snapshot_due(ms(999)));
  EXPECT_TRUE(peer.snapshot_due(ms(1000)));
}

// ---------------------------------------------------------------- Lease

Config three() {
  Config config;
  config.self = kA;
  config.members = {{kA}, {kB}, {kC}};
  return config;  // promises of 200 ms, tick 10 ms, drift 1000 ppm
}

TEST(Lease, RunsFromWhenTheQuorumsStampWasSentLessDriftAndATick) {
  Lease lease(three(), ms(0));
  EXPECT_FALSE(lease.valid(ms(0)));
  lease.heard(kB, {ms(100), 0}, ms(150));
  EXPECT_TRUE(lease.valid(ms(150)));
  EXPECT_TRUE(lease.valid(ms(100 + 189)));   // 200 - 0.2 - 10 = 189.8
  EXPECT_FALSE(lease.valid(ms(100 + 190)));  // B24: not a moment longer, whenever the answer came
}

TEST(Lease, OfFiveTheThirdNewestStampCounts) {
  Config config = three();
  config.members = {{kA}, {kB}, {kC}, {ReplicaId(4)}, {ReplicaId(5)}};
  Lease lease(config, ms(0));
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
  Lease lease(config, ms(0));
  lease.heard(ReplicaId(4), {ms(10), 1}, ms(10));
  EXPECT_FALSE(lease.valid(ms(10)));
  EXPECT_EQ(lease.confirmed_round(1), 0u);
}

TEST(Lease, GivenUpStaysGivenUp) {
  Lease lease(three(), ms(0));
  lease.heard(kB, {ms(10), 0}, ms(11));
  lease.give_up();
  EXPECT_FALSE(lease.valid(ms(12)));
  lease.heard(kB, {ms(20), 0}, ms(21));
  EXPECT_FALSE(lease.valid(ms(22)));
}

TEST(Lease, SwitchedOffItIsNeverValid) {
  Config config = three();
  config.leases = false;
  Lease lease(config, ms(0));
  lease.heard(kB, {ms(10), 0}, ms(11));
  EXPECT_FALSE(lease.valid(ms(11)));
}

TEST(Lease, CheckQuorumRunsFromTheLastAnswerOfAMajority) {
  Lease lease(three(), ms(0));
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

// ---------------------------------------------------------------- DurableMarks, Outbox

TEST(DurableMarks, CompleteInOrder) {
  DurableMarks marks;
  marks.add({.persist = 2, .ballot = kLow, .first = Index(1), .last = Index(3), .received = Index(3)});
  marks.add({.persist = 4, .ballot = kHigh, .first = Index(1), .last = Index(1), .received = Index(1)});
  EXPECT_THAT(marks.persisted(1), IsEmpty());
  EXPECT_THAT(marks.persisted(3), testing::SizeIs(1));
  EXPECT_EQ(marks.persisted(9).at(0).ballot, kHigh);
  EXPECT_TRUE(marks.empty());
}

TEST(Outbox, NothingToPersistHasNumberZero) {
  Outbox outbox;
  EXPECT_EQ(outbox.finish({}).persist.number, 0u);
  // The committed hint alone is not worth a write.
  EXPECT_EQ(outbox.finish({.promised = {}, .joined = {}, .committed = Index(7)}).persist.number, 0u);
  outbox.persist(entry(8, kLow));
  const auto output = outbox.finish({.promised = kLow, .joined = {}, .committed = Index(7)});
  EXPECT_EQ(output.persist.number, 1u);
  EXPECT_EQ(output.persist.hard_state->committed, Index(7));
}

TEST(Outbox, WhatWaitsForEarlierPersistsGetsOneOfItsOwn) {  // E2
  Outbox outbox;
  outbox.persist(entry(1, kLow));
  EXPECT_EQ(outbox.finish({.promised = kLow, .joined = {}, .committed = {}}).persist.number, 1u);
  outbox.send_when_durable(kB,
                           Accepted{.ballot = kLow, .first = Index(1), .last = Index(1), .committed = {}, .stamp = {}});
  const auto waiting = outbox.finish({.promised = kLow, .joined = {}, .committed = {}});
  EXPECT_EQ(waiting.persist.number, 2u);
  EXPECT_TRUE(waiting.persist.hard_state);
  outbox.durable(2);
  outbox.send_when_durable(kB,
                           Accepted{.ballot = kLow, .first = Index(1), .last = Index(1), .committed = {}, .stamp = {}});
  EXPECT_EQ(outbox.finish({.promised = kLow, .joined = {}, .committed = {}}).persist.number, 0u);
}

}  // namespace
}  // namespace conclave::paxos::parts_test
