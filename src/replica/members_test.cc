// Who takes part in the cell: what was applied, and how a master brings the cell to other members (RF-11, ADR 15).
#include "replica/members.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "replica/member_change.h"
#include "replica/testing_cell.h"

namespace conclave::replica::members_test {
namespace {

using consensus::changed;
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
  Members members(kFounders, service);
  EXPECT_EQ(members.current(), kFounding);
  const Membership four = changed(kFounding, {{kA}, {kB}, {kC}, {kD, false}});
  EXPECT_TRUE(members.apply(at(7, four)));
  EXPECT_EQ(members.current(), four);
  EXPECT_EQ(*membership_of(service), four) << "the state holds it";
  EXPECT_FALSE(members.apply(at(8, four))) << "it cannot follow itself";
  EXPECT_EQ(*membership_of(service), four);
}

TEST(Members, GoOnFromTheState) {
  state::Service service;
  const Membership four = changed(kFounding, {{kA}, {kB}, {kC}, {kD, false}});
  service.set_membership(consensus::encode_membership(four));
  Members members(kFounders, service);
  EXPECT_EQ(members.current(), four);
  service.set_membership({});
  members.restored();
  EXPECT_EQ(members.current(), kFounding) << "a snapshot from before every change";
}

TEST(Members, TheFoundingMayBecomeKnownLater) {
  state::Service service;
  Members members({}, service);
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

TEST(MemberChange, NewcomersFirstThenTheVotersThenThePlainOne) {
  MemberChange change;
  EXPECT_FALSE(change.under_way(kFounding));
  EXPECT_FALSE(change.next_step(kFounding));
  ASSERT_TRUE(change.want(kFounding, {{kB}, {kC}, {kD}}));
  const auto with_newcomer = change.next_step(kFounding);
  ASSERT_TRUE(with_newcomer);
  EXPECT_EQ(*with_newcomer, changed(kFounding, {{kA}, {kB}, {kC}, {kD, false}}));
  const auto joint = change.next_step(*with_newcomer);
  ASSERT_TRUE(joint);
  EXPECT_EQ(*joint, changed(*with_newcomer, {{kB}, {kC}, {kD}}));
  EXPECT_EQ(change.next_step(*joint), settled(*joint));
  EXPECT_TRUE(change.under_way(settled(*joint)));
  EXPECT_FALSE(change.next_step(settled(*joint))) << "it is done";
  EXPECT_FALSE(change.under_way(settled(*joint)));
}

TEST(MemberChange, AJointOneIsEndedWhoeverBeganIt) {
  MemberChange change;
  const Membership joint = changed(kFounding, {{kA}, {kB}});
  EXPECT_TRUE(change.under_way(joint));
  EXPECT_EQ(change.next_step(joint), settled(joint));
}

TEST(MemberChange, OneAtATimeAndNoneThatCannotBe) {
  MemberChange change;
  EXPECT_EQ(change.want(kFounding, {{kA, false}}).error().kind, ErrorKind::invalid_argument);
  std::vector<Member> many;
  for (uint8_t id = 1; id <= 62; ++id) many.push_back({ReplicaId(id)});
  EXPECT_EQ(change.want(kFounding, many).error().kind, ErrorKind::invalid_argument) << "62 and 3";
  ASSERT_TRUE(change.want(kFounding, {{kA}}));
  EXPECT_EQ(change.want(kFounding, {{kB}}).error().kind, ErrorKind::already_exists);
  change.forget();
  EXPECT_TRUE(change.want(kFounding, {{kB}}));
}

// ---------------------------------------------------------------- whole replicas

// Of four replicas three are the founders.
TestCell cell_with_spare(std::function<void(Options&)> adjust = {}) {
  return TestCell(3, 4, [adjust](Options& options) {
    options.consensus.members = options.consensus.self == kD ? std::vector<Member>() : kFounders;
    if (adjust) adjust(options);
  });
}

bool becomes(TestCell& cell, const std::vector<Member>& wanted) {
  const ReplicaId master = cell.wait_for_master();
  if (!cell.at(master).change_members(wanted)) return false;
  return cell.world.run_until(
      [&] {
        return std::ranges::all_of(wanted, [&](const Member& member) {
          return cell.at(member.id).membership().members == wanted && !cell.at(member.id).membership().joint();
        });
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
  for (const ReplicaId id : cell.ids) EXPECT_EQ(cell.at(id).membership().members, four);
}

TEST(Replica, OnlyTheMasterChangesMembers) {
  TestCell cell = cell_with_spare();
  cell.wait_for_master();
  const auto refused = cell.at(kD).change_members({{kA}});
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
  ASSERT_TRUE(cell.at(master).change_members({{kA}, {kB}, {kC}, {kD, false}}));
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
