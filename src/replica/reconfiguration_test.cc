// A client changes the members of a whole cell: what it is answered, and when.
#include "replica/reconfiguration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "replica/testing_cell.h"
#include "storage/identity.h"

namespace conclave::replica::reconfiguration_test {
namespace {

using consensus::Member;
using state::Code;
using state::ReconfigRequest;
using testing::HasSubstr;

constexpr ReplicaId kA{1}, kB{2}, kC{3}, kD{4};

state::MemberAddress at(const std::string& host) {
  return {.peers = {{host, 1}}, .election_port = 1, .client = state::HostPort{host, 2}};
}

// Of four replicas three are the founders. The node of the configuration names the members.
TestCell cell_with_spare(std::function<void(Options&)> adjust = {}) {
  return TestCell(5, 4, [adjust](Options& options) {
    options.consensus.members.clear();
    if (options.consensus.self != kD) options.consensus.members = {{kA}, {kB}, {kC}};
    options.member_config = [](const CellMembers& members) { return to_string(members.membership); };
    if (adjust) adjust(options);
  });
}

state::Request reconfig(ReconfigRequest body) {
  return {.session = {}, .identities = state::super_identities(), .body = std::move(body)};
}
ReconfigRequest joins(ReplicaId id, bool voter = true) {
  return {.joining = {{.id = id, .voter = voter, .address = at("d")}}};
}
ReconfigRequest leaves(std::vector<ReplicaId> ids) {
  return {.leaving = std::move(ids)};
}
Code code(const std::optional<Reply>& reply) {
  return reply ? reply->outcome.code : Code::request_timeout;
}
// Does the disk remember that the members have named it?
bool remembers_its_name(TestCell& cell, ReplicaId id) {
  const auto& journal = cell.world.host(id).disk().root()->entries.at(storage::kJournalDirectory);
  const auto& content = journal->entries.at("identity")->content;
  return storage::decode_identity(content.read(0, content.size()))->listed;
}
std::string shown(TestCell& cell, ReplicaId id) {
  return std::string(cell.at(id).state().get("/zookeeper/config", state::super_identities())->data);
}

TEST(Reconfiguration, IsAnsweredWhenTheCellHasTheMembersAndShowsThem) {
  TestCell cell = cell_with_spare();
  const ReplicaId asked = cell.follower();
  const auto reply = cell.write(asked, reconfig(joins(kD)));
  ASSERT_EQ(code(reply), Code::ok);
  EXPECT_EQ(cell.at(cell.wait_for_master()).membership().voters(), (std::vector{kA, kB, kC, kD}));
  EXPECT_THAT(shown(cell, asked), HasSubstr(": 1 2 3 4"));
  EXPECT_EQ(cell.at(asked).state().stat("/zookeeper/config", state::super_identities())->mzxid, reply->zxid);
  ASSERT_TRUE(cell.world.run_until([&] { return cell.at(kD).serving() && shown(cell, kD) == shown(cell, asked); },
                                   Duration::seconds(5)));
  const Status status = cell.at(kD).status();
  ASSERT_EQ(status.peers.size(), 4u);
  EXPECT_EQ(status.peers[3].peer_address, (env::Address{"d", 1}));
  EXPECT_EQ(status.member_change, "none");
  // The same again is true already.
  EXPECT_EQ(code(cell.write(asked, reconfig(joins(kD)))), Code::ok);
}

TEST(Reconfiguration, TheWholeListLeavesOutWhoIsNotInIt) {
  TestCell cell = cell_with_spare();
  const ReplicaId master = cell.wait_for_master();
  ReconfigRequest whole{.whole = true};
  for (const ReplicaId id : {master, kD}) whole.joining.push_back({.id = id, .voter = true, .address = at("x")});
  ASSERT_EQ(code(cell.write(master, reconfig(whole))), Code::ok);
  EXPECT_EQ(cell.at(master).membership().voters(), (std::vector{master, kD}));
}

TEST(Reconfiguration, WhatCannotBeIsRefusedAndNothingChanges) {
  TestCell cell = cell_with_spare();
  const ReplicaId asked = cell.follower();
  EXPECT_EQ(code(cell.write(asked, reconfig(leaves({kA, kB, kC})))), Code::bad_arguments);
  EXPECT_EQ(code(cell.write(asked, reconfig(joins(ReplicaId())))), Code::bad_arguments);
  ReconfigRequest other = joins(kD);
  other.version = 7;
  EXPECT_EQ(code(cell.write(asked, reconfig(other))), Code::bad_version);
  state::Request nobody = reconfig(joins(kD));
  nobody.identities.clear();
  EXPECT_EQ(code(cell.write(asked, nobody)), Code::no_auth);
  EXPECT_EQ(cell.at(asked).membership().version, 1u);
  other.version = 0;  // that of the founding members
  EXPECT_EQ(code(cell.write(asked, reconfig(other))), Code::ok);
  EXPECT_EQ(code(cell.write(asked, reconfig(other))), Code::ok)
      << "it comes again from a master before: it is so already";
}

TEST(Reconfiguration, OneAtATimeAndOthersAreServedMeanwhile) {
  TestCell cell = cell_with_spare();
  const ReplicaId asked = cell.follower(), master = cell.wait_for_master();
  cell.world.host(kD).crash();
  std::optional<Reply> reply;
  cell.at(asked).submit(reconfig(joins(kD)), [&](const Reply& r) { reply = r; });
  cell.world.run_until([] { return false; }, Duration::seconds(1));
  EXPECT_FALSE(reply) << "the newcomer is not there";
  EXPECT_THAT(cell.at(master).status().member_change, HasSubstr("adding 4: not met yet"));
  EXPECT_EQ(code(cell.write(master, reconfig(leaves({kA})))), Code::reconfig_in_progress);
  EXPECT_TRUE(cell.write(master, create("/n")));
  cell.world.host(kD).restart();
  ASSERT_TRUE(cell.world.run_until([&] { return reply.has_value(); }, Duration::seconds(5)));
  EXPECT_EQ(reply->outcome.code, Code::ok);
}

TEST(Reconfiguration, IsGivenUpWhenNewcomersMakeNoProgress) {
  TestCell cell = cell_with_spare([](Options& options) { options.newcomer_patience = Duration::seconds(3); });
  const ReplicaId master = cell.wait_for_master();
  cell.world.host(kD).crash();
  EXPECT_EQ(code(cell.write(master, reconfig(joins(kD)))), Code::new_config_no_quorum);
  EXPECT_THAT(cell.at(master).status().member_change, HasSubstr("failed: adding 4: not met yet"));
  const Member* newcomer = cell.at(master).membership().find(kD);
  ASSERT_NE(newcomer, nullptr);
  EXPECT_FALSE(newcomer->voter) << "it stays an observer";
  EXPECT_EQ(code(cell.write(master, reconfig(leaves({kD})))), Code::ok);
  EXPECT_EQ(cell.at(master).status().member_change, "none");
}

TEST(Reconfiguration, GoesOnUnderTheNextMaster) {
  TestCell cell = cell_with_spare();
  const ReplicaId master = cell.wait_for_master(), asked = cell.follower();
  cell.world.host(kD).crash();
  std::optional<Reply> reply;
  cell.at(asked).submit(reconfig(joins(kD)), [&](const Reply& r) { reply = r; });
  ASSERT_TRUE(
      cell.world.run_until([&] { return cell.at(asked).membership().find(kD) != nullptr; }, Duration::seconds(5)));
  cell.world.host(master).crash();
  cell.world.host(kD).restart();
  ASSERT_TRUE(cell.world.run_until([&] { return reply.has_value(); }, Duration::seconds(10)));
  EXPECT_EQ(reply->outcome.code, Code::ok) << "the request goes to the next master by itself";
  EXPECT_TRUE(cell.at(asked).membership().is_voter(kD));
}

TEST(Reconfiguration, WhoIsRemovedStopsServingAndHandsOver) {
  TestCell cell = cell_with_spare();
  const ReplicaId master = cell.wait_for_master(), other = cell.follower();
  cell.at(other).submit(reconfig(leaves({master})), [](const Reply&) {});
  ASSERT_TRUE(
      cell.world.run_until([&] { return !cell.at(master).membership().concerns(master); }, Duration::seconds(5)));
  EXPECT_FALSE(cell.at(master).serving()) << "at once: its clients go to others";
  EXPECT_THAT(cell.at(master).status().waits_for, HasSubstr("not a member of the cell"));
  const auto led_by_another = [&] {
    return std::ranges::any_of(std::vector{kA, kB, kC},
                               [&](ReplicaId id) { return id != master && cell.at(id).status().role == Role::leader; });
  };
  EXPECT_TRUE(cell.world.run_until(led_by_another, Duration::millis(100))) << "sooner than an election timeout";
  EXPECT_TRUE(cell.write(other, create("/n")));
}

// B38: a disk is lost, the replica keeps its number.
TEST(Reconfiguration, ALostDiskIsRemovedAndAddedAgain) {
  TestCell cell = cell_with_spare();
  const ReplicaId master = cell.wait_for_master(), lost = cell.follower();
  ASSERT_TRUE(cell.write(master, create("/n", "kept")));
  cell.world.host(lost).crash();
  cell.world.host(lost).disk().wipe();
  cell.world.host(lost).restart();
  cell.world.run_until([] { return false; }, Duration::seconds(2));
  EXPECT_THAT(cell.at(lost).status().waits_for, HasSubstr("lost its disk"));
  EXPECT_TRUE(cell.at(lost).serving()) << "it learns and is read from, as an observer";
  ASSERT_EQ(code(cell.write(master, reconfig(joins(kD, false)))), Code::ok);
  ASSERT_TRUE(
      cell.world.run_until([&] { return cell.at(lost).membership().find(kD) != nullptr; }, Duration::seconds(5)));
  EXPECT_THAT(cell.at(lost).status().waits_for, HasSubstr("lost its disk")) << "also when it knows the members";
  ASSERT_EQ(code(cell.write(master, reconfig(leaves({lost})))), Code::ok);
  EXPECT_FALSE(remembers_its_name(cell, lost));
  ASSERT_EQ(code(cell.write(master, reconfig(joins(lost)))), Code::ok);
  EXPECT_TRUE(cell.world.run_until([&] { return remembers_its_name(cell, lost); }, Duration::seconds(5)));
  EXPECT_TRUE(cell.world.run_until([&] { return cell.at(lost).serving() && cell.at(lost).state().exists("/n"); },
                                   Duration::seconds(5)));
  EXPECT_TRUE(cell.at(master).membership().is_voter(lost));
}

// B38: only one replica of three remembers; those that start empty do not outvote it.
TEST(Reconfiguration, TwoLostDisksDoNotMakeANewCell) {
  TestCell cell = cell_with_spare();
  const ReplicaId master = cell.wait_for_master();
  ASSERT_TRUE(cell.write(master, create("/n", "kept")));
  for (const ReplicaId id : {kA, kB, kC}) {
    cell.world.host(id).crash();
    if (id == master) continue;
    cell.world.host(id).disk().wipe();
    cell.world.host(id).restart();
  }
  EXPECT_FALSE(cell.world.run_until([&] { return cell.master().has_value(); }, Duration::seconds(5)));
  cell.world.host(master).restart();
  EXPECT_FALSE(cell.world.run_until([&] { return cell.master().has_value(); }, Duration::seconds(5)))
      << "no majority is left; whoever knows that decides what to do, not chance";
}

}  // namespace
}  // namespace conclave::replica::reconfiguration_test
