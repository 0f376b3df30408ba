// Who takes part in the cell: what was applied, and how a master brings the cell to other members (RF-11, ADR 15).
#include "replica/members.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "replica/member_change.h"
#include "replica/testing_cell.h"

namespace conclave::replica::members_test {
namespace {

using consensus::changed;
using consensus::DiskId;
using consensus::Member;
using consensus::Membership;
using consensus::settled;

constexpr ReplicaId kA{1}, kB{2}, kC{3}, kD{4};
const std::vector<Member> kFounders = {{kA}, {kB}, {kC}};
const Membership kFounding{.version = 1, .members = kFounders};

consensus::Entry at(uint64_t index, const Membership& membership) {
  return {.index = Index(index),
          .kind = consensus::EntryKind::membership,
          .payload = Blob(consensus::encode_membership(membership))};
}

TEST(Members, BeginWithTheFoundersAndFollowTheLog) {
  state::Service service;
  Members members(kFounders, {}, service);
  EXPECT_EQ(members.current(), kFounding);
  const Membership four = changed(kFounding, {{kA}, {kB}, {kC}, {kD, false}});
  EXPECT_TRUE(members.apply(at(7, four)));
  EXPECT_EQ(members.current(), four);
  EXPECT_EQ(membership_of(service)->membership, four) << "the state holds it";
  EXPECT_FALSE(members.apply(at(8, four))) << "it cannot follow itself";
  EXPECT_EQ(membership_of(service)->membership, four);
}

TEST(Members, GoOnFromTheState) {
  state::Service service;
  const Membership four = changed(kFounding, {{kA}, {kB}, {kC}, {kD, false}});
  service.set_membership(consensus::encode_membership(four));
  Members members(kFounders, {}, service);
  EXPECT_EQ(members.current(), four);
  service.set_membership({});
  members.restored();
  EXPECT_EQ(members.current(), kFounding) << "a snapshot from before every change";
}

TEST(Members, TheFoundingMayBecomeKnownLater) {
  state::Service service;
  Members members({}, {}, service);
  EXPECT_EQ(members.current().version, 0u);
  members.founded(kFounders);
  EXPECT_EQ(members.current(), kFounding);
  const Membership four = changed(kFounding, {{kA}, {kB}, {kC}, {kD, false}});
  EXPECT_TRUE(members.apply(at(7, four)));
  members.founded(kFounders);
  EXPECT_EQ(members.current(), four) << "it takes nothing back";
}

TEST(Members, WhatCannotBeReadIsNamed) {
  state::Service service;
  service.set_membership("?");
  const auto read = membership_of(service);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().kind, ErrorKind::corrupt);
}

// ---------------------------------------------------------------- a change, step by step

class NoEntropy final : public env::Entropy {
 public:
  Bytes bytes(size_t size) override { return Bytes(size, '\0'); }
  uint64_t u64() override { return 77; }
};

class MemberChangeTest : public testing::Test {
 protected:
  // The membership of the next step.
  std::optional<Membership> next(const Membership& now) {
    auto step = change.next_step({now, addresses}, met);
    if (!step) return std::nullopt;
    addresses = step->addresses;
    return step->membership;
  }
  Result<> want(const Membership& now, std::vector<Member> members, MemberAddresses at = {}) {
    return change.want({now, addresses}, {std::move(members), std::move(at)});
  }
  // The peer says what its disk is called.
  void meet(ReplicaId id, DiskId disk) {
    met.on_up(id);
    met.on_introduction(id, {.call = 1, .heard = met.introduction_to(id, true).call, .disk = disk}, true);
  }

