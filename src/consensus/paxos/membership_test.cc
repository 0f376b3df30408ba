// Membership of a cell that Multi-Paxos drives: a membership counts from the slot behind its own on, once it is chosen
// ("Paxos Made Simple", section 3: the set of servers is part of the state; alpha is the distance to where it counts).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "consensus/paxos/testing_one.h"
#include "consensus/testing/membership_entries.h"

namespace conclave::paxos::membership_test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr ReplicaId kD{4};
const Ballot kA1{257, kA};

const Membership kFounders{.version = 1, .members = {{kA}, {kB}, {kC}}};
const Membership kWithD = changed(kFounders, {{kA}, {kB}, {kC}, {kD, false}});
const Membership kJoint = changed(kWithD, {{kA}, {kB}, {kD}});  // C leaves, D comes
const Membership kNew = settled(kJoint);
const Membership kWithoutA = changed(kWithD, {{kB}, {kC}, {kD}});

Promise nothing_from(Index from) {
  return {.ballot = kA1, .committed = from.prev(), .covers_from = from, .covers_to = kEnd, .entries = {}};
}
// A after a restart: all of `entries` are known to be chosen but for the last `open` ones.
Recovered knowing(std::vector<Entry> entries, uint64_t open = 0) {
  const Index committed(entries.size() - open);
  return {.hard_state = {.promised = {1, kA}, .committed = committed}, .entries = std::move(entries)};
}
std::vector<Entry> log_of(const std::vector<Membership>& memberships) {
  std::vector<Entry> out;
  for (const Membership& membership : memberships) out.push_back(at(out.size() + 1, {1, kA}, membership));
  return out;
}
template <class M>
std::vector<ReplicaId> receivers(const std::vector<Envelope>& envelopes) {
  std::vector<ReplicaId> out;
  for (const auto& [to, message] : consensus::harness::sent_of<M, &decode>(envelopes)) out.push_back(to);
  std::ranges::sort(out);
  return out;
}

// A with the lead of ballot 257, promised by `promising`, in a cell whose chosen slots hold `memberships`.
struct Lead : One {
  explicit Lead(const std::vector<Membership>& memberships, std::initializer_list<ReplicaId> promising = {kB, kC})
      : One(knowing(log_of(memberships))) {
    campaign(promising);
    const Index from(memberships.size() + 1);
    for (const ReplicaId id : promising) {
      const Output output = get(id, nothing_from(from));
      if (output.role) role = *output.role;
    }
  }
  explicit Lead(Recovered recovered) : One(std::move(recovered)) {}
  void campaign(std::initializer_list<ReplicaId> granting) {
    step(Tick{});
    wait(500);
    step(Tick{});
    for (const ReplicaId id : granting) get(id, PreVoteReply{.attempt = 1, .granted = true});
    durable();
  }
  Output accepted(ReplicaId by, uint64_t first, uint64_t last) {
    return get(by, Accepted{kA1, Index(first), Index(last), Index(0), {now, 0}});
  }
  // Holds all up to `index`, on its disk, and knows that it is chosen.
  Output alive(ReplicaId peer, uint64_t index) {
    return get(peer, HeartbeatAck{.ballot = kA1,
                                  .stamp = {now, 0},
                                  .committed = Index(index),
                                  .received = Index(index),
                                  .durable = Index(index),
                                  .noted = Index(index)});
  }
  Output wait_and_tick(int64_t ms) {
    wait(ms);
    return step(Tick{});
  }
  bool takes(const Membership& next) { return step(change(next)).refused.empty(); }
  bool takes_a_write() { return step(Propose{.payloads = {Blob("x")}}).refused.empty(); }

  RoleChange role;
};

