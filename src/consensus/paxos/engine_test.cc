// One engine, message by message: what it answers, what it makes durable first, what it refuses.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/log.h"
#include "consensus/paxos/testing_one.h"

namespace conclave::paxos::engine_test {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

TEST(Engine, APromiseWaitsForTheDiskAndNamesWhatWasAccepted) {  // PX-08, PX-10
  One a({.hard_state = {.promised = kB1}, .entries = {entry(1, kB1, "x"), entry(3, kB1, "y")}});
  a.step(Tick{});
  a.wait(200);
  const Output output = a.get(kC, Prepare{.ballot = {515, kC}, .from_index = Index(1), .proof = {}});
  EXPECT_EQ(output.persist.hard_state->promised, (Ballot{515, kC}));
  EXPECT_THAT(sent<Promise>(output.send), IsEmpty());
  const auto promises = sent<Promise>(output.send_when_durable);
  ASSERT_THAT(promises, SizeIs(1));
  EXPECT_THAT(promises[0].entries, testing::ElementsAre(entry(1, kB1, "x"), entry(3, kB1, "y")));
  EXPECT_EQ(promises[0].covers_to, kEnd);
}

TEST(Engine, ALongPromiseIsSplitWithoutGaps) {
  Config config;
  config.message_bytes_max = 2;
  One a({.hard_state = {.promised = kB1}, .entries = {entry(1, kB1, "x"), entry(2, kB1, "y"), entry(9, kB1, "long")}},
        config);
  a.step(Tick{});
  a.wait(200);
  const Output output = a.get(kC, Prepare{.ballot = {515, kC}, .from_index = Index(1), .proof = {}});
  const auto parts = sent<Promise>(output.send_when_durable);
  ASSERT_THAT(parts, SizeIs(2));
  EXPECT_EQ(parts[0].covers_from, Index(1));
  EXPECT_EQ(parts[0].covers_to, Index(8));
  EXPECT_EQ(parts[1].covers_from, Index(9));
  EXPECT_EQ(parts[1].covers_to, kEnd);
}

TEST(Engine, P1a_NothingBelowThePromiseIsPromisedOrAccepted) {
  One a({.hard_state = {.promised = kB2}});
  a.step(Tick{});
  a.wait(200);
  for (const Output& output :
       {a.get(kC, Prepare{.ballot = kC1, .from_index = Index(1), .proof = {}}),
        a.get(kC, Accept{kC1, Index(0), {}, {entry(1, kC1, "x")}}), a.get(kC, Heartbeat{kC1, Index(0), {}})}) {
    ASSERT_THAT(sent<Nack>(output.send), SizeIs(1));
    EXPECT_EQ(sent<Nack>(output.send)[0].promised, kB2);
    EXPECT_EQ(output.persist.number, 0u);
    EXPECT_THAT(output.send_when_durable, IsEmpty());
  }
}

TEST(Engine, ALeasePromiseRefusesOthersUntilItEndsAlsoAfterARestart) {  // CH-12
  One a;
  const Prepare prepare{.ballot = {515, kC}, .from_index = Index(1), .proof = {}};
  EXPECT_THAT(sent<Nack>(a.get(kC, prepare).send), SizeIs(1));  // just restarted: it may have promised before
  a.wait(200);
  a.get(kB, Heartbeat{kB1, Index(0), {}});
  a.wait(199);
  EXPECT_THAT(sent<Nack>(a.get(kC, prepare).send), SizeIs(1));
  EXPECT_FALSE(sent<PreVoteReply>(a.get(kC, PreVote{1}).send)[0].granted);
  EXPECT_TRUE(sent<PreVoteReply>(a.get(kB, PreVote{1}).send)[0].granted);  // the master itself may ask
  a.wait(1);
  EXPECT_TRUE(sent<PreVoteReply>(a.get(kC, PreVote{2}).send)[0].granted);
  EXPECT_THAT(sent<Promise>(a.get(kC, prepare).send_when_durable), SizeIs(1));
}

TEST(Engine, OnlyTheRightProofLiftsTheLeasePromise) {
  One a;
  a.wait(200);
  a.get(kB, Heartbeat{kB1, Index(0), {}});
  EXPECT_THAT(sent<Nack>(a.get(kC, Prepare{.ballot = {515, kC}, .from_index = Index(1), .proof = kC1}).send),
              SizeIs(1));
  EXPECT_THAT(
      sent<Promise>(a.get(kC, Prepare{.ballot = {515, kC}, .from_index = Index(1), .proof = kB1}).send_when_durable),
      SizeIs(1));
}

TEST(Engine, PrepareLeavesOnlyWithItsOwnPromiseDurableAndWithoutPreVotesNotAtAll) {
  One a;
  a.step(Tick{});
  a.wait(500);
  const Output asks = a.step(Tick{});
  EXPECT_THAT(sent<PreVote>(asks.send), SizeIs(2));
  EXPECT_EQ(asks.persist.number, 0u);
  const Output prepares = a.get(kC, PreVoteReply{.attempt = 1, .granted = true});
  EXPECT_EQ(prepares.persist.hard_state->promised, (Ballot{257, kA}));
  EXPECT_THAT(sent<Prepare>(prepares.send_when_durable), SizeIs(2));
  EXPECT_THAT(prepares.send, IsEmpty());
  EXPECT_EQ(prepares.role->role, Role::candidate);
  // One foreign promise is no quorum while our own is not durable.
  const Promise promise{{257, kA}, Index(0), Index(1), kEnd, {}};
  EXPECT_FALSE(a.get(kB, promise).role);
  EXPECT_EQ(a.durable().role->role, Role::master);
}

TEST(Engine, OwnAcceptanceCountsOnlyWhenDurable) {
  One a;
  ASSERT_EQ(a.lead().role->role, Role::master);
  const Output proposed = a.step(Propose{.cookie = 1, .payloads = {Blob("x")}});
  EXPECT_THAT(sent<Accept>(proposed.send), SizeIs(1));  // B's place is known; C has not been heard of yet
  EXPECT_THAT(a.get(kB, Accepted{{257, kA}, Index(1), Index(1), Index(0), {}}).committed, IsEmpty());
  EXPECT_THAT(a.durable().committed, SizeIs(1));
}

TEST(Engine, B20_APersistOfAnOlderBallotCountsForNothing) {
  One a;
  ASSERT_EQ(a.lead().role->role, Role::master);
  const Output proposed = a.step(Propose{.cookie = 1, .payloads = {Blob("x")}});
  a.get(kB, Accept{kB1, Index(0), {}, {entry(1, kB1, "y")}});  // deposed; the slot is written again
  const Output old = a.step(Persisted{proposed.persist.number});
  EXPECT_THAT(old.committed, IsEmpty());
  // The acknowledgement of the heartbeat says so, too: received, not durable.
  const auto acks = sent<HeartbeatAck>(a.get(kB, Heartbeat{kB1, Index(0), {}}).send);
  ASSERT_THAT(acks, SizeIs(1));
  EXPECT_EQ(acks[0].received, Index(1));
  EXPECT_EQ(acks[0].durable, Index(0));
  a.durable();
  EXPECT_EQ(sent<HeartbeatAck>(a.get(kB, Heartbeat{kB1, Index(0), {}}).send)[0].durable, Index(1));
}

TEST(Engine, P2c_TheHighestNumberedProposalIsProposedAgain) {
  One a({.hard_state = {.promised = {1, kA}}, .entries = {entry(1, {1, kA}, "mine")}});
  const Output output = a.lead({{257, kA}, Index(0), Index(1), kEnd, {entry(1, {2, kB}, "newer")}});
  EXPECT_EQ(output.role->role, Role::synchronising);
  const auto accepts = sent<Accept>(output.send);
  ASSERT_FALSE(accepts.empty());
  EXPECT_EQ(accepts[0].entries.at(0), entry(1, {257, kA}, "newer"));
}

TEST(Engine, AFollowerAppliesOnlyWhatItAcceptedUnderTheMastersBallot) {
  One a({.hard_state = {.promised = kB1}, .entries = {entry(1, kB1, "stale")}});
  EXPECT_THAT(a.get(kC, Heartbeat{{515, kC}, Index(1), {}}).committed, IsEmpty());
  const Output output = a.get(kC, Accept{{515, kC}, Index(1), {}, {entry(1, {515, kC}, "true")}});
  ASSERT_THAT(output.committed, SizeIs(1));
  EXPECT_EQ(output.committed[0].payload.view(), "true");
}

TEST(Engine, LearningKeepsAnAcceptanceUnderAHigherBallot) {
  One a({.hard_state = {.promised = kB2}, .entries = {entry(1, kB2, "x"), entry(2, kB2, "z")}});
  const Output output = a.get(kC, Learned{Index(2), {entry(1, kB1, "x"), entry(2, kB1, "y")}});
  EXPECT_THAT(output.committed, testing::ElementsAre(entry(1, kB2, "x"), entry(2, kB1, "y")));
  EXPECT_THAT(output.persist.entries, testing::ElementsAre(entry(2, kB1, "y")));
  EXPECT_THAT(a.get(kC, Learned{Index(9), {entry(9, kB1, "gap")}}).committed, IsEmpty());
}

TEST(Engine, ASnapshotVoidsWhatWasNeverKnownToBeChosen) {
  One a({.hard_state = {.promised = kB1}, .entries = {entry(2, kB1, "x"), entry(7, kB1, "y")}});
  const Output output = a.step(SnapshotInstalled{Index(5), kB2});
  EXPECT_THAT(output.persist.entries, testing::ElementsAre(Entry{.index = Index(2)}));
  EXPECT_EQ(output.persist.hard_state->committed, Index(5));
  EXPECT_THAT(output.committed, IsEmpty());
  EXPECT_EQ(a.status().committed, Index(5));
  EXPECT_EQ(a.status().last, Index(7));
  EXPECT_EQ(a.step(SnapshotInstalled{Index(4), kB2}).persist.number, 0u);  // older: nothing
  // After a restart from an older snapshot the void position is a hole.
  One again({.hard_state = {.promised = kB1, .committed = Index(5)},
             .entries = {entry(1, kB1, "a"), Entry{.index = Index(2)}}});
  EXPECT_THAT(again.step(Tick{}).committed, IsEmpty());
}

// The hint speaks of what was chosen, not of what the journal holds: below a hole may stand what a snapshot replaced.
TEST(Engine, TheCommittedHintCountsOnlyIfNoPositionIsMissing) {
  Recovered recovered{.hard_state = {.promised = kB1, .committed = Index(3)},
                      .entries = {entry(1, kB1, "a"), entry(2, kB1, "b"), entry(3, kB1, "c")}};
  EXPECT_THAT(One(recovered).step(Tick{}).committed, SizeIs(3));
  recovered.hard_state.committed = Index(5);
  recovered.damaged = {Index(4), Index(5)};
  EXPECT_THAT(One(recovered).step(Tick{}).committed, IsEmpty());
}

// The crash came when the snapshot of a peer was durable and what it voided was not.
TEST(Engine, WhatASnapshotMayHaveReplacedIsVoidAfterARestart) {
  One a({.hard_state = {.promised = kB1, .committed = Index(5)},
         .snapshot_index = Index(9),
         .snapshot_ballot = kB2,
         .doubtful = {Index(6), Index(8)},
         .entries = {entry(10, kB1, "x")}});
  const Output output = a.step(Tick{});
  EXPECT_THAT(output.persist.entries, testing::ElementsAre(Entry{.index = Index(6)}, Entry{.index = Index(8)}));
  ASSERT_TRUE(output.persist.hard_state);
  EXPECT_EQ(output.persist.hard_state->committed, Index(9));
}

TEST(Engine, LearnBeyondMemoryAsksForASnapshotOnceASecond) {
  One a({.snapshot_index = Index(10)});
  ASSERT_THAT(a.get(kB, Learn{Index(5)}).snapshots_needed, SizeIs(1));
  EXPECT_THAT(a.get(kB, Learn{Index(5)}).snapshots_needed, IsEmpty());
  a.wait(1000);
  const Output output = a.get(kB, Learn{Index(5)});
  ASSERT_THAT(output.snapshots_needed, SizeIs(1));
  EXPECT_EQ(output.snapshots_needed[0].at_least, Index(10));
  EXPECT_EQ(sent<Learned>(a.get(kB, Learn{Index(11)}).send).at(0).committed, Index(10));
}

TEST(Engine, MalformedAndForeignMessagesAreDroppedWithAReason) {
  std::vector<std::string> lines;
  log::set_sink([&](log::Level, std::string_view, std::string_view message, log::Fields fields) {
    lines.emplace_back(message);
    for (const auto& field : fields) lines.back() += " " + field.value;
  });
  One a;
  a.wait(300);
  const auto nothing = [](const Output& o) {
    return o.send.empty() && o.send_when_durable.empty() && o.persist.number == 0 && !o.role;
  };
  EXPECT_TRUE(nothing(a.step(MessageReceived{kB, {.type = 99, .header = "junk", .entries = {}}})));
  EXPECT_TRUE(nothing(a.step(MessageReceived{kB, {.type = 5, .header = "\1", .entries = {}}})));
  EXPECT_TRUE(nothing(a.get(ReplicaId(9), Heartbeat{kB1, Index(0), {}})));
  EXPECT_TRUE(nothing(a.get(kA, Heartbeat{{257, kA}, Index(0), {}})));
  EXPECT_TRUE(nothing(a.get(kC, Heartbeat{kB1, Index(0), {}})));  // another's ballot
  EXPECT_TRUE(nothing(a.get(kB, TransferNow{kB1})));              // not followed
  const uint64_t far = uint64_t{1} << 40;
  EXPECT_THAT(a.get(kB, Accept{kB1, Index(0), {}, {entry(far, kB1, "x")}}).persist.entries, IsEmpty());
  log::set_sink({});
  EXPECT_THAT(lines, SizeIs(7));
  for (const std::string& line : lines) EXPECT_EQ(line.find("dropped a message"), 0u) << line;
}

// Replica C, of which `members` says what it is.
class ReplicaC {
 public:
  ReplicaC(std::vector<Member> members, DiskId disk) {
    engine_ = make_engine({.self = kC, .disk = disk, .members = std::move(members)}, {});
    step(Tick{});
    now_ = now_ + Duration::seconds(2);
  }
  Output step(EventBody body) { return engine_->step({now_, std::move(body)}); }
  Output get(Body body) { return step(MessageReceived{kB, encode(std::move(body))}); }

