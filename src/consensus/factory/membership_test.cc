// What every engine must do when the members of its cell change (RF-11), over whole cells: replacement of all replicas,
// the published counterexamples to changes of one at a time (B27), snapshots from before a change (B28), lost disks
// (B38). Safety is checked after every event by the harness.
#include <algorithm>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "consensus/factory/testing_engines.h"

namespace conclave::consensus::harness {
namespace {

class Members : public EveryEngine {
 protected:
  // Brings the cell to these members, step by step, whoever is the master. False: not in time.
  static bool become(Cell& cell, const std::vector<Member>& wanted, Duration limit = Duration::seconds(10)) {
    const int64_t until = cell.now_us() + limit.us;
    while (cell.membership().members != wanted || cell.membership().joint()) {
      if (cell.now_us() >= until) return false;
      if (const unsigned master = cell.master()) step_towards(cell, master, wanted);
      cell.run(Duration::millis(20));
    }
    return true;
  }
  static void step_towards(Cell& cell, unsigned master, const std::vector<Member>& wanted) {
    const Membership now = cell[master].membership;
    if (now.version == 0) return;
    if (now.joint()) return cell.change(master, settled(now));
    std::vector<Member> members = now.members;
    for (const Member& member : wanted) {
      if (!now.find(member.id)) members.push_back({.id = member.id, .voter = false, .disk = member.disk});
    }
    if (members.size() == now.members.size()) members = wanted;
    std::ranges::sort(members, {}, &Member::id);
    cell.change(master, changed(now, std::move(members)));
  }
  static std::vector<Member> voters(Cell& cell, std::vector<unsigned> ids) {
    std::vector<Member> out;
    for (const unsigned id : ids) out.push_back({.id = ReplicaId(static_cast<uint8_t>(id)), .disk = cell[id].disk});
    return out;
  }
  static Member observer(Cell& cell, unsigned id) {
    return {.id = ReplicaId(static_cast<uint8_t>(id)), .voter = false, .disk = cell[id].disk};
  }
  static bool serves(Cell& cell, const std::string& what) {
    const unsigned master = cell.elect();
    return master != 0 && commits(cell, master, what);
  }
};
INSTANTIATE_TEST_SUITE_P(Engines, Members, kEngines, name_of_engine);

TEST_P(Members, AllReplicasAreReplacedOneByOneAndTheOldOnesStopped) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    Cell cell({.kind = kind(), .voters = 3, .spares = 3, .seed = seed});
    cell.elect();
    for (unsigned left = 1; left <= 3; ++left) {
      ASSERT_TRUE(serves(cell, "before " + std::to_string(left))) << seed;
      std::vector<unsigned> ids;
      for (unsigned id = left + 1; id <= left + 3; ++id) ids.push_back(id);
      ASSERT_TRUE(become(cell, voters(cell, ids))) << seed << cell.describe();
      ASSERT_TRUE(cell.run_until([&] { return cell.may_be_wiped(left); }, Duration::seconds(2))) << "it is firm";
      cell.wipe(left);
      ASSERT_TRUE(serves(cell, "after " + std::to_string(left))) << seed << cell.describe();
    }
  }
}

TEST_P(Members, AllAtOnceToo) {
  Cell cell({.kind = kind(), .voters = 3, .spares = 5});
  ASSERT_TRUE(serves(cell, "before"));
  ASSERT_TRUE(become(cell, voters(cell, {4, 5, 6, 7, 8})));
  for (const unsigned id : {1u, 2u, 3u}) cell.crash(id);
  EXPECT_TRUE(serves(cell, "after")) << cell.describe();
}