TEST(Membership, CountsOnlyWhenItIsChosen) {
  Lead a({kWithD});
  ASSERT_EQ(a.role.role, Role::master);
  a.step(Tick{});
  ASSERT_FALSE(a.takes(kJoint)) << "D has not promised";
  a.get(kD, nothing_from(Index(2)));
  a.alive(kD, 1);
  ASSERT_TRUE(a.takes(kJoint));
  EXPECT_FALSE(a.takes_a_write()) << "nothing is proposed behind it before";
  a.durable();
  EXPECT_EQ(a.status().membership_version, kWithD.version);
  EXPECT_THAT(a.accepted(kC, 2, 2).committed, SizeIs(1)) << "a majority of the old one chooses it";
  EXPECT_EQ(a.status().membership_version, kJoint.version);
  EXPECT_TRUE(a.takes_a_write());
}

TEST(Membership, WhileItIsJointASlotNeedsAMajorityOfEach) {
  Lead a({kWithD, kJoint}, {kB});
  ASSERT_EQ(a.role.role, Role::master) << "B is of both";
  ASSERT_TRUE(a.takes_a_write());
  a.durable();
  EXPECT_THAT(a.accepted(kC, 3, 3).committed, IsEmpty()) << "A and C: of A, B, D it is one";
  EXPECT_THAT(a.accepted(kD, 3, 3).committed, SizeIs(1));
}

TEST(Membership, WhileItIsJointALeaseNeedsAMajorityOfEach) {
  Lead a({kWithD});
  a.takes(kJoint);
  a.get(kD, nothing_from(Index(2)));
  a.alive(kD, 1);
  ASSERT_TRUE(a.takes(kJoint));
  a.durable();
  a.accepted(kB, 2, 2);
  a.wait(199);
  a.alive(kC, 2);
  EXPECT_THAT(a.step(ReadBarrier{.token = 1}).reads, IsEmpty()) << "A and C: of A, B, D it is one";
  a.alive(kD, 2);
  EXPECT_THAT(a.step(ReadBarrier{.token = 2}).reads, SizeIs(1));
  a.wait(400);
  a.alive(kC, 2);
  EXPECT_EQ(a.step(Tick{}).role->role, Role::follower) << "nor does C alone keep the lead up";
}

TEST(Membership, WhileItIsJointACampaignNeedsAMajorityOfEach) {
  Lead a(knowing(log_of({kWithD, kJoint})));
  a.campaign({kC});
  EXPECT_THAT(a.get(kC, nothing_from(Index(3))).role.has_value(), false) << "not even a pre-vote is granted";
  EXPECT_EQ(Lead({kWithD, kJoint}, {kC}).role.role, Role::follower);
  EXPECT_EQ(Lead({kWithD, kJoint}, {kD}).role.role, Role::follower);
  EXPECT_EQ(Lead({kWithD, kJoint}, {kC, kD}).role.role, Role::master);
}

