// What every engine must do, over whole cells that have a master: reads (B23 to B25), transfer of the lead, flow,
// catching up, loss. Safety is checked after every event by the harness.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "consensus/factory/testing_engines.h"

namespace conclave::consensus::harness {
namespace {

using testing::Contains;
using testing::IsEmpty;

// ---------------------------------------------------------------- reads

class Reads : public EveryEngine {};
INSTANTIATE_TEST_SUITE_P(Engines, Reads, kEngines, name_of_engine);

TEST_P(Reads, UnderTheLeaseAtOnceWithoutAMessage) {
  Cell cell({.kind = kind(), .voters = 3});
  const unsigned master = cell.elect();
  ASSERT_TRUE(commits(cell, master, "x"));
  cell.run(Duration::millis(50));
  const size_t messages = cell.messages();
  cell.read(master);
  EXPECT_EQ(cell[master].reads.size(), 1u);
  EXPECT_EQ(cell[master].reads[0].index, cell.committed_anywhere());
  EXPECT_EQ(cell.messages(), messages);
  EXPECT_TRUE(status(cell, master).lease_valid);
}

TEST_P(Reads, WithoutLeasesEveryBarrierIsAQuorumRound) {
  Cell cell({.kind = kind(), .voters = 3, .config = {.leases = false}});
  const unsigned master = cell.elect();
  cell.run(Duration::millis(50));
  cell.read(master);
  cell.read(master);
  EXPECT_THAT(cell[master].reads, IsEmpty());
  EXPECT_TRUE(cell.run_until([&] { return cell[master].reads.size() == 2; }, Duration::millis(10)));
  EXPECT_FALSE(status(cell, master).lease_valid);
}

TEST_P(Reads, AFollowerRefuses) {
  Cell cell({.kind = kind(), .voters = 3});
  const unsigned follower = other_than(cell.elect());
  const uint64_t token = cell.read(follower);
  EXPECT_THAT(cell[follower].reads_refused, Contains(token));
}

// B23, B24: the old master is cut off while another one commits; within the drift bound none of its reads is stale,
// whatever is delayed. The harness checks E3 for each.
TEST_P(Reads, ACutOffMasterNeverGrantsAStaleRead) {
  for (const bool leases : {true, false}) {
    for (uint64_t seed = 1; seed <= 60; ++seed) {
      Cell cell({.kind = kind(),
                 .voters = 3,
                 .seed = seed,
                 .faults = {.duplicate_permille = 300, .delay_max_us = 40'000},
                 .config = {.leases = leases},
                 .drift_ppm = {-500, 500, 500}});
      unsigned old_master = cell.elect();
      while (!commits(cell, old_master, "x", Duration::millis(200))) old_master = cell.elect();
      cell.run(Duration::millis(static_cast<int64_t>(seed)));
      cell.isolate(old_master);
      const Index before = cell.committed_anywhere();
      for (int i = 0; i < 150; ++i) {
        cell.run(Duration::millis(5));
        cell.read(old_master);
        for (unsigned id = 1; id <= 3; ++id) {
          if (id != old_master && cell[id].role.role == Role::master) cell.propose(id, {"new"});
        }
        if (i == 120) cell.heal();
      }
      EXPECT_GT(cell.committed_anywhere(), before);
    }
  }
}

// ---------------------------------------------------------------- transfer

class Transfer : public EveryEngine {};
INSTANTIATE_TEST_SUITE_P(Engines, Transfer, kEngines, name_of_engine);

TEST_P(Transfer, TheTargetLeadsWithoutWaitingForTheLease) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    Cell cell({.kind = kind(), .voters = 3, .seed = seed});
    const unsigned master = cell.elect();
    ASSERT_TRUE(commits(cell, master, "x"));
    const unsigned target = other_than(master);
    const Index x = cell.committed_anywhere().next();
    cell.propose(master, {"in flight"});
    cell.step(master, TransferLead{ReplicaId(static_cast<uint8_t>(target))});
    cell.propose(master, {"refused"}, 9);
    EXPECT_THAT(cell[master].refused, Contains(9u));
    EXPECT_TRUE(cell.run_until([&] { return cell.master() == target; }, Duration::millis(50))) << seed;
    EXPECT_EQ(cell.value(x), "1:in flight");
    EXPECT_GE(cell[target].applied, x);
    EXPECT_EQ(cell[master].role.role, Role::follower);
  }
}

TEST_P(Transfer, ThatDoesNotHappenIsTakenBackAndLeaseReadsStayOff) {
  Cell cell({.kind = kind(), .voters = 3});
  const unsigned master = cell.elect();
  const unsigned target = other_than(master);
  cell.run(Duration::millis(50));
  cell.filter = [this](ReplicaId, const Envelope& e) {
    const auto type = kind().type_name(e.message.type);
    return type != "TransferNow" && type != "TimeoutNow";
  };
  cell.step(master, TransferLead{ReplicaId(static_cast<uint8_t>(target))});
  cell.run(Duration::millis(100));
  cell.propose(master, {"x"}, 1);
  EXPECT_THAT(cell[master].refused, Contains(1u));
  EXPECT_FALSE(status(cell, master).lease_valid);
  cell.run(Duration::millis(400));
  EXPECT_TRUE(commits(cell, master, "y"));
  EXPECT_FALSE(status(cell, master).lease_valid);  // the message may still arrive
  cell.read(master);
  EXPECT_TRUE(cell.run_until([&] { return cell[master].reads.size() == 1; }, Duration::millis(10)));
}

TEST_P(Transfer, ToItselfBeginsANewEpochWithoutWaiting) {  // B52
  Cell cell({.kind = kind(), .voters = 3});
  const unsigned master = cell.elect();
  ASSERT_TRUE(commits(cell, master, "x"));
  cell.run(Duration::millis(50));
  const Ballot before = cell[master].role.ballot;
  cell.step(master, TransferLead{ReplicaId(static_cast<uint8_t>(master))});
  EXPECT_TRUE(cell.run_until([&] { return cell.master() == master; }, Duration::millis(10)));
  EXPECT_GT(cell[master].role.ballot.round, before.round);
  EXPECT_TRUE(commits(cell, master, "y"));
}

TEST_P(Transfer, NonsenseIsIgnored) {
  Cell cell({.kind = kind(), .voters = 3, .observers = 1});
  const unsigned master = cell.elect();
  for (const unsigned to : {4u, 99u}) {  // an observer, a stranger
    cell.step(master, TransferLead{ReplicaId(static_cast<uint8_t>(to))});
  }
  cell.step(other_than(master), TransferLead{ReplicaId(static_cast<uint8_t>(master))});
  EXPECT_TRUE(commits(cell, master, "x"));
  EXPECT_EQ(cell.leads(), 1u);
}

// ---------------------------------------------------------------- flow and catching up

class Flow : public EveryEngine {};
INSTANTIATE_TEST_SUITE_P(Engines, Flow, kEngines, name_of_engine);

TEST_P(Flow, ProposalsBeyondTheSlotLimitAreRefusedWhole) {
  Cell cell({.kind = kind(), .voters = 3, .config = {.slots_in_flight_max = 4}});
  const unsigned master = cell.elect();
  const Index before = cell.committed_anywhere();
  cell.propose(master, {"1", "2", "3"}, 1);
  cell.propose(master, {"4", "5"}, 2);
  cell.propose(master, {"4"}, 3);
  EXPECT_THAT(cell[master].refused, testing::ElementsAre(2u));
  cell.run(Duration::millis(50));
  EXPECT_EQ(cell.committed_anywhere(), before + 4);
  cell.propose(master, {"5", "6", "7", "8"}, 4);
  EXPECT_EQ(cell[master].refused.size(), 1u);
}

TEST_P(Flow, ProposalsBeyondTheByteLimitAreRefusedButOneLargeOneGoesThrough) {
  Cell cell({.kind = kind(), .voters = 3, .config = {.bytes_in_flight_max = 100, .message_bytes_max = 50}});
  const unsigned master = cell.elect();
  const Index before = cell.committed_anywhere();
  cell.propose(master, {std::string(500, 'x')}, 1);
  cell.propose(master, {"y"}, 2);
  EXPECT_THAT(cell[master].refused, testing::ElementsAre(2u));
  for (int i = 0; i < 200; ++i) {  // B22: what was counted is counted off again
    cell.run(Duration::millis(5));
    cell.propose(master, {std::string(60, 'x'), std::string(40, 'y')}, 3);
  }
  cell.run(Duration::millis(50));
  EXPECT_EQ(cell[master].refused.size(), 1u);
  EXPECT_TRUE(cell.everywhere(before + 401));
}

class CatchUp : public EveryEngine {};
INSTANTIATE_TEST_SUITE_P(Engines, CatchUp, kEngines, name_of_engine);

// An observer answers with its heartbeats only. Sent as few slots at a time as the cell may have undecided, it would
// fall behind for good.
TEST_P(CatchUp, AnObserverKeepsUpWithACellOfANarrowWindow) {
  Cell cell({.kind = kind(), .voters = 3, .observers = 1, .config = {.slots_in_flight_max = 1}});
  const unsigned master = cell.elect();
  for (int i = 0; i < 200; ++i) {
    cell.propose(master, {"x"});
    cell.run(Duration::millis(5));
  }
  EXPECT_GE(cell.committed_anywhere(), Index(190));
  EXPECT_TRUE(cell.run_until([&] { return cell.everywhere(cell.committed_anywhere()); }, Duration::millis(500)));
}

TEST_P(CatchUp, LostEntriesAreSentAgain) {
  Cell cell({.kind = kind(), .voters = 3});
  const unsigned master = cell.elect();
  const unsigned loser = other_than(master);
  cell.run(Duration::millis(100));
  cell.filter = [&](ReplicaId, const Envelope& e) { return !(e.to.value == loser && !e.message.entries.empty()); };
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(commits(cell, master, "x"));
  cell.filter = nullptr;
  EXPECT_TRUE(cell.run_until([&] { return cell.everywhere(cell.committed_anywhere()); }, Duration::millis(300)));
  EXPECT_EQ(cell.leads(), 1u);
}

TEST_P(CatchUp, AConnectionThatIsBackIsUsedAtOnce) {
  Cell cell({.kind = kind(), .voters = 3});
  const unsigned master = cell.elect();
  const unsigned cut = other_than(master);
  const auto hint = [&](bool up) { cell.step(master, PeerHint{ReplicaId(static_cast<uint8_t>(cut)), up}); };
  cell.both(master, cut, false);
  hint(false);
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(commits(cell, master, "x"));
  cell.heal();
  hint(true);
  EXPECT_TRUE(cell.run_until([&] { return cell.everywhere(cell.committed_anywhere()); }, Duration::millis(20)));
}

TEST_P(CatchUp, ByLogAfterARestartAndBySnapshotWhenTheLogIsGone) {
  for (const uint64_t keep : {uint64_t{1000}, uint64_t{0}}) {
    Cell cell({.kind = kind(), .voters = 3, .observers = 1, .snapshot_every = 10, .keep_entries = keep});
    const unsigned master = cell.elect();
    const unsigned away = other_than(master);
    cell.crash(away);
    cell.crash(4);
    for (int i = 0; i < 55; ++i) ASSERT_TRUE(commits(cell, master, "x"));
    cell.restart(away);
    cell.restart(4);
    EXPECT_TRUE(cell.run_until([&] { return cell.everywhere(cell.committed_anywhere()); }, Duration::seconds(3)));
    EXPECT_EQ(cell[away].snapshots_received, keep ? 0u : 1u);
    EXPECT_EQ(cell[4].snapshots_received, keep ? 0u : 1u);
    EXPECT_EQ(cell[4].role.role, Role::observer);
    EXPECT_EQ(cell[4].role.master, ReplicaId(static_cast<uint8_t>(master)));
  }
}

TEST_P(CatchUp, WhatWasKnownToBeCommittedIsGivenOutAtTheFirstStepAfterARestart) {
  Cell cell({.kind = kind(), .voters = 3});
  const unsigned master = cell.elect();
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(commits(cell, master, "x"));
  cell.run(Duration::seconds(3));  // idle: the hint is written within a second
  for (unsigned id = 1; id <= 3; ++id) cell.crash(id);
  cell.restart(1);
  cell.run(Duration::millis(15));
  EXPECT_EQ(cell[1].applied, cell.committed_anywhere());
}

// ---------------------------------------------------------------- loss

class Loss : public EveryEngine {};
INSTANTIATE_TEST_SUITE_P(Engines, Loss, kEngines, name_of_engine);

// B37: two of three are up, but one may have forgotten what it acknowledged: nobody leads until the third is back.
TEST_P(Loss, AReplicaThatLostSomethingElectsNobodyUntilItHasItAgain) {
  Cell cell({.kind = kind(), .voters = 3});
  const unsigned master = cell.elect();
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(commits(cell, master, "value " + std::to_string(i)));
  cell.run(Duration::seconds(2));
  const unsigned hurt = other_than(master);
  const unsigned third = other_than(master, hurt);
  cell.crash(hurt);
  cell[hurt].journal.erase(Index(4));
  cell[hurt].journal.erase(Index(7));
  cell.crash(master);
  cell.restart(hurt, {Index(4), Index(7)});
  EXPECT_GT(status(cell, hurt).damaged, 0u);
  cell.run(kElection * 10);
  EXPECT_EQ(cell.master(), 0u);
  cell.restart(master);
  ASSERT_NE(cell.elect(), 0u);
  EXPECT_TRUE(cell.run_until([&] { return cell.everywhere(cell.committed_anywhere()); }, Duration::seconds(1)));
  cell.run(Duration::millis(50));
  EXPECT_EQ(status(cell, hurt).damaged, 0u);
  EXPECT_TRUE(cell[hurt].journal.contains(Index(4)) && cell[hurt].journal.contains(Index(7)));
  cell.crash(third);  // it counts again
  EXPECT_TRUE(cell.run_until([&] { return cell.master() != 0 && cell.master() != third; }, Duration::seconds(2)));
}

}  // namespace
}  // namespace conclave::consensus::harness
