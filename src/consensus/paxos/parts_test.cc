// The small parts of the engine, each alone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "consensus/paxos/ballots.h"
#include "consensus/paxos/durable_marks.h"
#include "consensus/paxos/promise_set.h"
#include "consensus/paxos/slot_log.h"
#include "consensus/paxos/tally.h"

namespace conclave::paxos::parts_test {
namespace {

using consensus::EntryKind;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr ReplicaId kA{1}, kB{2}, kC{3};
const Ballot kLow{1, kA};
const Ballot kHigh{258, kB};

Entry entry(uint64_t index, Ballot ballot, std::string payload = "x") {
  return {.index = Index(index), .ballot = ballot, .kind = EntryKind::transaction, .payload = Blob(std::move(payload))};
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
  const Voters voters({.members = {{kA}, {kB}, {kC}, {ReplicaId(4), false}}});
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

TEST(Tally, WhileVotersChangeAMajorityOfEachConfigurationChooses) {
  const Voters voters({.members = {{kB}, {kC}, {ReplicaId(4)}}, .outgoing = {kA, kB, kC}});
  Tally tally(kLow, Index(0));
  for (const ReplicaId id : {kA, kB}) tally.accepted(voters.bit(id), Index(1), Index(2));
  EXPECT_FALSE(tally.chosen(Index(1), voters)) << "no majority of those to be";
  tally.accepted(voters.bit(ReplicaId(4)), Index(1), Index(1));
  EXPECT_TRUE(tally.chosen(Index(1), voters));
  tally.accepted(voters.bit(ReplicaId(4)), Index(3), Index(3));
  tally.accepted(voters.bit(kB), Index(3), Index(3));
  EXPECT_FALSE(tally.chosen(Index(3), voters)) << "no majority of those that leave";
}

TEST(Tally, ReleasedSlotsAreNotCountedAgain) {
  const Voters voters({.members = {{kA}}});
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
  const Voters voters({.members = {{kA}}});
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

// ---------------------------------------------------------------- DurableMarks

TEST(DurableMarks, CompleteInOrder) {
  DurableMarks marks;
  marks.add({.persist = 2, .ballot = kLow, .first = Index(1), .last = Index(3), .received = Index(3)});
  marks.add({.persist = 4, .ballot = kHigh, .first = Index(1), .last = Index(1), .received = Index(1)});
  EXPECT_THAT(marks.persisted(1), IsEmpty());
  EXPECT_THAT(marks.persisted(3), testing::SizeIs(1));
  EXPECT_EQ(marks.persisted(9).at(0).ballot, kHigh);
  EXPECT_TRUE(marks.empty());
}

}  // namespace
}  // namespace conclave::paxos::parts_test