TEST_P(Members, AMasterThatLeavesPausesTheCellForLessThanAnElection) {
  Cell cell({.kind = kind(), .voters = 3, .spares = 1});
  const unsigned master = cell.elect();
  std::vector<unsigned> ids;
  for (unsigned id = 1; id <= 4; ++id) {
    if (id != master) ids.push_back(id);
  }
  ASSERT_TRUE(become(cell, voters(cell, ids)));
  const int64_t left = cell.now_us();
  ASSERT_TRUE(cell.run_until([&] { return cell.master() != 0 && cell.master() != master; }, Duration::seconds(1)));
  EXPECT_LT(cell.now_us() - left, 100'000) << "it has another one take over at once";
}

TEST_P(Members, AChangeGoesOnUnderAnotherMaster) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    Cell cell({.kind = kind(), .voters = 3, .spares = 2, .seed = seed});
    cell.elect();
    std::vector<Member> wanted = voters(cell, {1, 2, 3});
    for (const unsigned id : {4u, 5u}) wanted.push_back(observer(cell, id));
    ASSERT_TRUE(become(cell, wanted));
    const unsigned first = cell.master();
    for (int i = 0; i < 50 && !cell.membership().joint(); ++i) {
      step_towards(cell, first, voters(cell, {3, 4, 5}));
      cell.run(Duration::millis(5));
    }
    ASSERT_TRUE(cell.membership().joint());
    cell.crash(first);
    ASSERT_TRUE(become(cell, voters(cell, {3, 4, 5}))) << seed << cell.describe();
    EXPECT_TRUE(serves(cell, "after")) << seed;
  }
}

// The published counterexamples (raft-dev, 2015): a leader begins a change and is cut off; another one, of the old
// members, makes another change; then the first one, with whom its own change let count, is elected again. When voters
// were added or removed one at a time, two majorities that do not meet committed two values. {added or removed by the
// first, by the second}; 0: nobody.
struct Race {
  const char* name;
  unsigned first_adds, first_removes, second_adds, second_removes;
};
constexpr Race kRaces[] = {
    {"add and add", 5, 0, 6, 0}, {"add and remove", 5, 0, 0, 1}, {"remove and remove", 0, 1, 0, 2}};

TEST_P(Members, B27_TwoMastersMayEachHaveBegunAChange) {
  for (const Race& race : kRaces) {
    SCOPED_TRACE(race.name);
    Cell cell({.kind = kind(), .voters = 4, .spares = 2});
    cell.elect();
    std::vector<Member> all = voters(cell, {1, 2, 3, 4});
    for (const unsigned id : {5u, 6u}) all.push_back(observer(cell, id));
    ASSERT_TRUE(become(cell, all));
    const unsigned first = cell.master();
    // 1 and 2 of a race are voters other than the first master.
    const auto number = [first](unsigned n) { return n == 0 ? 0 : n <= 2 && n >= first ? n + 1 : n; };
    const auto with = [&](unsigned added, unsigned removed) {
      std::vector<Member> members = all;
      for (Member& member : members) member.voter = member.voter || member.id.value == added;
      std::erase_if(members, [&](const Member& member) { return removed != 0 && member.id.value == removed; });
      return members;
    };
    for (int i = 0; i < 5; ++i) {  // so that newcomers have promised
      cell.change(first, changed(cell.membership(), with(race.first_adds, 0)));
      if (race.first_adds == 0 || cell[first].membership.joint()) break;
      if (i < 4) cell.isolate(first), cell.link(first, race.first_adds, true), cell.link(race.first_adds, first, true);
      cell.run(Duration::millis(2));
    }
    cell.isolate(first);
    if (race.first_adds != 0) cell.both(first, race.first_adds, true);
    cell.change(first, changed(cell[first].membership, with(race.first_adds, number(race.first_removes))));
    cell.run(Duration::millis(50));

    unsigned second = 0;
    ASSERT_TRUE(cell.run_until([&] { return (second = cell.master()) != 0 && second != first; }, Duration::seconds(2)));
    unsigned removed = number(race.second_removes);
    while (removed != 0 && (removed == second || removed == first)) removed = removed % 4 + 1;
    ASSERT_TRUE(become(cell, with(race.second_adds, removed), Duration::seconds(5))) << cell.describe();
    ASSERT_TRUE(commits(cell, second, "of the second"));
    const Index committed = cell.committed_anywhere();

    // The second one is gone; the first one meets whom its change lets count, and one that may have voted for both.
    cell.isolate(second);
    const unsigned third =
        other_than(first, second) == removed ? other_than(first, removed) : other_than(first, second);
    cell.both(first, third == second ? other_than(second, first) : third, true);
    if (race.first_adds != 0) cell.both(third, race.first_adds, true);
    cell.run(Duration::seconds(3));
    EXPECT_GE(cell.committed_anywhere(), committed);  // that nothing else is chosen is checked by the harness
    cell.heal();
    cell.run(Duration::seconds(1));
    EXPECT_TRUE(serves(cell, "after")) << cell.describe();
  }
}

