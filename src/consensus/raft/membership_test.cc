// "In Search of an Understandable Consensus Algorithm" (extended version), section 6, cluster membership changes,
// sentence by sentence; what the dissertation adds (section 4.2); and what a lost disk asks for (B38).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "consensus/raft/testing_one.h"
#include "consensus/testing/membership_entries.h"

namespace conclave::raft::membership_test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr ReplicaId kD{4}, kE{5};
const Ballot kB1 = of(1, kB);

const Membership kFounders{.version = 1, .members = {{kA}, {kB}, {kC}}};
const Membership kWithD = changed(kFounders, {{kA}, {kB}, {kC}, {kD, false}});
const Membership kJoint = changed(kWithD, {{kA}, {kB}, {kD}});  // C leaves, D comes
const Membership kNew = settled(kJoint);

std::vector<ReplicaId> receivers(const std::vector<Envelope>& envelopes) {
  std::vector<ReplicaId> out;
  for (const Envelope& envelope : envelopes) out.push_back(envelope.to);
  std::ranges::sort(out);
  out.erase(std::ranges::unique(out).begin(), out.end());
  return out;
}

// These servers vote for A; what it reported last.
RoleChange elect(One& a, std::initializer_list<ReplicaId> voters) {
  a.step(Tick{});
  a.wait(500);
  a.step(Tick{});
  RoleChange role;
  const Ballot ballot = of(a.term() + 1, kA);
  const auto vote = [&](bool pre) {
    for (const ReplicaId id : voters) {
      const Output output = a.get(id, Vote{.ballot = ballot, .pre = pre, .granted = true, .term = ballot.round - pre});
      if (output.role) role = *output.role;
    }
  };
  vote(true);
  a.durable();
  vote(false);
  return role;
}

// A, the leader of a cell of which `memberships` are in the log, committed up to the no-op of its term.
struct Leader : One {
  explicit Leader(const std::vector<Membership>& memberships = {kWithD}) : One(log_of(memberships)) {
    elect(*this, {kB, kC, kD});
    durable();
    for (const ReplicaId id : {kB, kC, kD}) has(id, last());
    EXPECT_EQ(status().committed, last());
  }
  // All but A itself acknowledge the whole log.
  Output acknowledged_by(std::initializer_list<ReplicaId> peers) {
    Output all;
    for (const ReplicaId id : peers) {
      Output output = has(id, last());
      for (Entry& entry : output.committed) all.committed.push_back(std::move(entry));
      for (Envelope& envelope : output.send) all.send.push_back(std::move(envelope));
      if (output.role) all.role = output.role;
    }
    return all;
  }
  bool takes(const Membership& next) { return step(change(next)).refused.empty(); }

  static Recovered log_of(const std::vector<Membership>& memberships) {
    Recovered recovered{.hard_state = {.promised = of(1, ReplicaId())}};
    for (const Membership& membership : memberships) {
      recovered.entries.push_back(at(recovered.entries.size() + 1, kB1, membership));
    }
    return recovered;
  }
};

// "Log entries are replicated to all servers in both configurations."
TEST(Section6, EntriesGoToTheServersOfBothConfigurations) {
  Leader a;
  EXPECT_THAT(receivers(a.step(change(kJoint)).send), ElementsAre(kB, kC, kD));
  const Output output = a.step(Propose{.payloads = {Blob("x")}});
  EXPECT_THAT(receivers(output.send), ElementsAre(kB, kC, kD));
}

// "Any server from either configuration may serve as leader."
TEST(Section6, AServerOfEitherConfigurationMayLead) {
  const Membership leaving = changed(kWithD, {{kB}, {kC}, {kD}});
  for (const Membership& joint : {kJoint, leaving}) {  // A stays; A leaves
    One a(Leader::log_of({kWithD, joint}));
    EXPECT_EQ(elect(a, {kB, kD}).role, Role::synchronising);
  }
}