  NoEntropy entropy;
  Founding met{kA, DiskId(1), kFounders, kFounders, true, {}, entropy};
  MemberAddresses addresses;
  MemberChange change;
};

const state::MemberAddress kNear{.peers = {{"near", 1}}},
    kFar{.peers = {{"far", 2}}, .client = state::HostPort{"far", 3}};

TEST_F(MemberChangeTest, NewcomersFirstThenTheirDisksThenTheVotersThenThePlainOne) {
  EXPECT_FALSE(change.under_way(kFounding));
  EXPECT_FALSE(next(kFounding));
  ASSERT_TRUE(want(kFounding, {{kB}, {kC}, {kD}}, {{kD, kFar}}));
  EXPECT_EQ(change.newcomers(kFounding), std::vector{kD});
  const auto with_newcomer = next(kFounding);
  ASSERT_TRUE(with_newcomer);
  EXPECT_EQ(*with_newcomer, changed(kFounding, {{kA}, {kB}, {kC}, {kD, false}}));
  EXPECT_EQ(addresses.at(kD), kFar) << "or nobody could reach it";
  EXPECT_FALSE(next(*with_newcomer)) << "nobody has met it";
  meet(kD, DiskId(44));
  const auto named = next(*with_newcomer);
  ASSERT_TRUE(named);
  EXPECT_EQ(*named, changed(*with_newcomer, {{kA}, {kB}, {kC}, {kD, false, DiskId(44)}}));
  const auto joint = next(*named);
  ASSERT_TRUE(joint);
  EXPECT_EQ(*joint, changed(*named, {{kB}, {kC}, {kD, true, DiskId(44)}}));
  EXPECT_EQ(next(*joint), settled(*joint));
  EXPECT_TRUE(change.under_way(settled(*joint)));
  EXPECT_FALSE(next(settled(*joint))) << "it is done";
  EXPECT_FALSE(change.under_way(settled(*joint)));
  EXPECT_FALSE(addresses.contains(kA));
}

TEST_F(MemberChangeTest, AMemberMovesInOneStep) {
  addresses = {{kA, kNear}, {kB, kNear}, {kC, kNear}};
  ASSERT_TRUE(want(kFounding, kFounders, {{kB, kFar}}));
  EXPECT_EQ(next(kFounding), changed(kFounding, kFounders));
  EXPECT_EQ(addresses, (MemberAddresses{{kA, kNear}, {kB, kFar}, {kC, kNear}}));
  EXPECT_FALSE(next(changed(kFounding, kFounders)));
  EXPECT_FALSE(change.under_way(kFounding));
}

TEST_F(MemberChangeTest, WhatObserversSayIsNotedWithoutBeingWanted) {
  const Membership observed = changed(kFounding, {{kA}, {kB}, {kC}, {kD, false}});
  meet(kD, DiskId(9));
  EXPECT_EQ(next(observed), changed(observed, {{kA}, {kB}, {kC}, {kD, false, DiskId(9)}}));
  meet(kB, DiskId(8));
  EXPECT_FALSE(next(kFounding)) << "the disk of a voter is known before it votes, or never";
}

TEST_F(MemberChangeTest, AJointOneIsEndedWhoeverBeganIt) {
  const Membership joint = changed(kFounding, {{kA}, {kB}});
  EXPECT_TRUE(change.under_way(joint));
  EXPECT_EQ(next(joint), settled(joint));
}

TEST_F(MemberChangeTest, OneAtATimeAndNoneThatCannotBe) {
  EXPECT_EQ(want(kFounding, {{kA, false}}).error().kind, ErrorKind::invalid_argument);
  std::vector<Member> many;
  for (uint8_t id = 1; id <= 62; ++id) many.push_back({ReplicaId(id)});
  EXPECT_EQ(want(kFounding, many).error().kind, ErrorKind::invalid_argument) << "62 and 3";
  ASSERT_TRUE(want(kFounding, {{kA}}));
  EXPECT_EQ(want(kFounding, {{kB}}).error().kind, ErrorKind::already_exists);
  change.forget();
  EXPECT_TRUE(want(kFounding, {{kB}}));
}

// ---------------------------------------------------------------- whole replicas

// Of four replicas three are the founders.
TestCell cell_with_spare(std::function<void(Options&)> adjust = {}) {
  return TestCell(3, 4, [adjust](Options& options) {
    options.consensus.members = options.consensus.self == kD ? std::vector<Member>() : kFounders;
    if (adjust) adjust(options);
  });
}

// Whatever their disks are called.
bool same_members(const Membership& membership, const std::vector<Member>& wanted) {
  return !membership.joint() && std::ranges::equal(membership.members, wanted, [](const Member& a, const Member& b) {
    return a.id == b.id && a.voter == b.voter;
  });
}

bool becomes(TestCell& cell, const std::vector<Member>& wanted) {
  const ReplicaId master = cell.wait_for_master();
  if (!cell.at(master).change_members({.members = wanted, .addresses = {}})) return false;
  return cell.world.run_until(
      [&] {
        return std::ranges::all_of(
            wanted, [&](const Member& member) { return same_members(cell.at(member.id).membership(), wanted); });
      },
      Duration::seconds(10));
}

TEST(Replica, ANewcomerServesAndIsThereAfterARestartOfAll) {
  TestCell cell = cell_with_spare();
  ASSERT_TRUE(cell.write(cell.wait_for_master(), create("/a", "one")));
  EXPECT_EQ(cell.at(kD).status().peers.size(), 0u) << "it knows of no cell";
  const std::vector<Member> four = {{kA}, {kB}, {kC}, {kD}};
  ASSERT_TRUE(becomes(cell, four));
  EXPECT_TRUE(cell.at(kD).state().exists("/a"));
  for (const ReplicaId id : cell.ids) cell.world.host(id).crash();
  for (const ReplicaId id : cell.ids) cell.world.host(id).restart();
  cell.wait_for_master();
  ASSERT_TRUE(cell.converge());
  EXPECT_TRUE(cell.world.run_until(
      [&] {
        return std::ranges::all_of(cell.ids,
                                   [&](ReplicaId id) { return same_members(cell.at(id).membership(), four); });
      },
      Duration::seconds(1)));
}

TEST(Replica, OnlyTheMasterChangesMembers) {
  TestCell cell = cell_with_spare();
  cell.wait_for_master();
  const auto refused = cell.at(kD).change_members({.members = {{kA}}, .addresses = {}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::unavailable);
}

// B28: the newest membership is in a snapshot alone.
TEST(Replica, ASnapshotBringsTheMembership) {
  TestCell cell = cell_with_spare([](Options& options) {
    options.snapshot_entries = 10;
    options.entries_kept_in_memory = 0;
  });
  const ReplicaId master = cell.wait_for_master();
  const ReplicaId away = *std::ranges::find_if(cell.ids, [&](ReplicaId id) { return id != master && id != kD; });
  cell.world.host(away).crash();
  ASSERT_TRUE(cell.at(master).change_members({.members = {{kA}, {kB}, {kC}, {kD, false}}, .addresses = {}}));
  for (int i = 0; i < 40; ++i) ASSERT_TRUE(cell.write(master, create("/n" + std::to_string(i))));
  cell.world.host(away).restart();
  ASSERT_TRUE(cell.world.run_until([&] { return cell.up(away) && cell.at(away).membership().find(kD) != nullptr; },
                                   Duration::seconds(10)));
  EXPECT_GT(cell.at(away).status().snapshot, Index());
}

TEST(Replica, ARestartFromASnapshotVotesByItsMembership) {
  TestCell cell = cell_with_spare([](Options& options) { options.snapshot_entries = 10; });
  ASSERT_TRUE(becomes(cell, {{kA}}));
  ASSERT_TRUE(cell.world.run_until([&] { return cell.at(kA).status().role == Role::leader; }, Duration::seconds(5)));
  for (int i = 0; i < 40; ++i) ASSERT_TRUE(cell.write(kA, create("/n" + std::to_string(i))));
  ASSERT_GT(cell.at(kA).status().snapshot, Index(20));
  for (const ReplicaId id : cell.ids) cell.world.host(id).crash();
  cell.world.host(kA).restart();
  EXPECT_TRUE(cell.world.run_until([&] { return cell.at(kA).status().role == Role::leader; }, Duration::seconds(5)))
      << "of the founders it is one of three";
}

}  // namespace
}  // namespace conclave::replica::members_test
