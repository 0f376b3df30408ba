#include "consensus/api/membership.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "consensus/api/quorum.h"

namespace conclave::consensus {
namespace {

using testing::ElementsAre;

constexpr ReplicaId kA{1}, kB{2}, kC{3}, kD{4}, kE{5};
const Membership kThree{.version = 1, .members = {{kA}, {kB}, {kC}}};

Membership after(const Membership& now, std::vector<Member> members) {
  const Membership next = changed(now, std::move(members));
  EXPECT_EQ(why_not(now, next), "");
  return next;
}

TEST(Membership, AChangeOfObserversTakesOneStep) {
  const Membership four = after(kThree, {{kA}, {kB}, {kC}, {kD, false}});
  EXPECT_FALSE(four.joint());
  EXPECT_EQ(four.version, 2u);
  EXPECT_FALSE(four.is_voter(kD));
  EXPECT_TRUE(four.concerns(kD));
}

TEST(Membership, AChangeOfVotersTakesTwo) {
  const Membership four = after(kThree, {{kA}, {kB}, {kC}, {kD, false}});
  const Membership joint = after(four, {{kB}, {kC}, {kD}});
  EXPECT_THAT(joint.outgoing, ElementsAre(kA, kB, kC));
  EXPECT_TRUE(joint.is_voter(kA) && joint.is_voter(kD)) << "voters of either";
  EXPECT_EQ(why_not(joint, settled(joint)), "");
  EXPECT_FALSE(settled(joint).concerns(kA));
}

TEST(Membership, SaysWhyOneCannotFollow) {
  const Membership four = after(kThree, {{kA}, {kB}, {kC}, {kD, false, DiskId(7)}});
  const Membership joint = after(four, {{kB}, {kC}, {kD, true, DiskId(7)}});
  EXPECT_EQ(why_not(kThree, kThree), "its version is not the next one");
  EXPECT_EQ(why_not(kThree, changed(kThree, {{kA, false}})), "nobody would vote");
  EXPECT_EQ(why_not(kThree, changed(kThree, {{kA}, {kB}, {kD}})), "a voter to be must be an observer first");
  EXPECT_EQ(why_not(kThree, {.version = 2, .members = {{kA}, {kB}}}), "it does not leave the voters that are");
  EXPECT_EQ(why_not(four, {.version = 3, .members = four.members, .outgoing = {kA}}),
            "it does not leave the voters that are");
  EXPECT_EQ(why_not(four, changed(four, {{kA}, {kB}, {kC}, {kD, false, DiskId(8)}})),
            "the disk of a member does not change");
  Membership other = settled(joint);
  other.members.pop_back();
  EXPECT_EQ(why_not(joint, other), "a change of voters is under way");
  EXPECT_EQ(why_not({}, four), "") << "a newcomer takes what its log has";
}

TEST(Membership, ADiskThatWasNotKnownIsFilledIn) {
  const Membership four = after(kThree, {{kA}, {kB}, {kC}, {kD, false}});
  EXPECT_EQ(why_not(four, changed(four, {{kA}, {kB}, {kC}, {kD, true, DiskId(8)}})), "");
}

TEST(Membership, IsReadAsItWasWritten) {
  const Membership joint{
      .version = 300, .members = {{kA, true, DiskId(UINT64_MAX)}, {kD, false}}, .outgoing = {kA, kB, kC}};
  const Bytes payload = encode_membership(joint, "more");
  const auto read = decode_membership(payload);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->membership, joint);
  EXPECT_EQ(read->extra, "more");
  EXPECT_EQ(to_string(joint), "version 300: 1, observers 4, leaving 1 2 3");
}

TEST(Membership, RefusesWhatCannotBeOne) {
  const auto refused = [](Membership membership) {
    const auto read = decode_membership(encode_membership(membership));
    return read ? std::string("no") : read.error().message;
  };
  EXPECT_EQ(refused({.version = 0, .members = {{kA}}}), "membership: cannot exist");
  EXPECT_EQ(refused({.version = 2, .members = {{kA, false}}}), "membership: cannot exist");
  EXPECT_EQ(refused({.version = 2, .members = {{kB}, {kA}}}), "membership: members out of order");
  EXPECT_EQ(refused({.version = 2, .members = {{kA}, {kA}}}), "membership: members out of order");
  EXPECT_EQ(refused({.version = 2, .members = {{kA}}, .outgoing = {ReplicaId()}}), "membership: members out of order");
  Membership many{.version = 2};
  for (uint8_t id = 1; id <= 65; ++id) many.members.push_back({ReplicaId(id)});
  EXPECT_EQ(refused(many), "membership: cannot exist");
  const Bytes whole = encode_membership(kThree);
  for (size_t n = 0; n < whole.size(); ++n) EXPECT_FALSE(decode_membership(BytesView(whole).substr(0, n))) << n;
}

TEST(Quorum, WhileVotersChangeNeedsAMajorityOfEachConfiguration) {
  const Quorum quorum(Membership{.version = 2, .members = {{kC}, {kD}, {kE}}, .outgoing = {kA, kB, kC}});
  EXPECT_THAT(quorum.voters(), ElementsAre(kA, kB, kC, kD, kE));
  const auto reached = [&](std::initializer_list<ReplicaId> ids) {
    ReplicaSet set;
    for (const ReplicaId id : ids) set.set(id.value);
    return quorum.reached(set);
  };
  EXPECT_TRUE(reached({kA, kC, kD}));
  EXPECT_TRUE(reached({kA, kB, kD, kE}));
  EXPECT_FALSE(reached({kA, kB, kC})) << "only one of those to be";
  EXPECT_FALSE(reached({kC, kD, kE})) << "only one of those that leave";
  EXPECT_FALSE(reached({}));
}

TEST(Quorum, WhatItReachedIsTheLowerOfBothMedians) {
  const Quorum quorum(Membership{.version = 2, .members = {{kC}, {kD}, {kE}}, .outgoing = {kA, kB, kC}});
  const std::array<int, 6> values{0, 9, 8, 1, 5, 7};  // by id
  EXPECT_EQ(quorum.reached_by([&](ReplicaId id) { return values[id.value]; }), 5);
  const Quorum two(std::vector<Member>{{kA}, {kB}});
  EXPECT_EQ(two.reached_by([&](ReplicaId id) { return values[id.value]; }), 8);
}

TEST(Quorum, NobodyIsNoQuorum) {
  ReplicaSet all;
  all.set();
  EXPECT_FALSE(Quorum().reached(all));
}

}  // namespace
}  // namespace conclave::consensus