// "Agreement (for elections and entry commitment) requires separate majorities from both the old and new
// configurations."
TEST(Section6, AnElectionNeedsAMajorityOfEachConfiguration) {
  const auto elected = [](std::initializer_list<ReplicaId> voters) {
    One a(Leader::log_of({kWithD, kJoint}));
    return elect(a, voters).role == Role::synchronising;
  };
  EXPECT_FALSE(elected({kC})) << "A and C: of A, B, D it is one";
  EXPECT_FALSE(elected({kD})) << "A and D: of A, B, C it is one";
  EXPECT_TRUE(elected({kC, kD}));
  EXPECT_TRUE(elected({kB})) << "B is of both";
}
TEST(Section6, AnEntryNeedsAMajorityOfEachConfiguration) {
  Leader a({kWithD, kJoint});
  a.step(Propose{.payloads = {Blob("x")}});
  a.durable();
  EXPECT_THAT(a.acknowledged_by({kC}).committed, IsEmpty()) << "A and C: of A, B, D it is one";
  EXPECT_THAT(a.acknowledged_by({kD}).committed, SizeIs(1));
  a.step(Propose{.payloads = {Blob("y")}});
  a.durable();
  EXPECT_THAT(a.acknowledged_by({kD}).committed, IsEmpty()) << "A and D: of A, B, C it is one";
  EXPECT_THAT(a.acknowledged_by({kB}).committed, SizeIs(1)) << "B is of both";
}

TEST(Section6, ALeaseNeedsAMajorityOfEachConfiguration) {
  Leader a;
  ASSERT_TRUE(a.takes(kJoint));
  a.durable();
  a.acknowledged_by({kB, kC, kD});
  a.wait(199);
  a.has(kC, a.last());
  EXPECT_THAT(a.step(ReadBarrier{.token = 1}).reads, IsEmpty()) << "A and C: of A, B, D it is one";
  a.has(kD, a.last());
  EXPECT_THAT(a.step(ReadBarrier{.token = 2}).reads, SizeIs(1));
  a.wait(400);
  a.has(kC, a.last());
  EXPECT_EQ(a.step(Tick{}).role->role, Role::follower) << "nor does C alone keep the lead up";
}

// "once a given server adds the new configuration entry to its log, it uses that configuration for all future decisions
// (a server always uses the latest configuration in its log, regardless of whether the entry is committed)"; "the
// leader will use the rules of C(old,new) to determine when the log entry for C(old,new) is committed".
TEST(Section6, AConfigurationCountsAsSoonAsItIsInTheLog) {
  Leader a;
  a.step(change(kJoint));
  a.durable();
  EXPECT_THAT(a.acknowledged_by({kC}).committed, IsEmpty()) << "a majority of the old one has it";
  EXPECT_THAT(a.acknowledged_by({kD}).committed, SizeIs(1));
}
TEST(Section6, AFollowerUsesItToo) {
  One a(Leader::log_of({kWithD}));
  a.get(kB, append(of(2, kB), 1, kB1, {at(2, of(2, kB), kJoint)}));
  EXPECT_EQ(a.status().membership_version, kJoint.version);
  a.wait(500);
  EXPECT_THAT(receivers(a.step(Tick{}).send), ElementsAre(kB, kC, kD));
}
// Which is why it goes back when the entry does.
TEST(Section6, AConfigurationGoesWithItsEntry) {
  One a(Leader::log_of({kWithD, kJoint}));
  a.get(kC, append(of(3, kC), 1, kB1, {entry(2, of(3, kC))}));
  EXPECT_EQ(a.status().membership_version, kWithD.version);
}

// "new servers may not initially store any log entries ... the new servers join the cluster as non-voting members (the
// leader replicates log entries to them, but they are not considered for majorities)"
TEST(Section6, ANewServerIsSentEntriesAndDoesNotCount) {
  Leader a(std::vector<Membership>{});
  ASSERT_TRUE(a.takes(kWithD));
  a.wait(30);
  EXPECT_THAT(receivers(a.step(Tick{}).send), ElementsAre(kB, kC, kD));
  a.durable();
  EXPECT_THAT(a.has(kD, a.last()).committed, IsEmpty());
  EXPECT_THAT(a.has(kB, a.last()).committed, SizeIs(1));
}
// "Once the new servers have caught up with the rest of the cluster, the reconfiguration can proceed"
TEST(Section6, AVoterToBeMustHaveCaughtUp) {
  Leader a(std::vector<Membership>{});
  ASSERT_TRUE(a.takes(kWithD));
  a.durable();
  a.has(kB, a.last());
  EXPECT_FALSE(a.takes(kJoint)) << "nothing was heard of D";
  a.has(kD, a.last().prev());
  EXPECT_FALSE(a.takes(kJoint)) << "it does not know yet that it is a member";
  a.has(kD, a.last());
  a.wait(400);
  EXPECT_FALSE(a.takes(kJoint)) << "it was not heard of for long";
  a.get(kD, Appended{of(a.term(), kA), a.last(), a.last(), {a.now, 0}, /*abstains=*/true});
  EXPECT_FALSE(a.takes(kJoint)) << "it lost its disk";
  a.has(kD, a.last());
  EXPECT_TRUE(a.takes(kJoint));
}