// The snapshot of a replica that has not heard of the change reaches one that has.
TEST_P(Members, B28_ASnapshotTakesNoMembershipBack) {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    Cell cell({.kind = kind(), .voters = 3, .spares = 2, .seed = seed, .snapshot_every = 5});
    cell.elect();
    std::vector<Member> wanted = voters(cell, {1, 2, 3, 4});
    ASSERT_TRUE(become(cell, wanted));
    wanted.push_back(observer(cell, 5));
    cell.isolate(5);  // needs a snapshot when it comes back
    ASSERT_TRUE(become(cell, wanted));
    for (int i = 0; i < 20; ++i) ASSERT_TRUE(serves(cell, "value " + std::to_string(i)));
    for (unsigned id = 1; id <= 4; ++id) {  // from their snapshots
      cell.crash(id);
      cell.restart(id);
    }
    cell.heal();
    ASSERT_TRUE(serves(cell, "after")) << seed << cell.describe();
    ASSERT_TRUE(cell.run_until([&] { return cell.everywhere(cell.committed_anywhere()); }, Duration::seconds(3)));
    EXPECT_GT(cell[5].snapshots_received, 0u);
    for (unsigned id = 1; id <= 5; ++id) EXPECT_EQ(status(cell, id).membership_version, cell.membership().version);
  }
}

// A and C chose something; C loses its disk while A is away. B and what is left of C are two of three, and know nothing
// of it (the safe way back of TigerBeetle, Jepsen).
TEST_P(Members, B38_WhoLostItsDiskIsNoPartOfAMajority) {
  for (const bool with_traffic : {false, true}) {
    Cell cell({.kind = kind(), .voters = 3, .spares = 1});
    const unsigned a = cell.elect();
    const unsigned b = other_than(a);
    const unsigned c = other_than(a, b);
    cell.isolate(b);
    ASSERT_TRUE(commits(cell, a, "of A and C"));
    cell.isolate(a);
    cell.wipe(c);
    cell.both(b, c, true);
    cell.restart(c);
    if (with_traffic) cell.both(b, 4, true);
    cell.run(Duration::seconds(3));
    EXPECT_NE(cell.master(), b);
    EXPECT_NE(cell.master(), c);

    cell.heal();
    ASSERT_TRUE(serves(cell, "A is back")) << cell.describe();
    cell.run(Duration::seconds(1));
    EXPECT_EQ(status(cell, c).role, Role::observer) << "its number is listed with another disk";
    // It is removed, and comes back as another member.
    ASSERT_TRUE(become(cell, voters(cell, {a, b}).front().id < voters(cell, {a, b}).back().id ? voters(cell, {a, b})
                                                                                              : voters(cell, {b, a})));
    ASSERT_TRUE(become(cell, voters(cell, {1, 2, 3}))) << cell.describe();
    cell.crash(b);
    EXPECT_TRUE(serves(cell, "A and C again")) << cell.describe();
  }
}

}  // namespace
}  // namespace conclave::consensus::harness
