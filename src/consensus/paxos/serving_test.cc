// Scenarios of whole cells that have a master, particular to Multi-Paxos: ways of learning (PX-11), repair of damage.
// What every engine must do there: consensus/factory. Safety is checked after every event by the harness.
#include <gtest/gtest.h>

#include "consensus/paxos/testing_cells.h"

namespace conclave::paxos::harness {
namespace {

// ---------------------------------------------------------------- learning

TEST(Learning, PX11_TheThreeWaysCostWhatTheyShould) {
  std::map<Learning, size_t> accepted;
  std::map<Learning, int64_t> delay;
  for (const Learning way : {Learning::distinguished, Learning::everyone, Learning::distinguished_set}) {
    Cell cell({.kind = kPaxos,
               .voters = 5,
               .faults = {.delay_min_us = 1000, .delay_max_us = 1000, .disk_min_us = 10, .disk_max_us = 10},
               .config = {.learning = way}});
    const unsigned master = cell.elect();
    cell.run(Duration::millis(100));
    const size_t before = cell.messages_by_type().contains("Accepted") ? cell.messages_by_type().at("Accepted") : 0;
    const int64_t start = cell.now_us();
    cell.propose(master, {"x"});
    ASSERT_TRUE(cell.run_until([&] { return cell.everywhere(Index(1)); }, Duration::seconds(1)));
    delay[way] = cell.now_us() - start;
    accepted[way] = cell.messages_by_type().at("Accepted") - before;
  }
  EXPECT_EQ(accepted[Learning::distinguished], 4u);
  EXPECT_EQ(accepted[Learning::everyone], 20u);
  EXPECT_GT(accepted[Learning::distinguished_set], 4u);
  EXPECT_LT(accepted[Learning::distinguished_set], 20u);
  EXPECT_EQ(delay[Learning::distinguished] / 1000, 3);
  EXPECT_EQ(delay[Learning::everyone] / 1000, 2);  // one message delay less
}

TEST(Learning, WithADistinguishedSetTheMasterIsNotNeededToTell) {
  Cell cell({.kind = kPaxos, .voters = 5, .config = {.learning = Learning::distinguished_set}});
  const unsigned master = cell.elect();
  cell.run(Duration::millis(100));
  cell.filter = [&](ReplicaId from, const Envelope& e) {
    const auto type = type_name(e.message.type);
    return !(from.value == master && (type == "Chosen" || type == "Heartbeat"));
  };
  cell.propose(master, {"x"});
  EXPECT_TRUE(cell.run_until([&] { return cell.everywhere(Index(1)); }, Duration::millis(20)));
}

// ---------------------------------------------------------------- damage

TEST(Damage, PositionsBeyondEverybodysLogAreFilledSoThatTheReplicaHeals) {
  Cell cell({.kind = kPaxos, .voters = 3});
  const unsigned master = cell.elect();
  ASSERT_TRUE(commits(cell, master, "x"));
  const unsigned hurt = other_than(master);
  cell.crash(hurt);
  cell.restart(hurt, {Index(3), Index(5)});
  EXPECT_TRUE(cell.run_until([&] { return status(cell, hurt).damaged == 0; }, Duration::seconds(1)));
  EXPECT_EQ(cell.leads(), 1u);
}

}  // namespace
}  // namespace conclave::paxos::harness
