// Scenarios of whole cells: how the lead is won, held and lost: elections, the three stages of PX-13, partial
// partitions (B11 to B14). Safety is checked after every event by the harness.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "consensus/paxos/testing_cells.h"

namespace conclave::paxos::harness {
namespace {

using testing::Contains;
using testing::IsEmpty;

// ---------------------------------------------------------------- elections

TEST(Cell, ElectsOneMasterAndStaysWithIt) {
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    Cell cell({.kind = kPaxos, .voters = 3, .seed = seed});
    ASSERT_NE(cell.elect(Duration::seconds(1)), 0u) << seed;
    const size_t leads = cell.leads();
    cell.run(Duration::seconds(10));
    EXPECT_EQ(cell.leads(), leads) << seed;
  }
}

TEST(Cell, CommittedEverywhereInTwoMessageDelaysAndToldAtOnceWhenIdle) {
  Cell cell(
      {.kind = kPaxos, .faults = {.delay_min_us = 1000, .delay_max_us = 1000, .disk_min_us = 100, .disk_max_us = 100}});
  const unsigned master = cell.elect();
  cell.run(Duration::seconds(1));
  cell.propose(master, {"x"});
  EXPECT_TRUE(cell.run_until([&] { return cell[master].applied == Index(1); }, Duration::micros(2101)));
  EXPECT_TRUE(cell.run_until([&] { return cell.everywhere(Index(1)); }, Duration::micros(1001)));
}

TEST(Cell, ASingleReplicaCommitsOnlyWhatIsDurable) {  // B21
  Cell cell({.kind = kPaxos, .voters = 1});
  ASSERT_EQ(cell.elect(Duration::millis(50)), 1u);  // nobody to wait for
  cell[1].disk_stalled = true;
  cell.propose(1, {"x"});
  cell.run(Duration::millis(100));
  EXPECT_EQ(cell[1].applied, Index(0));
  cell[1].disk_stalled = false;
  cell.run(Duration::millis(10));
  EXPECT_EQ(cell[1].applied, Index(1));
  cell.read(1);
  EXPECT_EQ(cell[1].reads.size(), 1u);
}

TEST(Cell, AHintShortensTheFailoverToTheLeasePromise) {
  int64_t worst = 0;
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    Cell cell({.kind = kPaxos, .voters = 3, .seed = seed});
    const unsigned master = cell.elect();
    ASSERT_TRUE(commits(cell, master, "before"));
    cell.run(Duration::millis(static_cast<int64_t>(50 + seed)));
    const int64_t dead_at = cell.now_us();
    cell.crash(master);
    cell.hint_down(master);
    const unsigned next = cell.elect();
    ASSERT_TRUE(next != 0 && commits(cell, next, "after"));
    worst = std::max(worst, cell.now_us() - dead_at);
  }
  EXPECT_LT(worst, 300'000);  // 200 ms of promise, up to 30 ms of jitter, a duel now and then
}

TEST(Cell, WithoutAHintTheNextMasterComesWithinTwoElectionTimeouts) {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    Cell cell({.kind = kPaxos, .voters = 5, .seed = seed});
    cell.crash(cell.elect());
    EXPECT_NE(cell.elect(kElection * 2), 0u) << seed;
  }
}

TEST(Cell, ASlowDiskCausesNoElection) {  // B10
  Cell cell({.kind = kPaxos, .voters = 3});
  const unsigned master = cell.elect();
  const unsigned slow = other_than(master);
  cell[slow].disk_stalled = true;
  for (int i = 0; i < 12; ++i) {
    EXPECT_TRUE(commits(cell, master, "x"));
    cell.run(Duration::millis(100));
  }
  cell[slow].disk_stalled = false;
  cell.run(Duration::millis(200));
  EXPECT_EQ(cell.leads(), 1u);
  EXPECT_TRUE(cell.everywhere(Index(12)));
}

TEST(Cell, AMasterWithoutAQuorumStepsDown) {
  Cell cell({.kind = kPaxos, .voters = 3});
  const unsigned master = cell.elect();
  cell.isolate(master);
  cell.propose(master, {"lost"});
  const uint64_t token = [&] {
    cell.run(Duration::millis(250));  // the lease is over
    return cell.read(master);
  }();
  cell.run(Duration::millis(500));
  EXPECT_NE(cell[master].role.role, Role::master);
  EXPECT_STREQ(cell[master].roles[cell[master].roles.size() - 1].reason, "lost its quorum");
  EXPECT_THAT(cell[master].reads_refused, Contains(token));
  cell.propose(master, {"x"}, 42);
  EXPECT_THAT(cell[master].refused, Contains(42u));
  const unsigned next = cell.elect();
  EXPECT_NE(next, master);
}

