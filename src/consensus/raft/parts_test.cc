// The small parts of the engine, each alone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "consensus/raft/durable_tail.h"
#include "consensus/raft/raft_log.h"

namespace conclave::raft::parts_test {
namespace {

using consensus::EntryKind;
using testing::ElementsAre;

constexpr ReplicaId kA{1}, kB{2};

Ballot term(uint64_t round, ReplicaId leader = kA) {
  return {.round = round, .replica = leader};
}
Entry entry(uint64_t index, uint64_t round, std::string payload = "x") {
  return {.index = Index(index),
          .ballot = term(round),
          .kind = EntryKind::transaction,
          .payload = Blob(std::move(payload))};
}
// Entries 1, 2 ... of these terms.
RaftLog log_of(const std::vector<uint64_t>& terms) {
  RaftLog log;
  for (const uint64_t round : terms) log.append(entry(log.last().value + 1, round));
  return log;
}
std::vector<uint64_t> terms_of(const RaftLog& log) {
  std::vector<uint64_t> out;
  for (Index i = log.first(); i <= log.last(); i = i.next()) out.push_back(log.ballot_at(i).round);
  return out;
}

// ---------------------------------------------------------------- RaftLog

TEST(RaftLog, BeginsBehindItsSnapshot) {
  const RaftLog log(Index(7), term(3));
  EXPECT_EQ(log.first(), Index(8));
  EXPECT_EQ(log.last(), Index(7));
  EXPECT_EQ(log.committed(), Index(7));
  EXPECT_EQ(log.last_ballot(), term(3));
  EXPECT_EQ(log.at(Index(7)), nullptr);
}

TEST(RaftLog, MatchesByIndexAndTermAndWhateverIsCommitted) {
  RaftLog log = log_of({1, 1, 2});
  EXPECT_TRUE(log.matches(Index(0), {}));
  EXPECT_TRUE(log.matches(Index(2), term(1)));
  EXPECT_FALSE(log.matches(Index(3), term(1)));
  EXPECT_FALSE(log.matches(Index(4), term(2)));
  log.commit_to(Index(2));
  log.release(Index(2));
  EXPECT_TRUE(log.matches(Index(1), term(1))) << "released";
  EXPECT_TRUE(log.matches(Index(2), term(1)));
}

TEST(RaftLog, ALogIsBehindAHigherLastTermOrALongerOne) {  // RF-08
  const RaftLog log = log_of({1, 3, 3});
  EXPECT_TRUE(log.behind(Index(1), term(4))) << "later term, shorter";
  EXPECT_TRUE(log.behind(Index(3), term(3)));
  EXPECT_TRUE(log.behind(Index(4), term(3)));
  EXPECT_FALSE(log.behind(Index(2), term(3)));
  EXPECT_FALSE(log.behind(Index(9), term(2)));
}

TEST(RaftLog, TruncatesOnlyWhatIsNotCommitted) {
  RaftLog log = log_of({1, 1, 2, 2});
  log.commit_to(Index(2));
  log.truncate(Index(3));
  EXPECT_THAT(terms_of(log), ElementsAre(1, 1));
  log.append(entry(3, 5));
  EXPECT_THAT(terms_of(log), ElementsAre(1, 1, 5));
}

TEST(RaftLog, TheLastEntryOfATermAtMost) {
  RaftLog log = log_of({1, 2, 2, 5, 5});
  EXPECT_EQ(log.last_of_term(Index(5), 5, Index()), Index(5));
  EXPECT_EQ(log.last_of_term(Index(5), 4, Index()), Index(3));
  EXPECT_EQ(log.last_of_term(Index(9), 1, Index()), Index(1));
  EXPECT_EQ(log.last_of_term(Index(5), 0, Index()), Index(0));
  EXPECT_EQ(log.last_of_term(Index(5), 0, Index(3)), Index(3)) << "not below the floor";
  EXPECT_EQ(log.last_of_term(Index(2), 0, Index(3)), Index(2)) << "where it begins";
}

TEST(RaftLog, ReleasesWhatIsCommittedAndKeepsTheLastTerm) {
  RaftLog log = log_of({1, 2, 3});
  log.commit_to(Index(2));
  log.release(Index(3));
  EXPECT_EQ(log.first(), Index(3));
  EXPECT_EQ(log.ballot_at(Index(2)), term(2));
  EXPECT_EQ(log.run(Index(3), Index(9), 100).size(), 1u);
}

TEST(RaftLog, ASnapshotOfOurOwnEntryKeepsWhatFollows) {
  RaftLog log = log_of({1, 2, 2, 3});
  EXPECT_TRUE(log.install(Index(3), term(2)));
  EXPECT_EQ(log.committed(), Index(3));
  EXPECT_THAT(terms_of(log), ElementsAre(3));
}

TEST(RaftLog, ASnapshotOfAnotherEntryLeavesNothing) {
  RaftLog log = log_of({1, 2, 2, 3});
  EXPECT_FALSE(log.install(Index(3), term(4)));
  EXPECT_EQ(log.last(), Index(3));
  EXPECT_EQ(log.last_ballot(), term(4));
  RaftLog shorter = log_of({1});
  EXPECT_FALSE(shorter.install(Index(3), term(1)));
  EXPECT_EQ(shorter.committed(), Index(3));
}

TEST(RaftLog, RunsEndAtTheSizeLimitButHaveAtLeastOneEntry) {
  RaftLog log;
  log.append(entry(1, 1, "long"));
  log.append(entry(2, 1, "x"));
  log.append(entry(3, 1, "y"));
  EXPECT_EQ(log.run(Index(1), Index(3), 1).size(), 1u);
  EXPECT_EQ(log.run(Index(1), Index(3), 5).size(), 2u);
  EXPECT_EQ(log.run(Index(2), Index(3), 100).size(), 2u);
}

// ---------------------------------------------------------------- DurableTail

TEST(DurableTail, FollowsThePersistsInOrder) {
  DurableTail tail(Index(3));
  tail.wrote(1, Index(4));
  tail.wrote(1, Index(5));
  tail.wrote(3, Index(8));
  tail.persisted(1);
  EXPECT_EQ(tail.durable(), Index(5));
  tail.persisted(2);
  EXPECT_EQ(tail.durable(), Index(5));
  tail.persisted(4);
  EXPECT_EQ(tail.durable(), Index(8));
}

// What was on its way when it was cut off is not what stands there now.
TEST(DurableTail, WhatWasCutOffCountsNoMore) {
  DurableTail tail(Index(3));
  tail.wrote(1, Index(6));
  tail.truncated(Index(5));
  tail.wrote(2, Index(5));
  tail.persisted(1);
  EXPECT_EQ(tail.durable(), Index(4));
  tail.persisted(2);
  EXPECT_EQ(tail.durable(), Index(5));
  tail.truncated(Index(2));
  EXPECT_EQ(tail.durable(), Index(1));
}

TEST(DurableTail, ASnapshotIsDurable) {
  DurableTail tail(Index(3));
  tail.wrote(1, Index(6));
  tail.jumped(Index(5), /*kept=*/true);
  EXPECT_EQ(tail.durable(), Index(5));
  tail.persisted(1);
  EXPECT_EQ(tail.durable(), Index(6));
  tail.wrote(2, Index(7));
  tail.jumped(Index(20), /*kept=*/false);
  tail.persisted(2);
  EXPECT_EQ(tail.durable(), Index(20));
}

}  // namespace
}  // namespace conclave::raft::parts_test
