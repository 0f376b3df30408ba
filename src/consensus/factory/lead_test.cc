// What every engine must do, over whole cells: how the lead is won, held and lost: elections, stages, partial
// partitions (B11 to B14). Safety is checked after every event by the harness.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "consensus/factory/testing_engines.h"

namespace conclave::consensus::harness {
namespace {

using testing::Contains;

// ---------------------------------------------------------------- elections

class Lead : public EveryEngine {};
INSTANTIATE_TEST_SUITE_P(Engines, Lead, kEngines, name_of_engine);

TEST_P(Lead, ElectsOneMasterAndStaysWithIt) {
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    Cell cell({.kind = kind(), .voters = 3, .seed = seed});
    ASSERT_NE(cell.elect(Duration::seconds(1)), 0u) << seed;
    const size_t leads = cell.leads();
    cell.run(Duration::seconds(10));
    EXPECT_EQ(cell.leads(), leads) << seed;
  }
}

TEST_P(Lead, CommittedEverywhereInTwoMessageDelaysAndToldAtOnceWhenIdle) {
  Cell cell(
      {.kind = kind(), .faults = {.delay_min_us = 1000, .delay_max_us = 1000, .disk_min_us = 100, .disk_max_us = 100}});
  const unsigned master = cell.elect();
  cell.run(Duration::seconds(1));
  const Index x = cell.committed_anywhere().next();
  cell.propose(master, {"x"});
  EXPECT_TRUE(cell.run_until([&] { return cell[master].applied == x; }, Duration::micros(2101)));
  EXPECT_TRUE(cell.run_until([&] { return cell.everywhere(x); }, Duration::micros(1001)));
}

TEST_P(Lead, ASingleReplicaCommitsOnlyWhatIsDurable) {  // B21
  Cell cell({.kind = kind(), .voters = 1});
  ASSERT_EQ(cell.elect(Duration::millis(50)), 1u);  // nobody to wait for
  const Index before = cell[1].applied;
  cell[1].disk_stalled = true;
  cell.propose(1, {"x"});
  cell.run(Duration::millis(100));
  EXPECT_EQ(cell[1].applied, before);
  cell[1].disk_stalled = false;
  cell.run(Duration::millis(10));
  EXPECT_EQ(cell[1].applied, before.next());
  cell.read(1);
  EXPECT_EQ(cell[1].reads.size(), 1u);
}

// B38: a replica that starts empty decides nothing, alone or with others, before it knows that it is a founder.
TEST_P(Lead, WhoDoesNotKnowThatItFoundedStandsForNothing) {
  const Config config{.self = ReplicaId(1)};
  const auto engine = make_engine(GetParam(), config, {});
  Instant now{1'000'000};
  const auto run = [&](Duration time) {
    bool led = false;
    for (const Instant end = now + time; now < end; now = now + Duration::millis(10)) {
      Output output = engine->step({.now = now, .body = Tick{}});
      while (output.persist.number != 0) {
        output = engine->step({.now = now, .body = Persisted{output.persist.number}});
      }
      led = led || engine->status(now).role == Role::master;
    }
    return led;
  };
  EXPECT_FALSE(run(Duration::seconds(5)));
  engine->step({.now = now, .body = Founded{{{ReplicaId(1)}}}});
  EXPECT_TRUE(run(Duration::seconds(1)));
}

TEST_P(Lead, AHintShortensTheFailoverToTheLeasePromise) {
  int64_t worst = 0;
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    Cell cell({.kind = kind(), .voters = 3, .seed = seed});
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

TEST_P(Lead, WithoutAHintTheNextMasterComesWithinTwoElectionTimeouts) {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    Cell cell({.kind = kind(), .voters = 5, .seed = seed});
    cell.crash(cell.elect());
    EXPECT_NE(cell.elect(kElection * 2), 0u) << seed;
  }
}

TEST_P(Lead, ASlowDiskCausesNoElection) {  // B10
  Cell cell({.kind = kind(), .voters = 3});
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
  EXPECT_TRUE(cell.everywhere(cell.committed_anywhere()));
}

TEST_P(Lead, AMasterWithoutAQuorumStepsDown) {
  Cell cell({.kind = kind(), .voters = 3});
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

TEST_P(Lead, RolesAreReportedInOrderAndNoProposalOrReadIsTakenBeforeServing) {  // B25
  Cell cell({.kind = kind(), .voters = 3});
  const unsigned master = cell.elect();
  ASSERT_TRUE(commits(cell, master, "zero"));
  for (int i = 0; i < 5; ++i) cell.propose(master, {"open"});
  cell.run(Duration::micros(900));
  cell.crash(master);
  // Acknowledgements do not return: the next master does not get beyond synchronising.
  cell.filter = [this](ReplicaId, const Envelope& e) {
    const auto type = kind().type_name(e.message.type);
    return type != "Accepted" && type != "HeartbeatAck" && type != "Appended";
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

// ---------------------------------------------------------------- partial partitions

class Partial : public EveryEngine {};
INSTANTIATE_TEST_SUITE_P(Engines, Partial, kEngines, name_of_engine);

TEST_P(Partial, B11_TheLinkBetweenMasterAndOneFollowerIsDead) {
  Cell cell({.kind = kind(), .voters = 3});
  const unsigned master = cell.elect();
  const unsigned cut = other_than(master);
  cell.both(master, cut, false);
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(commits(cell, master, "x"));
    cell.run(Duration::millis(100));
  }
  EXPECT_EQ(cell.leads(), 1u);
}

TEST_P(Partial, B11_OneWay) {
  for (const bool to_master : {false, true}) {
    Cell cell({.kind = kind(), .voters = 3});
    const unsigned master = cell.elect();
    const unsigned cut = other_than(master);
    to_master ? cell.link(cut, master, false) : cell.link(master, cut, false);
    cell.run(kElection * 50);
    EXPECT_EQ(cell.leads(), 1u);
    EXPECT_TRUE(commits(cell, master, "x"));
  }
}

TEST_P(Partial, B12_TwoReplicasWithOneLinkEachDoNotDisturb) {
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    Cell cell({.kind = kind(), .voters = 5, .seed = seed});
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

TEST_P(Partial, B13_AReplicaThatReturnsIsAdmittedWithoutAnElection) {
  Cell cell({.kind = kind(), .voters = 3});
  const unsigned master = cell.elect();
  const unsigned away = other_than(master);
  cell.isolate(away);
  cell.run(kElection * 50);
  cell.heal();
  EXPECT_TRUE(commits(cell, master, "x"));
  EXPECT_TRUE(cell.run_until([&] { return cell.everywhere(cell.committed_anywhere()); }, Duration::millis(300)));
  EXPECT_EQ(cell.leads(), 1u);
}

TEST_P(Partial, B14_QuorumLoss_OnlyOneReplicaSeesAMajority) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    Cell cell({.kind = kind(), .voters = 5, .seed = seed});
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

TEST_P(Partial, B14_Chained) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    Cell cell({.kind = kind(), .voters = 5, .seed = seed});
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
}  // namespace conclave::consensus::harness