TEST(Cell, ADeposedMasterIsReelectedThoughItsPeersStillFollowIt) {  // B09
  Cell cell({.kind = kPaxos, .voters = 3});
  const unsigned master = cell.elect();
  cell.crash(other_than(master));
  cell.run(Duration::millis(50));
  const unsigned peer = other_than(master, other_than(master));
  // A stray promise to a higher ballot of a replica that is gone.
  const unsigned gone = other_than(master);
  const uint64_t round = (cell[master].role.ballot.round / 256 + 1) * 256 + gone;
  cell.step(master,
            MessageReceived{ReplicaId(static_cast<uint8_t>(peer)),
                            encode(Nack{cell[master].role.ballot, {round, ReplicaId(static_cast<uint8_t>(gone))}})});
  EXPECT_NE(cell[master].role.role, Role::master);
  EXPECT_EQ(cell.elect(Duration::millis(150)), master);
  EXPECT_GT(cell[master].role.ballot.round, round);
}

// ---------------------------------------------------------------- PX-13

// A master whose Accepts for "lost one" reach nobody, and for "two" only `candidate`; then it dies.
TEST(Stages, HolesAreFilledWithNoopsAndAcceptedValuesAreKept) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    Cell cell({.kind = kPaxos, .voters = 3, .seed = seed});
    const unsigned master = cell.elect();
    ASSERT_TRUE(commits(cell, master, "zero"));
    cell.run(Duration::millis(100));
    const auto accept_of = [](const Envelope& e, uint64_t index) {
      return !e.message.entries.empty() && e.message.entries[0].index == Index(index);
    };
    cell.filter = [&](ReplicaId, const Envelope& e) { return !accept_of(e, 2); };  // slot 2 reaches nobody
    cell.propose(master, {"one"});
    cell.propose(master, {"two"});
    cell.run(Duration::micros(900));  // arrived, not yet committed in order
    cell.crash(master);
    cell.filter = nullptr;
    const unsigned next = cell.elect();
    ASSERT_NE(next, 0u);
    EXPECT_EQ(cell[next].role.role, Role::master);
    ASSERT_TRUE(cell.value(Index(3)).has_value());
    EXPECT_EQ(cell.value(Index(2)), "0:");     // a no-op where nobody knew of a value
    EXPECT_EQ(cell.value(Index(3)), "1:two");  // and the accepted value behind it
    cell.restart(master);
    EXPECT_TRUE(cell.run_until([&] { return cell.everywhere(Index(3)); }, Duration::seconds(1)));
  }
}

TEST(Stages, RolesAreReportedInOrderAndNoProposalOrReadIsTakenBeforeServing) {  // B25
  Cell cell({.kind = kPaxos, .voters = 3});
  const unsigned master = cell.elect();
  ASSERT_TRUE(commits(cell, master, "zero"));
  for (int i = 0; i < 5; ++i) cell.propose(master, {"open"});
  cell.run(Duration::micros(900));
  cell.crash(master);
  // Acceptances do not return: the next master stays in stage synchronise.
  cell.filter = [](ReplicaId, const Envelope& e) {
    return type_name(e.message.type) != "Accepted" && type_name(e.message.type) != "HeartbeatAck";
  };
  unsigned next = 0;
  ASSERT_TRUE(cell.run_until(
      [&] {
        for (unsigned id = 1; id <= 3; ++id) {
          if (cell[id].engine && cell[id].role.role == Role::synchronising) next = id;
        }
        return next != 0;
      },
      Duration::seconds(2)));
  cell.run(Duration::millis(5));
  const uint64_t token = cell.read(next);
  EXPECT_THAT(cell[next].reads_refused, Contains(token));
  cell.propose(next, {"too early"}, 5);
  EXPECT_THAT(cell[next].refused, Contains(5u));
  EXPECT_FALSE(status(cell, next).lease_valid);
  cell.filter = nullptr;
  ASSERT_EQ(cell.elect(), next);
  std::vector<Role> order;
  for (const RoleChange& role : cell[next].roles) {
    if (role.ballot == cell[next].role.ballot) order.push_back(role.role);
  }
  EXPECT_THAT(order, testing::ElementsAre(Role::candidate, Role::synchronising, Role::master));
}

