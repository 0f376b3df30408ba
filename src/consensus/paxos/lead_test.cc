// Scenarios of whole cells, particular to Multi-Paxos: elections, the three stages of PX-13, partial partitions (B13,
// B14). What every engine must do there: consensus/factory. Safety is checked after every event by the harness.
#include <gtest/gtest.h>

#include "consensus/paxos/testing_cells.h"

namespace conclave::paxos::harness {
namespace {

// ---------------------------------------------------------------- elections

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

TEST(Partial, B11_WhatIsChosenReachesACutFollowerByTheOther) {
  Cell cell({.kind = kPaxos, .voters = 3});
  const unsigned master = cell.elect();
  const unsigned cut = other_than(master);
  cell.both(master, cut, false);
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(commits(cell, master, "x"));
  EXPECT_TRUE(cell.run_until([&] { return cell[cut].applied == Index(20); }, Duration::seconds(2)));
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

}  // namespace
}  // namespace conclave::paxos::harness
