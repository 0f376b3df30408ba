// "In Search of an Understandable Consensus Algorithm" (extended version), sentence by sentence: figure 2, and sections
// 5 and 6 as far as they say more. Section 6, cluster membership changes, is for the membership of a cell; figure 13,
// InstallSnapshot, is the driver's (replica/), to whom the engine says who needs one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "consensus/raft/testing_one.h"

namespace conclave::raft {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

const Ballot kB1 = of(1, kB), kB2 = of(2, kB), kB3 = of(3, kB), kC3 = of(3, kC);

Recovered with(std::vector<Entry> entries, Ballot vote = {}) {
  if (!vote) vote = entries.empty() ? Ballot{} : of(entries.back().ballot.round, ReplicaId());
  return {.hard_state = {.promised = vote}, .entries = std::move(entries)};
}
bool granted(const Output& output) {
  const auto votes = sent<Vote>(output.send_when_durable);
  return !votes.empty() && votes.front().granted;
}

// ---------------------------------------------------------------- figure 2: state

// "Persistent state on all servers: (Updated on stable storage before responding to RPCs)"
TEST(Figure2, AVoteIsOnStableStorageBeforeItIsSent) {  // RF-13
  One a;
  a.settle_in();
  const Output output = a.get(kB, request(kB1, 0, {}));
  EXPECT_EQ(output.persist.hard_state->promised, kB1) << "term and vote";
  EXPECT_THAT(sent<Vote>(output.send), IsEmpty());
  EXPECT_TRUE(granted(output));
}
TEST(Figure2, EntriesAreOnStableStorageBeforeTheyAreAcknowledged) {  // RF-13
  One a;
  const Output output = a.get(kB, append(kB1, 0, {}, {entry(1, kB1)}));
  EXPECT_THAT(output.persist.entries, ElementsAre(entry(1, kB1)));
  EXPECT_THAT(sent<Appended>(output.send), IsEmpty());
  EXPECT_EQ(sent<Appended>(output.send_when_durable).at(0).durable, Index(1));
}
// "currentTerm: latest term server has seen (initialized to 0 on first boot, increases monotonically)"
TEST(Figure2, TheTermBeginsAtZeroAndSurvivesARestart) {  // RF-05
  EXPECT_EQ(One().term(), 0u);
  One a({.hard_state = {.promised = of(7, kC)}});
  a.settle_in();
  EXPECT_FALSE(granted(a.get(kB, request(of(6, kB), 0, {}))));
  EXPECT_FALSE(granted(a.get(kB, request(of(7, kB), 0, {})))) << "it voted for C";
  EXPECT_TRUE(granted(a.get(kC, request(of(7, kC), 0, {})))) << "and says so again";
}
// "nextIndex[]: (initialized to leader last log index + 1)"
TEST(Figure2, TheNextIndexIsThatOfTheLeadersLog) {
  One a(with({entry(1, kB1), entry(2, kB1)}));
  const Output output = a.lead();
  const auto appends = sent<Append>(output.send);
  ASSERT_THAT(appends, SizeIs(2));
  EXPECT_EQ(appends[0].prev_index, Index(2));
  EXPECT_EQ(appends[0].prev_ballot, kB1);
}

// ---------------------------------------------------------------- figure 2: AppendEntries RPC, receiver

// "1. Reply false if term < currentTerm (5.1)"
TEST(Figure2, AppendEntries1_AnOldTermIsRefused) {
  One a(with({}, of(3, ReplicaId())));
  const Output output = a.get(kB, append(kB2, 0, {}, {entry(1, kB2)}));
  EXPECT_EQ(sent<HigherTerm>(output.send).at(0).term, 3u);
  EXPECT_THAT(output.persist.entries, IsEmpty());
}
// "2. Reply false if log doesn't contain an entry at prevLogIndex whose term matches prevLogTerm (5.3)"
TEST(Figure2, AppendEntries2_WithoutTheEntryBeforeNothingIsTaken) {
  One a(with({entry(1, kB1)}));
  const Output gap = a.get(kC, append(kC3, 2, kB2, {entry(3, kC3)}));
  EXPECT_THAT(sent<Conflict>(gap.send), SizeIs(1));
  EXPECT_THAT(gap.persist.entries, IsEmpty());
  const Output other = a.get(kC, append(kC3, 1, kC3, {entry(2, kC3)}));
  EXPECT_THAT(sent<Conflict>(other.send), SizeIs(1));
  EXPECT_THAT(other.persist.entries, IsEmpty());
  EXPECT_EQ(a.last(), Index(1));
}
// "3. If an existing entry conflicts with a new one (same index but different terms), delete the existing entry and all
// that follow it (5.3)"
TEST(Figure2, AppendEntries3_AConflictingEntryAndAllThatFollowItAreDeleted) {  // RF-09
  One a(with({entry(1, kB1), entry(2, kB1, "old"), entry(3, kB1), entry(4, kB1)}));
  const Output output = a.get(kC, append(kC3, 1, kB1, {entry(2, kC3, "new")}));
  EXPECT_EQ(output.persist.truncate_from, Index(2));
  EXPECT_THAT(output.persist.entries, ElementsAre(entry(2, kC3, "new")));
  EXPECT_EQ(a.last(), Index(2));
}
// "4. Append any new entries not already in the log": a message that is late cuts off nothing.
TEST(Figure2, AppendEntries4_WhatIsThereAlreadyStays) {
  One a;
  a.get(kB, append(kB1, 0, {}, {entry(1, kB1), entry(2, kB1), entry(3, kB1)}));
  const Output late = a.get(kB, append(kB1, 0, {}, {entry(1, kB1)}));
  EXPECT_FALSE(late.persist.truncate_from);
  EXPECT_THAT(late.persist.entries, IsEmpty());
  EXPECT_EQ(a.last(), Index(3));
}
// "5. If leaderCommit > commitIndex, set commitIndex = min(leaderCommit, index of last new entry)"
TEST(Figure2, AppendEntries5_CommitsNoFurtherThanTheLeadersEntriesReach) {
  One a(with({entry(1, kB1), entry(2, kB1), entry(3, kB1)}));  // 2 and 3 may not be the leader's
  const Output first = a.get(kC, append(kC3, 1, kB1, {}, /*committed=*/3));
  EXPECT_THAT(first.committed, ElementsAre(entry(1, kB1)));
  const Output second = a.get(kC, append(kC3, 1, kB1, {entry(2, kC3)}, /*committed=*/3));
  EXPECT_THAT(second.committed, ElementsAre(entry(2, kC3)));
}

// ---------------------------------------------------------------- figure 2: RequestVote RPC, receiver

// Nor is a log taken from who does not hold what is committed.
TEST(Figure2, AppendEntries_WhoContradictsWhatIsCommittedIsNoLeader) {  // RF-12
  One a(with({entry(1, kB1), entry(2, kB2)}));
  a.get(kB, append(kB2, 2, kB2, {}, 2));
  for (const Append& lie :
       {append(kC3, 1, kB1, {entry(2, kC3), entry(3, kC3)}), append(kC3, 2, kB1, {entry(3, kC3)})}) {
    EXPECT_THAT(a.get(kC, lie).persist.entries, IsEmpty());
    EXPECT_EQ(a.last(), Index(2));
  }
  a.get(kC, append(kC3, 1, kB1, {entry(2, kB2), entry(3, kC3)}));
  EXPECT_EQ(a.last(), Index(3));
}
// "1. Reply false if term < currentTerm (5.1)"
TEST(Figure2, RequestVote1_AnOldTermGetsNoVote) {
  One a(with({}, of(3, ReplicaId())));
  a.settle_in();
  const Output output = a.get(kB, request(kB2, 0, {}));
  EXPECT_FALSE(sent<Vote>(output.send).at(0).granted);
  EXPECT_EQ(sent<Vote>(output.send).at(0).term, 3u);
}
// "2. If votedFor is null or candidateId, and candidate's log is at least as up-to-date as receiver's log, grant vote"
TEST(Figure2, RequestVote2_OneVoteATerm) {
  One a;
  a.settle_in();
  EXPECT_TRUE(granted(a.get(kB, request(kB3, 0, {}))));
  EXPECT_FALSE(granted(a.get(kC, request(kC3, 0, {}))));
  EXPECT_TRUE(granted(a.get(kB, request(kB3, 0, {})))) << "to the same candidate again";
  EXPECT_TRUE(granted(a.get(kC, request(of(4, kC), 0, {})))) << "in the next term";
}
TEST(Figure2, RequestVote2_OnlyToALogThatIsAsUpToDate) {  // RF-08
  One a(with({entry(1, kB1), entry(2, kB2), entry(3, kB2)}));
  a.settle_in();
  EXPECT_FALSE(granted(a.get(kC, request(of(3, kC), 2, kB2)))) << "shorter";
  EXPECT_FALSE(granted(a.get(kC, request(of(4, kC), 9, kB1)))) << "longer, but of an older term";
  EXPECT_TRUE(granted(a.get(kC, request(of(5, kC), 1, kC3)))) << "shorter, but of a later term";
  EXPECT_TRUE(granted(a.get(kB, request(of(6, kB), 3, kB2)))) << "the same";
}

// ---------------------------------------------------------------- figure 2: rules for servers

// "If commitIndex > lastApplied: increment lastApplied, apply log[lastApplied] to state machine": in order, once.
TEST(Figure2, AllServers_WhatIsCommittedIsGivenOutInOrderOnce) {
  One a;
  a.get(kB, append(kB1, 0, {}, {entry(1, kB1), entry(2, kB1)}));
  EXPECT_THAT(a.get(kB, append(kB1, 2, kB1, {}, 2)).committed, ElementsAre(entry(1, kB1), entry(2, kB1)));
  EXPECT_THAT(a.get(kB, append(kB1, 2, kB1, {}, 2)).committed, IsEmpty());
}
// "If RPC request or response contains term T > currentTerm: set currentTerm = T, convert to follower (5.1)"
TEST(Figure2, AllServers_ALaterTermMakesAFollower) {  // RF-04
  One leader;
  leader.serve();
  ASSERT_EQ(leader.status().role, Role::master);
  leader.get(kB, HigherTerm{9});
  EXPECT_EQ(leader.status().role, Role::follower);
  EXPECT_EQ(leader.term(), 9u);
  One candidate;
  candidate.stand();
  ASSERT_EQ(candidate.status().role, Role::candidate);
  candidate.get(kC, Vote{.ballot = of(1, kA), .granted = false, .term = 5});
  EXPECT_EQ(candidate.status().role, Role::follower);
  EXPECT_EQ(candidate.term(), 5u);
}
// "Followers: if election timeout elapses without receiving AppendEntries RPC from current leader or granting vote to
// candidate: convert to candidate" - with pre-vote, it asks first (9.6).
TEST(Figure2, Followers_ASilentLeaderIsReplaced) {  // RF-07
  One a;
  a.get(kB, append(kB1, 0, {}, {}));
  a.wait(199);
  EXPECT_THAT(sent<RequestVote>(a.step(Tick{}).send), IsEmpty());
  a.get(kB, append(kB1, 0, {}, {}));
  a.wait(199);
  EXPECT_THAT(sent<RequestVote>(a.step(Tick{}).send), IsEmpty()) << "the heartbeat resets the timer (RF-06)";
  a.wait(300);
  const auto asked = sent<RequestVote>(a.step(Tick{}).send);
  ASSERT_THAT(asked, SizeIs(2));
  EXPECT_TRUE(asked[0].pre);
  EXPECT_EQ(a.term(), 1u) << "nothing has changed yet";
}
// "Candidates: on conversion to candidate, start election: increment currentTerm, vote for self, reset election timer,
// send RequestVote RPCs to all other servers"
TEST(Figure2, Candidates_StandInTheNextTermAndVoteForThemselves) {
  One a;
  const Output output = a.stand();
  EXPECT_EQ(a.status().role, Role::candidate);
  EXPECT_EQ(output.persist.hard_state->promised, of(1, kA));
  EXPECT_THAT(sent<RequestVote>(output.send_when_durable), SizeIs(2));
  EXPECT_THAT(sent<RequestVote>(output.send), IsEmpty());
}
// "If votes received from majority of servers: become leader"
TEST(Figure2, Candidates_AMajorityMakesALeader) {
  One a;
  a.stand();
  EXPECT_EQ(a.get(kB, Vote{.ballot = of(1, kA), .granted = true, .term = 1}).role, std::nullopt)
      << "its own vote is not durable";
  EXPECT_EQ(a.durable().role->role, Role::synchronising);
}
TEST(Figure2, Candidates_VotesOfOtherTermsDoNotCount) {  // B20
  One a;
  a.stand();
  a.durable();
  a.get(kB, Vote{.ballot = of(2, kA), .granted = true, .term = 1});
  a.get(kC, Vote{.ballot = of(1, kB), .granted = true, .term = 1});
  a.get(kC, Vote{.ballot = of(2, kA), .pre = true, .granted = true, .term = 1});
  EXPECT_EQ(a.status().role, Role::candidate);
}
// "If AppendEntries RPC received from new leader: convert to follower"
TEST(Figure2, Candidates_FollowTheLeaderOfTheirTerm) {
  One a;
  a.stand();
  a.get(kC, append(of(1, kC), 0, {}, {}));
  EXPECT_EQ(a.status().role, Role::follower);
  EXPECT_EQ(a.status().master, kC);
}
// "If election timeout elapses: start new election"
TEST(Figure2, Candidates_TryAgain) {
  One a;
  a.stand();
  a.wait(400);
  a.step(Tick{});
  EXPECT_EQ(a.status().role, Role::follower);
  a.wait(400);
  EXPECT_THAT(sent<RequestVote>(a.step(Tick{}).send), SizeIs(2));
}
// "Leaders: upon election: send initial empty AppendEntries RPCs (heartbeat) to each server; repeat during idle periods
// to prevent election timeouts (5.2)"; with the no-op of section 8 at once.
// Of two that stand in one term neither may get a majority. Who is refused does not wait for a whole election timeout.
TEST(Figure2, Candidates_ASplitVoteIsTriedAgainSoon) {
  One a;
  a.stand();
  a.durable();
  a.get(kB, Vote{.ballot = of(1, kA), .granted = false, .term = 0});
  a.wait(60);
  a.step(Tick{});
  EXPECT_EQ(a.status().role, Role::candidate) << "B is bound, and not yet of its term: it may vote when asked again";
  a.get(kB, Vote{.ballot = of(1, kA), .granted = false, .term = 1});
  a.wait(60);  // two heartbeats
  EXPECT_EQ(a.step(Tick{}).role->role, Role::follower);
  EXPECT_THAT(sent<RequestVote>(a.step(Tick{}).send), SizeIs(2)) << "pre-votes of the next term";
}

TEST(Figure2, Leaders_BeginWithANoOpAndGoOnWithHeartbeats) {
  One a;
  const auto first = sent<Append>(a.lead().send);
  ASSERT_THAT(first, SizeIs(2));
  ASSERT_THAT(first[0].entries, SizeIs(1));
  EXPECT_EQ(first[0].entries[0].kind, EntryKind::noop);
  a.wait(30);
  const auto again = sent<Append>(a.step(Tick{}).send);
  ASSERT_THAT(again, SizeIs(2));
  EXPECT_THAT(again[0].entries, IsEmpty());
}
// "If command received from client: append entry to local log, respond after entry applied to state machine (5.3)"
TEST(Figure2, Leaders_AppendAndReplicateWhatIsProposed) {
  One a;
  a.serve();
  const Output output = a.step(Propose{.cookie = 1, .payloads = {Blob("x"), Blob("y")}});
  EXPECT_THAT(output.refused, IsEmpty());
  EXPECT_THAT(output.persist.entries, SizeIs(2));
  const auto appends = sent<Append>(output.send);
  ASSERT_THAT(appends, SizeIs(2));
  EXPECT_EQ(appends[0].prev_index, Index(1));
  EXPECT_THAT(appends[0].entries, SizeIs(2));
  EXPECT_THAT(output.committed, IsEmpty());
}
// "If last log index >= nextIndex for a follower: send AppendEntries RPC with log entries starting at nextIndex. If
// successful: update nextIndex and matchIndex for follower"
TEST(Figure2, Leaders_SendWhatAFollowerLacks) {
  One a(with({entry(1, kB1), entry(2, kB1), entry(3, kB1)}));
  a.lead();
  const Output output =
      a.get(kB, Appended{.ballot = of(2, kA), .received = Index(3), .durable = Index(3), .stamp = {a.now, 0}});
  const auto appends = sent<Append>(output.send);
  ASSERT_THAT(appends, SizeIs(1));
  EXPECT_EQ(appends[0].prev_index, Index(3));
  EXPECT_EQ(a.status().peers.at(0).match, Index(3));
}
// "If AppendEntries fails because of log inconsistency: decrement nextIndex and retry (5.3)": by whole terms.
TEST(Figure2, Leaders_GoBackToWhereTheLogsAgree) {
  One a(with({entry(1, kB1), entry(2, kB2), entry(3, kC3), entry(4, kC3)}));
  a.lead();
  // The follower has 1.1 and then two of term 2 that nobody else has: its last of a term up to 3 is at 3.
  const Output first = a.get(kB, Conflict{of(4, kA), Index(4), Index(3), 2, {a.now, 0}});
  ASSERT_THAT(sent<Append>(first.send), SizeIs(1));
  EXPECT_EQ(sent<Append>(first.send)[0].prev_index, Index(2)) << "our last one of a term up to 2";
  EXPECT_THAT(sent<Append>(first.send)[0].entries, IsEmpty()) << "a question";
  const Output second = a.has(kB, Index(2));
  ASSERT_THAT(sent<Append>(second.send), SizeIs(1));
  EXPECT_EQ(sent<Append>(second.send)[0].prev_index, Index(2));
  EXPECT_THAT(sent<Append>(second.send)[0].entries, SizeIs(3));
}
TEST(Figure2, Leaders_TheFollowersHintSkipsItsTerms) {
  One a(with({entry(1, kB1), entry(2, kB2), entry(3, kB2), entry(4, kB2)}));
  const Output output = a.get(kC, append(of(5, kC), 4, of(1, kC), {}));
  const auto conflicts = sent<Conflict>(output.send);
  ASSERT_THAT(conflicts, SizeIs(1));
  EXPECT_EQ(conflicts[0].hint_index, Index(1));
  EXPECT_EQ(conflicts[0].hint_term, 1u);
}
// "If there exists an N such that N > commitIndex, a majority of matchIndex[i] >= N, and log[N].term == currentTerm:
// set commitIndex = N (5.3, 5.4)"
TEST(Figure2, Leaders_CommitWhatAMajorityHolds) {
  One a;
  a.lead();
  EXPECT_THAT(a.has(kB, Index(1)).committed, IsEmpty()) << "our own disk has it not";
  const Output output = a.durable();
  EXPECT_THAT(output.committed, SizeIs(1));
  EXPECT_EQ(output.role->role, Role::master);
}

// ---------------------------------------------------------------- 5.4.2, figure 8

// "Only log entries from the leader's current term are committed by counting replicas; once an entry from the current
// term has been committed in this way, then all prior entries are committed indirectly"
TEST(Section5, AnOlderTermIsNotCommittedByCounting) {  // RF-10
  One a(with({entry(1, kB1), entry(2, kB2)}));
  a.lead();
  a.durable();
  EXPECT_THAT(a.has(kB, Index(2)).committed, IsEmpty()) << "a majority has 2, of term 2";
  EXPECT_THAT(a.has(kC, Index(2)).committed, IsEmpty()) << "all have it";
  EXPECT_THAT(a.has(kB, Index(3)).committed, SizeIs(3)) << "the commit index jumps from 0 to 3";
}

// ---------------------------------------------------------------- 5.2 and what the dissertation adds

// "A server remains in follower state as long as it receives valid RPCs": pre-vote and check-quorum (9.6, 6.2).
TEST(Section5, WhoHearsALeaderHelpsNobodyElse) {
  One a;
  a.wait(200);
  a.get(kB, append(kB1, 0, {}, {}));
  RequestVote question = request(of(2, kC), 0, {});
  question.pre = true;
  EXPECT_FALSE(sent<Vote>(a.get(kC, question).send).at(0).granted);
  EXPECT_FALSE(granted(a.get(kC, request(of(9, kC), 0, {}))));
  EXPECT_EQ(a.term(), 1u) << "nor takes it a term from a server that was cut off";
  a.wait(200);
  EXPECT_TRUE(sent<Vote>(a.get(kC, question).send).at(0).granted);
}
TEST(Section5, ARestartedServerKeepsThePromiseThatItMayHaveGiven) {
  One a;
  EXPECT_FALSE(granted(a.get(kC, request(of(1, kC), 0, {}))));
  a.wait(200);
  EXPECT_TRUE(granted(a.get(kC, request(of(1, kC), 0, {}))));
}
TEST(Section5, APreVoteNeedsAnUpToDateLogAndChangesNothing) {
  One a(with({entry(1, kB2)}));
  a.settle_in();
  RequestVote question = request(of(3, kC), 0, {});
  question.pre = true;
  EXPECT_FALSE(sent<Vote>(a.get(kC, question).send).at(0).granted);
  question.last_index = Index(1);
  question.last_ballot = kB2;
  const Output output = a.get(kC, question);
  EXPECT_TRUE(sent<Vote>(output.send).at(0).granted);
  EXPECT_EQ(output.persist.number, 0u);
  EXPECT_EQ(a.term(), 2u);
}
TEST(Section5, ALeaderThatHearsNoMajorityStepsDown) {
  One a;
  a.serve();
  a.wait(399);
  a.step(Tick{});
  EXPECT_EQ(a.status().role, Role::master);
  a.wait(2);
  EXPECT_EQ(a.step(Tick{}).role->role, Role::follower);
}
// 3.10: the target's election disturbs nobody's promise, since the leader has given its lease up.
TEST(Section5, LeadershipIsTransferredToAServerThatHasEverything) {
  One a;
  a.serve();
  a.step(Propose{.cookie = 1, .payloads = {Blob("x")}});
  a.durable();
  EXPECT_THAT(sent<TimeoutNow>(a.step(TransferLead{kB}).send), IsEmpty()) << "it lacks an entry";
  EXPECT_THAT(a.step(Propose{.cookie = 2, .payloads = {Blob("y")}}).refused, ElementsAre(2));
  EXPECT_THAT(sent<TimeoutNow>(a.has(kB, Index(2)).send), SizeIs(1));
  EXPECT_FALSE(a.status().lease_valid);
}
TEST(Section5, AProofOfTransferLiftsThePromiseToTheLeader) {
  One a;
  a.wait(200);
  a.get(kB, append(kB1, 0, {}, {}));
  RequestVote vote = request(of(2, kC), 0, {});
  vote.proof = of(1, kC);
  EXPECT_FALSE(granted(a.get(kC, vote))) << "of another leader";
  vote.proof = kB1;
  EXPECT_TRUE(granted(a.get(kC, vote)));
}

// ---------------------------------------------------------------- section 8: clients

// "it needs to commit an entry from its term. Raft handles this by having each leader commit a blank no-op entry into
// the log at the start of its term"; "a leader must check whether it has been deposed before processing a read-only
// request"
TEST(Section8, NoReadBeforeTheNoOpIsCommitted) {
  One a;
  a.lead();
  EXPECT_THAT(a.step(ReadBarrier{.token = 4}).reads_refused, ElementsAre(4));
}
TEST(Section8, AReadWaitsForAMajorityToSayThatItStillLeads) {  // B23
  One a({}, {.leases = false});
  a.serve();
  const Output asked = a.step(ReadBarrier{.token = 4});
  EXPECT_THAT(asked.reads, IsEmpty());
  const auto rounds = sent<Append>(asked.send);
  ASSERT_THAT(rounds, SizeIs(2));
  const Appended answer{.ballot = of(1, kA), .received = Index(1), .durable = Index(1), .stamp = rounds[0].stamp};
  const Output output = a.get(kB, answer);
  ASSERT_THAT(output.reads, SizeIs(1));
  EXPECT_EQ(output.reads[0].index, Index(1));
}
TEST(Section8, UnderALeaseItNeedNotAsk) {
  One a;
  a.serve();
  EXPECT_THAT(a.step(ReadBarrier{.token = 4}).reads, SizeIs(1));
  a.wait(250);
  EXPECT_THAT(a.step(ReadBarrier{.token = 5}).reads, IsEmpty()) << "it has run out (B24)";
}

// ---------------------------------------------------------------- section 7: log compaction

TEST(Section7, AFollowerThatIsTooFarBehindNeedsASnapshot) {
  One a({.hard_state = {.promised = of(1, ReplicaId())}, .snapshot_index = Index(9), .snapshot_ballot = kB1});
  a.lead();
  const Output output = a.get(kB, Conflict{of(2, kA), Index(9), Index(3), 1, {a.now, 0}});
  ASSERT_THAT(output.snapshots_needed, SizeIs(1));
  EXPECT_EQ(output.snapshots_needed[0].to, kB);
  EXPECT_EQ(output.snapshots_needed[0].at_least, Index(9));
}
// An entry there that is not the leader's, at the very index where its memory begins.
TEST(Section7, NoCommonEntryInMemoryNeedsASnapshotToo) {
  One a({.hard_state = {.promised = of(3, ReplicaId())}, .snapshot_index = Index(9), .snapshot_ballot = kB3});
  a.lead();
  const Output output = a.get(kB, Conflict{of(4, kA), Index(9), Index(9), 2, {a.now, 0}});
  EXPECT_THAT(output.snapshots_needed, SizeIs(1));
}
// "If instead the follower receives a snapshot that describes a prefix of its log, then log entries covered by the
// snapshot are deleted but entries following the snapshot are still valid and must be retained"
TEST(Section7, ASnapshotOfAPrefixLeavesWhatFollows) {
  One a(with({entry(1, kB1), entry(2, kB1), entry(3, kB1)}));
  const Output output = a.step(SnapshotInstalled{.index = Index(2), .ballot = kB1});
  EXPECT_FALSE(output.persist.truncate_from);
  EXPECT_EQ(a.last(), Index(3));
}
// Whoever sent it may have told us nothing else before a crash took the term that we had heard of.
TEST(Section7, ASnapshotTellsOfItsTerm) {
  One a;
  a.step(SnapshotInstalled{.index = Index(2), .ballot = kC3});
  EXPECT_EQ(a.term(), 3u);
}
// "the follower discards its entire log; it is all superseded by the snapshot and may possibly have uncommitted entries
// that conflict with the snapshot"
TEST(Section7, OtherwiseTheWholeLogIsDiscarded) {
  One a(with({entry(1, kB1), entry(2, kB1), entry(3, kB1)}));
  const Output output = a.step(SnapshotInstalled{.index = Index(2), .ballot = kC3});
  EXPECT_EQ(output.persist.truncate_from, Index(1));
  EXPECT_EQ(a.last(), Index(2));
  EXPECT_EQ(a.status().committed, Index(2));
}
// And if it crashes before that is on its disk.
TEST(Section7, WhatFollowedAnotherEntryIsDiscardedAfterARestart) {
  One a({.hard_state = {.promised = of(3, ReplicaId())},
         .snapshot_index = Index(2),
         .snapshot_ballot = kB2,
         .at_snapshot = kB1,
         .entries = {entry(3, kC3)}});
  const Output output = a.step(Tick{});
  EXPECT_EQ(output.persist.truncate_from, Index(3));
  EXPECT_EQ(a.last(), Index(2));
  EXPECT_EQ(a.status().damaged, 0u);
}

// Below the snapshot as well: it may be this one that cannot be read some day.
TEST(Section7, WhatStandsBelowAnotherEntryIsDiscardedAfterARestartToo) {
  One a({.hard_state = {.promised = of(3, ReplicaId()), .committed = Index(4)},
         .snapshot_index = Index(7),
         .snapshot_ballot = kB2,
         .at_snapshot = kB1,
         .doubtful = {Index(5), Index(6), Index(7)}});
  const Output output = a.step(Tick{});
  EXPECT_EQ(output.persist.truncate_from, Index(5));
  ASSERT_TRUE(output.persist.hard_state);
  EXPECT_EQ(output.persist.hard_state->committed, Index(7));
}
TEST(Section7, WhatStandsBelowTheSnapshotsOwnEntryStays) {
  One a({.hard_state = {.promised = of(3, ReplicaId()), .committed = Index(4)},
         .snapshot_index = Index(7),
         .snapshot_ballot = kB2,
         .at_snapshot = kB2,
         .doubtful = {Index(5), Index(6), Index(7)},
         .entries = {entry(8, kB2)}});
  EXPECT_FALSE(a.step(Tick{}).persist.truncate_from);
  EXPECT_EQ(a.last(), Index(8));
}
// The hint speaks of what was committed, not of what the journal holds: below a hole may stand what a snapshot
// replaced.
TEST(Section7, TheCommittedHintCountsOnlyIfTheLogReachesIt) {
  Recovered recovered = with({entry(1, kB1), entry(2, kB1), entry(3, kB1)});
  recovered.hard_state.committed = Index(3);
  EXPECT_THAT(One(recovered).step(Tick{}).committed, SizeIs(3));
  recovered.hard_state.committed = Index(5);
  recovered.damaged = {Index(4), Index(5)};
  EXPECT_THAT(One(recovered).step(Tick{}).committed, IsEmpty());
}

// ---------------------------------------------------------------- lost positions (B37; ADR 8)

TEST(Loss, WhoLostSomethingDoesNotVoteUntilItHasALeadersLogAgain) {
  One a({.hard_state = {.promised = of(2, ReplicaId())},
         .entries = {entry(1, kB1), entry(3, kB2), entry(4, kB2)},
         .damaged = {Index(2)}});
  const Output first = a.step(Tick{});
  EXPECT_EQ(first.persist.truncate_from, Index(2));
  EXPECT_EQ(first.persist.hard_state->owed, Index(4));
  EXPECT_GT(a.status().damaged, 0u);
  a.wait(500);
  EXPECT_THAT(sent<RequestVote>(a.step(Tick{}).send), IsEmpty()) << "nor stands";
  EXPECT_FALSE(granted(a.get(kC, request(of(3, kC), 9, kB2))));
  Append part = append(of(4, kC), 1, kB1, {entry(2, kB1)});
  part.last = Index(3);
  a.get(kC, part);
  EXPECT_GT(a.status().damaged, 0u) << "the leader has more";
  const Output rest = a.get(kC, append(of(4, kC), 2, kB1, {entry(3, of(4, kC))}));
  EXPECT_EQ(rest.persist.hard_state->owed, Index());
  EXPECT_EQ(a.status().damaged, 0u);
  a.wait(300);
  EXPECT_TRUE(granted(a.get(kB, request(of(5, kB), 9, of(4, kC)))));
}
TEST(Loss, ItIsNotForgottenByARestart) {
  One a({.hard_state = {.promised = of(2, ReplicaId()), .owed = Index(4)}, .entries = {entry(1, kB1)}});
  a.settle_in();
  EXPECT_FALSE(granted(a.get(kC, request(of(3, kC), 9, kB2))));
}
// Whether what follows the snapshot follows its entry cannot be told: it may have been acknowledged.
TEST(Loss, WhatFollowsSomethingUnreadableAtTheSnapshotIsOwed) {
  One a({.hard_state = {.promised = of(3, ReplicaId())},
         .snapshot_index = Index(2),
         .snapshot_ballot = kB2,
         .at_snapshot = Ballot{},
         .entries = {entry(3, kC3)}});
  const Output output = a.step(Tick{});
  EXPECT_EQ(output.persist.truncate_from, Index(3));
  EXPECT_EQ(output.persist.hard_state->owed, Index(3));
}
TEST(Loss, ASnapshotMakesUpForIt) {
  One a({.hard_state = {.promised = of(2, ReplicaId()), .owed = Index(4)}, .entries = {entry(1, kB1)}});
  const Output output = a.step(SnapshotInstalled{.index = Index(5), .ballot = kB2});
  EXPECT_EQ(output.persist.hard_state->owed, Index());
}

}  // namespace
}  // namespace conclave::raft