TEST(Stages, TheMasterLearnsWhatOthersKnowToBeChosenFirst) {
  for (const size_t message_bytes : {size_t{1}, size_t{4} << 20}) {  // in many messages or in one
    Cell cell({.kind = kPaxos, .voters = 3, .config = {.message_bytes_max = message_bytes}});
    const unsigned master = cell.elect();
    const unsigned behind = other_than(master);
    const unsigned third = other_than(master, behind);
    cell.isolate(behind);
    for (int i = 0; i < 30; ++i) ASSERT_TRUE(commits(cell, master, "value " + std::to_string(i)));
    cell.run(Duration::millis(100));
    cell.heal();
    cell.both(behind, master, false);
    cell.crash(master);
    cell.both(third, behind, true);
    // Only `behind` may win: the other never gets a pre-vote.
    cell.filter = [&](ReplicaId from, const Envelope& e) {
      return !(from.value == third && type_name(e.message.type) == "PreVote");
    };
    ASSERT_EQ(cell.elect(), behind);
    EXPECT_EQ(cell[behind].applied, Index(30));
    EXPECT_GT(cell.messages_by_type().at("Learn"), 0u);
  }
}

TEST(Stages, ACandidateBehindItsTeachersMemoryIsBroughtUpBySnapshot) {
  Cell cell({.kind = kPaxos, .voters = 3, .snapshot_every = 10, .keep_entries = 2});
  const unsigned master = cell.elect();
  const unsigned behind = other_than(master);
  const unsigned third = other_than(master, behind);
  cell.isolate(behind);
  for (int i = 0; i < 35; ++i) ASSERT_TRUE(commits(cell, master, "value"));
  cell.run(Duration::millis(100));
  cell.crash(master);
  cell.heal();
  cell.filter = [&](ReplicaId from, const Envelope& e) {
    return !(from.value == third && type_name(e.message.type) == "PreVote");
  };
  ASSERT_EQ(cell.elect(), behind);
  EXPECT_EQ(cell[behind].snapshots_received, 1u);
  EXPECT_EQ(cell[behind].applied, Index(35));
}

TEST(Stages, AMasterThatCannotLearnGivesTheLeadUp) {
  Cell cell({.kind = kPaxos, .voters = 3});
  const unsigned master = cell.elect();
  const unsigned behind = other_than(master);
  cell.isolate(behind);
  ASSERT_TRUE(commits(cell, master, "x"));
  cell.run(Duration::millis(100));
  cell.crash(master);
  cell.heal();
  const unsigned third = other_than(master, behind);
  cell.filter = [&](ReplicaId from, const Envelope& e) {
    const auto type = type_name(e.message.type);
    return type != "Learned" && !(from.value == third && type == "PreVote");
  };
  cell.run(Duration::seconds(3));
  bool gave_up = false;
  for (const auto& role : cell[behind].roles)
    gave_up |= std::string_view(role.reason) == "could not learn what was chosen";
  EXPECT_TRUE(gave_up);
  EXPECT_EQ(cell.master(), 0u);
  cell.filter = nullptr;
  EXPECT_NE(cell.elect(), 0u);
}

// ---------------------------------------------------------------- partial partitions

TEST(Partial, B11_TheLinkBetweenMasterAndOneFollowerIsDead) {
  Cell cell({.kind = kPaxos, .voters = 3});
  const unsigned master = cell.elect();
  const unsigned cut = other_than(master);
  cell.both(master, cut, false);
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(commits(cell, master, "x"));
    cell.run(Duration::millis(100));
  }
  EXPECT_EQ(cell.leads(), 1u);
  // What is chosen reaches the follower all the same, by the other one.
  EXPECT_TRUE(cell.run_until([&] { return cell[cut].applied == Index(100); }, Duration::seconds(1)));
}

TEST(Partial, B11_OneWay) {
  for (const bool to_master : {false, true}) {
    Cell cell({.kind = kPaxos, .voters = 3});
    const unsigned master = cell.elect();
    const unsigned cut = other_than(master);
    to_master ? cell.link(cut, master, false) : cell.link(master, cut, false);
    cell.run(kElection * 50);
    EXPECT_EQ(cell.leads(), 1u);
    EXPECT_TRUE(commits(cell, master, "x"));
  }
}