// "In this case, the leader steps down (returns to follower state) once it has committed the C(new) log entry. This
// means that there will be a period of time (while it is committing C(new)) when the leader is managing a cluster that
// does not include itself; it replicates log entries but does not count itself in majorities."
TEST(Section6, ALeaderThatLeavesStepsDownWhenTheNewConfigurationIsCommitted) {
  const Membership joint = changed(kWithD, {{kB}, {kC}, {kD}});
  Leader a({kWithD, joint});
  ASSERT_TRUE(a.takes(settled(joint)));
  a.durable();
  EXPECT_THAT(a.acknowledged_by({kB}).committed, IsEmpty()) << "B alone: A does not count itself";
  const Output output = a.acknowledged_by({kD});
  EXPECT_THAT(output.committed, SizeIs(1));
  EXPECT_EQ(output.role->role, Role::observer);
  EXPECT_THAT(sent<TimeoutNow>(output.send), SizeIs(1)) << "and has another stand at once (dissertation 4.2.2)";
  a.wait(1000);
  EXPECT_THAT(a.step(Tick{}).send, IsEmpty()) << "it does not stand any more";
}
// "a server that is not part of its own latest configuration should still start new elections, as it might still be
// needed until the C(new) entry is committed" (dissertation 4.2.2).
TEST(Section6, WhoIsLeavingStandsUntilThatIsCommitted) {
  One a(Leader::log_of({kWithD, changed(kWithD, {{kB}, {kC}, {kD}}), settled(changed(kWithD, {{kB}, {kC}, {kD}}))}));
  a.step(Tick{});
  a.wait(500);
  EXPECT_THAT(sent<RequestVote>(a.step(Tick{}).send), SizeIs(3));
}

// "servers disregard RequestVote RPCs when they believe a current leader exists": "removed servers ... will then start
// new elections".
TEST(Section6, ARemovedServerDoesNotDisturb) {  // B13
  One a(Leader::log_of({kWithD, kJoint, kNew}));
  a.get(kB, append(of(2, kB), 3, kB1, {}, 3));
  EXPECT_THAT(sent<Vote>(a.get(kC, request(of(9, kC), 9, kB1)).send_when_durable), IsEmpty());
  EXPECT_EQ(a.term(), 2u);
}
// But its vote may be needed, and so may that of one whose membership is not known here yet.
TEST(Section6, WhoIsNotListedVotesAndIsVotedFor) {
  One a(Leader::log_of({kWithD}));
  a.settle_in();
  const auto votes = sent<Vote>(a.get(kE, request(of(3, kE), 9, of(2, kB))).send_when_durable);
  ASSERT_THAT(votes, SizeIs(1));
  EXPECT_TRUE(votes[0].granted);
}

// ---------------------------------------------------------------- one change at a time

TEST(Changes, OneAtATime) {
  Leader a;
  ASSERT_TRUE(a.takes(kJoint));
  EXPECT_FALSE(a.takes(kNew)) << "the joint one is not committed";
  a.durable();
  a.acknowledged_by({kB, kD});
  EXPECT_FALSE(a.takes(changed(kWithD, {{kA}, {kB}}))) << "it is joint";
  EXPECT_TRUE(a.takes(kNew));
}
// A leader may have uncommitted entries of an older term in its log, and another leader's membership may be committed
// that it never saw (raft-dev, 2015; B27).
TEST(Changes, NoneBeforeAnEntryOfTheTermIsCommitted) {
  One a(Leader::log_of({kWithD}));
  elect(a, {kB});
  EXPECT_EQ(a.status().role, Role::synchronising);
  EXPECT_THAT(a.step(change(kJoint)).refused, ElementsAre(9u));
}
TEST(Changes, WhatIsNoMembershipIsRefused) {
  Leader a;
  EXPECT_THAT(a.step(Propose{.cookie = 4, .kind = EntryKind::membership, .payloads = {Blob("?")}}).refused,
              ElementsAre(4u));
  EXPECT_FALSE(a.takes(kWithD)) << "its version is not the next one";
}
TEST(Changes, OneOfAPeerThatCannotBeReadIsDropped) {
  One a;
  Entry bad = entry(1, kB1, "?");
  bad.kind = EntryKind::membership;
  EXPECT_THAT(a.get(kB, append(kB1, 0, {}, {bad})).persist.entries, IsEmpty());
}