 private:
  std::unique_ptr<Engine> engine_;
  Instant now_{0};
};

// Who asks may know of a membership in which it votes, which it does not know of yet.
TEST(Engine, AnObserverDoesNotCampaignAndAnswersWhoCountsOnIt) {
  ReplicaC c({{kA}, {kB}, {kC, false}}, {});
  EXPECT_THAT(c.step(Tick{}).send, IsEmpty());
  EXPECT_TRUE(sent<PreVoteReply>(c.get(PreVote{1}).send).at(0).granted);
  EXPECT_THAT(c.get(Prepare{kB1, Index(1), {}}).send_when_durable, SizeIs(1));
  const Output output = c.get(Accept{kB1, Index(0), {}, {entry(1, kB1, "x")}});
  EXPECT_THAT(output.send_when_durable, SizeIs(1));
  EXPECT_EQ(output.role->role, Role::observer);
}

// Its number is that of a voter whose disk was another one: what that promised and accepted is lost (B38).
TEST(Engine, WhoLostItsDiskNeitherPromisesNorAcceptsNorCampaigns) {
  ReplicaC c({{kA}, {kB}, {kC, true, DiskId(7)}}, DiskId(8));
  EXPECT_THAT(c.step(Tick{}).send, IsEmpty());
  EXPECT_THAT(c.get(PreVote{1}).send, IsEmpty());
  EXPECT_THAT(c.get(Prepare{kB1, Index(1), {}}).send_when_durable, IsEmpty());
  EXPECT_THAT(c.get(Accept{kB1, Index(0), {}, {entry(1, kB1, "x")}}).send_when_durable, IsEmpty());
  const Output output = c.get(Heartbeat{kB1, Index(0), {}});
  EXPECT_TRUE(sent<HeartbeatAck>(output.send).at(0).abstains);
  EXPECT_EQ(output.role->role, Role::observer);
  EXPECT_THAT(c.get(Learned{Index(1), {entry(1, kB1, "x")}}).committed, SizeIs(1));
}

TEST(Engine, WhoKnowsOfNoCellYetAbstains) {
  ReplicaC c({}, DiskId(8));
  EXPECT_THAT(c.step(Tick{}).send, IsEmpty());
  EXPECT_THAT(c.get(Prepare{kB1, Index(1), {}}).send_when_durable, IsEmpty());
  const auto learn = [&](uint64_t index, const Membership& membership) {
    c.get(Learned{Index(index), {{Index(index), kB1, EntryKind::membership, Blob(encode_membership(membership))}}});
  };
  learn(1, {.version = 3, .members = {{kA}, {kB}, {kC, false}}});
  EXPECT_THAT(c.get(Prepare{kB1, Index(2), {}}).send_when_durable, IsEmpty()) << "any disk may be meant (B38)";
  learn(2, {.version = 4, .members = {{kA}, {kB}, {kC, false, DiskId(8)}}});
  EXPECT_THAT(c.get(Prepare{kB1, Index(3), {}}).send_when_durable, SizeIs(1));
}

TEST(Engine, StatusShowsThePeersOfAMasterOnly) {
  One a;
  EXPECT_THAT(a.status().peers, IsEmpty());
  ASSERT_EQ(a.lead().role->role, Role::master);
  const EngineStatus status = a.status();
  EXPECT_EQ(status.role, Role::master);
  EXPECT_EQ(status.master, kA);
  ASSERT_THAT(status.peers, SizeIs(2));
  EXPECT_EQ(status.peers[0].since_heard, Duration{-1});
  EXPECT_FALSE(status.lease_valid);
  a.get(kB, HeartbeatAck{{257, kA}, {a.now, 0}, Index(0), Index(0), Index(0), Index(0)});
  EXPECT_TRUE(a.status().lease_valid);
  EXPECT_EQ(a.status().peers[0].since_heard, Duration{0});
}

// ---------------------------------------------------------------- peers that say what no honest one does

TEST(Hostile, WithoutABallotLeftItDoesNotCampaign) {
  One one;
  one.step(Tick{});
  one.wait(500);
  one.step(Tick{});
  const Ballot last{UINT32_MAX - 255 + kB.value, kB};
  const Output output = one.get(kB, PreVoteReply{.attempt = 1, .granted = true, .promised = last});
  EXPECT_FALSE(output.persist.hard_state.has_value()) << "there is no ballot above this one";
  EXPECT_EQ(one.status().role, Role::follower);
  one.wait(500);
  one.step(Tick{});  // and tries again, in vain
  EXPECT_EQ(one.status().role, Role::follower);
}

TEST(Hostile, APromiseOfSlotsThatNobodyCanHaveReachedIsDropped) {
  One one;
  const Promise promise{.ballot = {257, kA},
                        .committed = Index(0),
                        .covers_from = Index(1),
                        .covers_to = kEnd,
                        .entries = {entry(uint64_t{1} << 50, {1, kA}, "far")}};
  const Output output = one.lead(promise);  // filling the holes below would never end
  EXPECT_THAT(output.persist.entries, IsEmpty());
  EXPECT_EQ(one.status().role, Role::candidate);
}

}  // namespace
}  // namespace conclave::paxos::engine_test