// What the promises tell of is proposed again up to the membership only: behind it other promises are needed.
TEST(Membership, ANewMasterStopsAtOneThatItFindsUntilThatIsChosenAndPromised) {
  Lead a(knowing(log_of({kWithD}), 0));
  a.campaign({kC});
  Promise told = nothing_from(Index(2));
  told.entries = {at(2, kC1, kJoint), entry(3, kC1, "behind")};
  Output output = a.get(kC, told);
  EXPECT_EQ(output.role->role, Role::synchronising);
  ASSERT_THAT(output.persist.entries, SizeIs(1));
  EXPECT_EQ(output.persist.entries[0].index, Index(2));
  a.durable();
  output = a.accepted(kC, 2, 2);
  EXPECT_THAT(output.committed, SizeIs(1));
  EXPECT_THAT(receivers<Prepare>(output.send), ElementsAre(kB, kD)) << "of A, B, D only A has promised";
  EXPECT_THAT(output.persist.entries, IsEmpty());
  output = a.get(kD, nothing_from(Index(2)));
  ASSERT_THAT(output.persist.entries, SizeIs(1));
  EXPECT_EQ(output.persist.entries[0].payload.view(), "behind");
  a.durable();
  a.accepted(kC, 3, 3);
  EXPECT_EQ(a.accepted(kD, 3, 3).role->role, Role::master);
}
// Its voters may have gone on without the master, and tell nothing of what they know to be chosen.
TEST(Membership, ANewMasterLearnsWhatTheVotersOfOneThatItFindsKnow) {
  Lead a(knowing(log_of({kWithD}), 0));
  a.campaign({kC});
  Promise told = nothing_from(Index(2));
  told.entries = {at(2, kC1, kJoint)};
  a.get(kC, told);
  a.durable();
  a.accepted(kC, 2, 2);
  Promise ahead = nothing_from(Index(4));
  ahead.entries = {entry(4, kC1, "four")};
  Output output = a.get(kD, ahead);
  EXPECT_THAT(output.persist.entries, IsEmpty()) << "slot 3 was chosen";
  EXPECT_THAT(receivers<Learn>(output.send), ElementsAre(kD));
  EXPECT_EQ(a.status().role, Role::synchronising);
  EXPECT_THAT(receivers<Learn>(a.wait_and_tick(60).send), ElementsAre(kD)) << "and once more";
  output = a.get(kD, Learned{Index(3), {entry(3, kC1, "three")}});
  ASSERT_THAT(output.committed, SizeIs(1));
  EXPECT_EQ(output.persist.entries.back().payload.view(), "four");
}
TEST(Membership, APromiseOfItsVotersIsAskedForAgainIfItIsLost) {
  Lead a(knowing(log_of({kWithD}), 0));
  a.campaign({kC});
  Promise told = nothing_from(Index(2));
  told.entries = {at(2, kC1, kJoint)};
  a.get(kC, told);
  a.durable();
  a.accepted(kC, 2, 2);
  a.wait(30);
  EXPECT_THAT(receivers<Prepare>(a.step(Tick{}).send), ElementsAre(kB, kD));
}

// It may be one of another master, dug up late: what it was to follow was lost.
TEST(Membership, OneThatCannotFollowIsPassedOver) {
  const Membership other = changed(kFounders, {{kA}, {kB}, {kC}, {ReplicaId(9), false}});
  std::vector<Entry> log = log_of({kWithD});
  log.push_back(at(2, kC1, other));
  Lead a(knowing(std::move(log)));
  a.step(Tick{});
  EXPECT_EQ(a.status().committed, Index(2));
  EXPECT_EQ(a.status().membership_version, kWithD.version);
  EXPECT_THAT(receivers<Heartbeat>(Lead({kWithD}).step(Tick{}).send), IsEmpty());
}

TEST(Membership, AVoterToBeHasCaughtUpAndIsAlive) {
  Lead a({kWithD});
  a.get(kD, nothing_from(Index(2)));
  EXPECT_FALSE(a.takes(kJoint)) << "it does not know that it is a member";
  a.takes(kJoint);
  a.get(kD, nothing_from(Index(2)));
  EXPECT_FALSE(a.takes(kJoint)) << "nothing was heard of what it holds";
  a.alive(kD, 1);
  a.wait(400);
  EXPECT_FALSE(a.takes(kJoint)) << "it was not heard of for long";
  a.get(kD,
        HeartbeatAck{.ballot = kA1, .stamp = {a.now, 0}, .received = Index(1), .durable = Index(1), .abstains = true});
  EXPECT_FALSE(a.takes(kJoint)) << "it lost its disk";
  a.alive(kD, 1);
  EXPECT_TRUE(a.takes(kJoint));
}

// Or the cell would wait for its promise when the joint membership is chosen.
TEST(Membership, AVoterToBeHasPromised) {
  Lead a({kWithD});
  a.alive(kD, 1);
  const Output output = a.step(change(kJoint));
  EXPECT_THAT(output.refused, SizeIs(1));
  EXPECT_THAT(receivers<Prepare>(output.send), ElementsAre(kD)) << "it is asked";
  a.get(kD, nothing_from(Index(2)));
  EXPECT_TRUE(a.takes(kJoint));
}