// ---------------------------------------------------------------- snapshots (B28) and lost disks (B38)

TEST(Snapshots, AJointMembershipIsRestored) {
  One a({.hard_state = {.promised = of(1, ReplicaId())},
         .snapshot_index = Index(2),
         .snapshot_ballot = kB1,
         .membership = kJoint});
  a.step(Tick{});
  a.wait(500);
  EXPECT_THAT(receivers(a.step(Tick{}).send), ElementsAre(kB, kC, kD));
}
TEST(Snapshots, OneFromBeforeAChangeDoesNotTakeItBack) {
  One a(Leader::log_of({kWithD, kJoint, kNew}));
  a.get(kB, append(of(2, kB), 3, kB1, {}, 3));
  a.step(SnapshotInstalled{.index = Index(1), .ballot = kB1, .membership = kWithD});
  EXPECT_EQ(a.status().membership_version, kNew.version) << "it is older than what is committed";
  One b(Leader::log_of({kWithD, kJoint, kNew}));
  b.step(SnapshotInstalled{.index = Index(1), .ballot = kB1, .membership = kWithD});
  EXPECT_EQ(b.status().membership_version, kNew.version) << "the log goes on behind it";
}
TEST(Snapshots, OneThatReplacesTheLogBringsItsMembership) {
  One a(Leader::log_of({kWithD}));
  a.step(SnapshotInstalled{.index = Index(7), .ballot = of(3, kC), .membership = kNew});
  EXPECT_EQ(a.status().membership_version, kNew.version);
  a.step(SnapshotTaken{.index = Index(7), .ballot = of(3, kC), .keep_after = Index(7)});
  EXPECT_EQ(a.status().membership_version, kNew.version);
}

TEST(LostDisk, WhoHasAnotherOneNeitherVotesNorStandsNorCounts) {
  const Membership known{.version = 4, .members = {{kA, true, DiskId(7)}, {kB}, {kC}}};
  One a({.hard_state = {.promised = of(1, ReplicaId())}, .membership = known}, {.disk = DiskId(8)});
  a.settle_in();
  EXPECT_THAT(a.get(kB, request(of(3, kB), 9, kB1)).send_when_durable, IsEmpty());
  const Output output = a.get(kB, append(of(3, kB), 0, {}, {entry(1, of(3, kB))}));
  EXPECT_TRUE(sent<Appended>(output.send_when_durable).at(0).abstains);
  a.wait(1000);
  EXPECT_THAT(sent<RequestVote>(a.step(Tick{}).send), IsEmpty());
  EXPECT_EQ(a.status().role, Role::observer);
}
TEST(LostDisk, ALeaderCountsNothingOfWhoAbstains) {
  Leader a(std::vector<Membership>{});
  a.step(Propose{.payloads = {Blob("x")}});
  a.durable();
  const Appended answer{of(a.term(), kA), a.last(), a.last(), {a.now, 0}, /*abstains=*/true};
  EXPECT_THAT(a.get(kB, answer).committed, IsEmpty());
  EXPECT_THAT(a.has(kC, a.last()).committed, SizeIs(1));
  a.wait(399);
  a.get(kB, Appended{of(a.term(), kA), a.last(), a.last(), {a.now, 0}, /*abstains=*/true});
  a.wait(1);
  EXPECT_EQ(a.step(Tick{}).role->role, Role::follower) << "nor does it keep the lead up";
}
// Joined again under another disk it counts, and it knows that from the log.
TEST(LostDisk, ItCountsAgainWhenItIsListedWithItsOwn) {
  const Membership without{.version = 5, .members = {{kB}, {kC}}};
  const Membership again = changed(without, {{kA, false, DiskId(8)}, {kB}, {kC}});
  One a({.hard_state = {.promised = of(1, ReplicaId())}, .membership = without}, {.disk = DiskId(8)});
  const Output output = a.get(kB, append(of(3, kB), 0, {}, {at(1, of(3, kB), again)}));
  EXPECT_FALSE(sent<Appended>(output.send_when_durable).at(0).abstains);
}

}  // namespace
}  // namespace conclave::raft::membership_test