TEST(Partial, B12_TwoReplicasWithOneLinkEachDoNotDisturb) {
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    Cell cell({.kind = kPaxos, .voters = 5, .seed = seed});
    const unsigned master = cell.elect();
    std::vector<unsigned> rest;
    for (unsigned id = 1; id <= 5; ++id) {
      if (id != master) rest.push_back(id);
    }
    // master, rest[0], rest[1] see each other; rest[2] and rest[3] hang on rest[0] by one link each.
    cell.only({{master, rest[0]}, {master, rest[1]}, {rest[0], rest[1]}, {rest[0], rest[2]}, {rest[0], rest[3]}});
    cell.run(kElection * 1000);
    EXPECT_LE(cell.leads(), 2u);
    EXPECT_TRUE(commits(cell, cell.master(), "x"));
  }
}

TEST(Partial, B13_AReplicaThatReturnsIsAdmittedWithoutAnElection) {
  Cell cell({.kind = kPaxos, .voters = 3});
  const unsigned master = cell.elect();
  const unsigned away = other_than(master);
  cell.isolate(away);
  cell.run(kElection * 50);
  cell.heal();
  EXPECT_TRUE(commits(cell, master, "x"));
  EXPECT_TRUE(cell.run_until([&] { return cell.everywhere(Index(1)); }, Duration::millis(300)));
  EXPECT_EQ(cell.leads(), 1u);
}

TEST(Partial, B13_AReplicaThatPromisedAHigherBallotIsReadmitted) {
  Cell cell({.kind = kPaxos, .voters = 3});
  const unsigned master = cell.elect();
  const unsigned stranded = other_than(master);
  const unsigned third = other_than(master, stranded);
  cell.isolate(stranded);
  cell.run(Duration::millis(500));  // its lease promise is over
  const uint64_t round = 256 * 40 + third;
  cell.step(stranded, MessageReceived{ReplicaId(static_cast<uint8_t>(third)),
                                      encode(Prepare{{round, ReplicaId(static_cast<uint8_t>(third))}, Index(1), {}})});
  cell.heal();
  cell.run(kElection * 10);
  const unsigned next = cell.master();
  ASSERT_NE(next, 0u);
  EXPECT_LE(cell.leads(), 2u);
  EXPECT_TRUE(commits(cell, next, "x"));
  EXPECT_TRUE(cell.run_until([&] { return cell.everywhere(Index(1)); }, Duration::seconds(1)));
}

TEST(Partial, B14_QuorumLoss_OnlyOneReplicaSeesAMajority) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    Cell cell({.kind = kPaxos, .voters = 5, .seed = seed});
    const unsigned master = cell.elect();
    const unsigned hub = other_than(master);
    std::vector<std::pair<unsigned, unsigned>> star;
    for (unsigned id = 1; id <= 5; ++id) {
      if (id != hub) star.emplace_back(hub, id);
    }
    cell.only(star);
    EXPECT_TRUE(cell.run_until([&] { return cell.master() == hub; }, kElection * 10)) << seed;
    EXPECT_TRUE(commits(cell, hub, "x"));
    const size_t leads = cell.leads();
    cell.run(kElection * 100);
    EXPECT_EQ(cell.leads(), leads) << seed;
  }
}

TEST(Partial, B14_ConstrainedElection_TheOneThatSeesAMajorityIsBehind) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    Cell cell({.kind = kPaxos, .voters = 5, .seed = seed});
    const unsigned master = cell.elect();
    const unsigned hub = other_than(master);
    cell.isolate(hub);
    for (int i = 0; i < 10; ++i) ASSERT_TRUE(commits(cell, master, "x"));
    cell.run(Duration::millis(50));
    std::vector<std::pair<unsigned, unsigned>> star;
    for (unsigned id = 1; id <= 5; ++id) {
      if (id != hub && id != master) star.emplace_back(hub, id);
    }
    cell.only(star);
    EXPECT_TRUE(cell.run_until([&] { return cell.master() == hub; }, kElection * 10)) << seed;
    EXPECT_TRUE(commits(cell, hub, "y"));
    EXPECT_EQ(cell.value(Index(11)), "1:y");
  }
}

TEST(Partial, B14_Chained) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    Cell cell({.kind = kPaxos, .voters = 5, .seed = seed});
    ASSERT_NE(cell.elect(), 0u);
    cell.only({{1, 2}, {2, 3}, {3, 4}, {4, 5}});
    cell.run(kElection * 10);
    const unsigned master = cell.master();
    ASSERT_NE(master, 0u) << seed;
    EXPECT_TRUE(commits(cell, master, "x")) << seed;
    const size_t leads = cell.leads();
    cell.run(kElection * 100);
    EXPECT_EQ(cell.leads(), leads) << seed;
  }
}

}  // namespace
}  // namespace conclave::paxos::harness