// Slot 2 was chosen by A, C and another; of those that stay only A is known to have it: were its disk lost then, it
// would be gone.
TEST(Membership, NobodyIsLetGoBeforeThoseThatStayHoldAll) {
  Lead a(knowing(log_of({kWithD, kJoint})));
  a.campaign({kC, kD});
  a.get(kC, nothing_from(Index(3)));
  ASSERT_EQ(a.get(kD, nothing_from(Index(2))).role->role, Role::master);
  EXPECT_FALSE(a.takes(kNew)) << "D and B are not known to hold slot 2";
  a.alive(kD, 1);
  EXPECT_FALSE(a.takes(kNew));
  a.alive(kD, 2);
  EXPECT_TRUE(a.takes(kNew));
}

// Those that left took part in choosing it: who restarts and does not know that it is chosen would need them again.
TEST(Membership, IsFirmWhenTheDisksOfAQuorumKnowThatItCounts) {
  Lead a({kWithD, kJoint}, {kC, kD});
  a.alive(kB, 2);
  a.alive(kD, 2);
  ASSERT_TRUE(a.takes(kNew));
  a.durable();
  a.accepted(kC, 3, 3);
  EXPECT_FALSE(a.accepted(kD, 3, 3).committed.empty());
  EXPECT_FALSE(a.status().membership_firm) << "not even on our own disk";
  a.durable();
  EXPECT_FALSE(a.status().membership_firm);
  a.alive(kB, 3);
  EXPECT_TRUE(a.status().membership_firm);
}
TEST(Membership, IsWrittenDownAsChosenAtOnce) {
  One a(knowing(log_of({kWithD})));
  a.step(Tick{});
  a.get(kB, Accept{kB1, Index(1), {}, {at(2, kB1, kJoint)}});
  const Output output = a.get(kB, Heartbeat{kB1, Index(2), {}});
  ASSERT_TRUE(output.persist.hard_state);
  EXPECT_EQ(output.persist.hard_state->committed, Index(2));
}

TEST(Membership, AMasterThatLeavesHandsOverWhenThatIsChosen) {
  Lead a({kWithD, kWithoutA}, {kB, kC, kD});
  ASSERT_EQ(a.role.role, Role::master);
  for (const ReplicaId id : {kB, kC, kD}) a.alive(id, 2);
  ASSERT_TRUE(a.takes(settled(kWithoutA)));
  a.durable();
  a.accepted(kB, 3, 3);
  const Output output = a.accepted(kD, 3, 3);
  EXPECT_THAT(output.committed, SizeIs(1));
  EXPECT_EQ(output.role->role, Role::observer);
  EXPECT_THAT(receivers<TransferNow>(output.send), SizeIs(1));
  a.wait(1000);
  EXPECT_THAT(receivers<PreVote>(a.step(Tick{}).send), IsEmpty());
}
// Others may not know yet that it left, and need its promise.
TEST(Membership, WhoLeftStillPromises) {
  One a(knowing(log_of({kWithD, kWithoutA, settled(kWithoutA)})));
  a.step(Tick{});
  a.wait(200);
  EXPECT_THAT(sent<Promise>(a.get(kC, Prepare{kC1, Index(2), {}}).send_when_durable), SizeIs(1));
}

TEST(Membership, ASnapshotBringsIt) {  // B28
  One a(knowing(log_of({kWithD})));
  a.step(SnapshotInstalled{.index = Index(7), .ballot = kB1, .membership = kNew});
  EXPECT_EQ(a.status().membership_version, kNew.version);
  a.step(SnapshotInstalled{.index = Index(6), .ballot = kB1, .membership = kJoint});
  EXPECT_EQ(a.status().membership_version, kNew.version) << "an older one takes nothing back";
  One b({.hard_state = {.promised = kB1, .committed = Index(7)}, .snapshot_index = Index(7), .membership = kJoint});
  EXPECT_EQ(b.status().membership_version, kJoint.version) << "a joint one is restored";
}

// Who counts acceptances itself counts those of the voters that the snapshot names (members, seed 1168).
TEST(Membership, ASnapshotChangesWhoseAcceptancesAreCounted) {
  One a({.hard_state = {.promised = kB1}}, {.learning = Learning::everyone});
  a.get(kB, Accept{kB1, Index(0), {}, {entry(8, kB1, "x")}});
  a.durable();
  a.get(kB, Accepted{kB1, Index(8), Index(8), Index(0), {}});
  const Membership other{.version = 4, .members = {{kA, false}, {kB}, {kD}, {ReplicaId(5)}}};
  EXPECT_THAT(a.step(SnapshotInstalled{.index = Index(7), .ballot = kB1, .membership = other}).committed, IsEmpty())
      << "of B, D and E only B has accepted slot 8";
  EXPECT_THAT(a.get(kB, Accepted{kB1, Index(8), Index(8), Index(0), {}}).committed, IsEmpty());
  EXPECT_THAT(a.get(kD, Accepted{kB1, Index(8), Index(8), Index(0), {}}).committed, SizeIs(1));
}

TEST(Membership, SoDoesOneThatIsChosen) {
  const Membership before{.version = 2, .members = {{kA, false}, {kB}, {kC}, {kD}}};
  One a({.hard_state = {.promised = kB1}, .membership = before}, {.learning = Learning::everyone});
  const Membership joint = changed(before, {{kA}, {kB}, {kC}});
  a.get(kB, Accept{kB1, Index(0), {}, {at(1, kB1, joint), entry(2, kB1, "x")}});
  a.durable();
  const auto accepted = [&](ReplicaId by, uint64_t slot) {
    return a.get(by, Accepted{kB1, Index(slot), Index(slot), Index(0), {}}).committed;
  };
  EXPECT_THAT(accepted(kC, 2), IsEmpty());
  EXPECT_THAT(accepted(kD, 2), IsEmpty());
  EXPECT_THAT(accepted(kC, 1), IsEmpty());
  EXPECT_THAT(accepted(kD, 1), SizeIs(1)) << "C and D choose slot 1; slot 2 needs two of A, B, C as well";
  EXPECT_THAT(accepted(kB, 2), IsEmpty());
  EXPECT_THAT(accepted(kC, 2), SizeIs(1));
}

TEST(Membership, WhatIsNoneIsRefused) {
  Lead a(std::vector<Membership>{});
  EXPECT_THAT(a.step(Propose{.cookie = 4, .kind = EntryKind::membership, .payloads = {Blob("?")}}).refused,
              ElementsAre(4u));
  EXPECT_FALSE(a.takes(kFounders)) << "its version is not the next one";
  EXPECT_TRUE(a.takes(kWithD));
}

TEST(Membership, AMasterFeedsWhoAbstainsAndCountsNothingOfIt) {  // B38
  Lead a(std::vector<Membership>{});
  const HeartbeatAck lost{
      .ballot = kA1, .stamp = {a.now, 0}, .received = Index(1), .durable = Index(1), .abstains = true};
  a.get(kB, lost);
  ASSERT_TRUE(a.takes_a_write());
  a.durable();
  EXPECT_THAT(a.get(kB, lost).committed, IsEmpty());
  a.accepted(kC, 1, 1);
  EXPECT_THAT(receivers<Learned>(a.step(Tick{}).send), ElementsAre(kB)) << "what is chosen, not what is to be accepted";
  a.wait(399);
  a.get(kB, HeartbeatAck{.ballot = kA1, .stamp = {a.now, 0}, .abstains = true});
  a.wait(1);
  EXPECT_EQ(a.step(Tick{}).role->role, Role::follower) << "nor does it keep the lead up";
}

}  // namespace
}  // namespace conclave::paxos::membership_test
