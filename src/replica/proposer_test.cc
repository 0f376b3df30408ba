// What the master takes, evaluates, proposes and answers (M1 … M4).
#include <gtest/gtest.h>

#include "replica/testing_proposer.h"

namespace conclave::replica {
namespace {

TEST_F(ProposerTest, M3_AMastershipBeginsWithItsEpochStart) {
  begin(2);
  settle();
  ASSERT_EQ(log.size(), 1u);
  EXPECT_EQ(service.last_zxid(), Zxid(Epoch(2), 1));
}

TEST_F(ProposerTest, M1_TakesEachSequenceOnceAndOnlyTheNext) {
  begin();
  proposer.take(kPeer, from_peer(1, {create("/a"), create("/b")}), now, 0);
  proposer.take(kPeer, from_peer(1, {create("/a"), create("/b")}), now, 0);  // went back: already taken
  proposer.take(kPeer, from_peer(4, {create("/d")}), now, 0);                // 3 is missing
  settle();
  EXPECT_TRUE(service.exists("/a"));
  EXPECT_TRUE(service.exists("/b"));
  EXPECT_FALSE(service.exists("/d"));
  EXPECT_TRUE(answers.empty());
  proposer.take(kPeer, from_peer(3, {create("/c"), create("/d")}), now, 0);
  settle();
  EXPECT_TRUE(service.exists("/d"));
  EXPECT_EQ(results.back().origin, (state::RequestTag{kPeer, kPeerIncarnation, 1004}));
}

// All sessions of a cell may expire at once, and the engine refuses whole what it has no room for.
TEST_F(ProposerTest, MoreFactsThanTheEngineTakesAtOnceArePartedM2) {
  begin();
  settle();
  constexpr int64_t kSessions = 10;
  for (int64_t id = 1; id <= kSessions; ++id) {
    proposer.take(kPeer, from_peer(static_cast<uint64_t>(id), {open_session(SessionId(id), 1000)}), now, 0);
    settle();
  }
  ASSERT_EQ(service.session_count(), static_cast<size_t>(kSessions));
  for (int i = 0; i < 20; ++i) {
    now = now + Duration::millis(100);
    proposer.on_tick(now, 0);
  }
  settle();
  EXPECT_EQ(service.session_count(), 0u);
}

TEST_F(ProposerTest, RequestsForAnotherEpochAreNotOurs) {
  begin(2);
  proposer.take(kPeer, from_peer(1, {create("/a")}, 7), now, 0);
  settle();
  EXPECT_FALSE(service.exists("/a"));
}

TEST_F(ProposerTest, ARefusalIsAnsweredAgainUntilTheOriginHasIt) {
  begin();
  proposer.take(kPeer, from_peer(1, {set("/missing", "x")}), now, 0);
  proposer.flush();
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(code(0), Code::no_node);
  proposer.take(kPeer, from_peer(1, {set("/missing", "x")}), now, 0);  // the answer was lost
  ASSERT_EQ(answers.size(), 2u);
  Forward next = from_peer(2, {create("/a")});
  next.answered_below = 2;
  proposer.take(kPeer, std::move(next), now, 0);
  proposer.take(kPeer, from_peer(1, {set("/missing", "x")}), now, 0);
  EXPECT_EQ(answers.size(), 2u);
}

TEST_F(ProposerTest, ANewProcessOfAnOriginStartsAgainAtOne) {
  begin();
  proposer.take(kPeer, from_peer(1, {create("/a")}), now, 0);
  Forward reborn = from_peer(1, {create("/b")});
  reborn.incarnation = kPeerIncarnation + 1;
  proposer.take(kPeer, std::move(reborn), now, 0);
  settle();
  EXPECT_TRUE(service.exists("/b"));
}

// Found by the simulator: the first frame of a stream that had ended began it again, and its requests were done twice.
TEST_F(ProposerTest, M1_NothingOfAFormerStreamIsTakenAgain) {
  begin();
  const Forward first = from_peer(1, {create("/n"), set("/n", "old", -1)});
  proposer.take(kPeer, first, now, 0);
  Forward second = from_peer(1, {set("/n", "new", -1)});
  second.incarnation = kPeerIncarnation + 1;
  proposer.take(kPeer, second, now, 0);
  proposer.take(kPeer, first, now, 0);
  proposer.take(kPeer, second, now, 0);
  settle();
  EXPECT_EQ(service.stat("/n", {})->version, 2);
  EXPECT_EQ(service.get("/n", {})->data, "new");
  begin(3);  // the next mastership knows no stream yet
  Forward again = first;
  again.epoch = Epoch(3);
  proposer.take(kPeer, again, now, 0);
  settle();
  EXPECT_EQ(service.get("/n", {})->data, "old");
}

// Numbers of requests begin anew with every process.
TEST_F(ProposerTest, AFactOfAFormerProcessIsNotTheAnswerOfTheNextOne) {
  begin();
  proposer.take(kPeer, from_peer(1, {create("/a")}), now, 0);
  proposer.flush();
  Forward reborn = from_peer(1, {set("/missing", "x")});  // has the number of the fact
  reborn.incarnation = kPeerIncarnation + 1;
  lease_valid = false;
  proposer.take(kPeer, reborn, now, 0);
  proposer.flush();
  apply_all();
  ASSERT_EQ(barriers.size(), 1u);
  proposer.on_read_granted(barriers[0], Index(9));
  ASSERT_EQ(answers.size(), 1u);
  proposer.take(kPeer, reborn, now, 0);  // the answer was lost
  EXPECT_EQ(answers.size(), 2u);
}

TEST_F(ProposerTest, MoreThanFitsInFlightWaitsInOrder) {
  begin();
  std::vector<state::Request> requests{create("/n")};
  for (int i = 0; i < 20; ++i) requests.push_back(set("/n", std::to_string(i), i));
  proposer.take(kPeer, from_peer(1, requests), now, 0);
  EXPECT_EQ(proposer.figures().in_flight, 4u);
  EXPECT_EQ(proposer.figures().backlog, 18u);
  settle();
  EXPECT_EQ(service.stat("/n", {})->version, 20);
  EXPECT_EQ(proposer.figures().in_flight, 0u);
  EXPECT_EQ(proposer.figures().backlog, 0u);
}

TEST_F(ProposerTest, M2_ABatchTheEngineRefusesIsOfferedAgainFirst) {
  begin();
  settle();
  engine_refuses = true;
  proposer.take(kPeer, from_peer(1, {create("/a")}), now, 0);
  proposer.flush();
  proposer.take(kPeer, from_peer(2, {create("/b")}), now, 0);
  proposer.flush();
  EXPECT_EQ(log.size(), 1u);
  engine_refuses = false;
  proposer.on_tick(now, 0);
  settle();
  EXPECT_TRUE(service.exists("/a"));
  EXPECT_TRUE(service.exists("/b"));
}

TEST_F(ProposerTest, WhatWasRefusedWhileTheMembersChangedIsOfferedWhenTheyHave) {
  begin();
  settle();
  engine_refuses = true;
  proposer.take(kPeer, from_peer(1, {create("/a")}), now, 0);
  proposer.flush();
  proposer.take(kPeer, from_peer(2, {create("/b")}), now, 0);  // waits for room
  engine_refuses = false;
  proposer.offer_again(now, 0);
  settle();
  EXPECT_TRUE(service.exists("/a"));
  EXPECT_TRUE(service.exists("/b")) << "without waiting for a tick";
}

// ---------------------------------------------------------------- the members

TEST_F(ProposerTest, AReconfigurationWaitsAndIsThenTheWritingOfTheConfiguration) {
  begin();
  settle();
  const state::Request request{
      .session = {}, .identities = state::super_identities(), .body = state::ReconfigRequest{}};
  reconfiguration = false;
  proposer.take(kPeer, from_peer(1, {request, create("/behind")}), now, 0);
  settle();
  ASSERT_EQ(tickets.size(), 1u);
  EXPECT_FALSE(service.exists("/behind")) << "later requests of its line wait for it";
  reconfiguration = true;
  config = "server.1=...";
  proposer.release(tickets[0], now, 0);
  settle();
  EXPECT_EQ(service.get("/zookeeper/config", state::super_identities())->data, "server.1=...");
  EXPECT_TRUE(service.exists("/behind"));
  const size_t before = log.size();
  proposer.publish_members(now, 0);
  settle();
  EXPECT_EQ(log.size(), before) << "it is written already";
}

TEST_F(ProposerTest, AReconfigurationThatCannotBeIsRefusedAndOneWithoutPermissionIsNotEvenLookedAt) {
  begin();
  settle();
  state::Request request{.session = {}, .identities = state::super_identities(), .body = state::ReconfigRequest{}};
  reconfiguration = std::unexpected(Code::bad_version);
  proposer.take(kPeer, from_peer(1, {request}), now, 0);
  settle();
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(code(0), Code::bad_version);
  request.identities.clear();
  proposer.take(kPeer, from_peer(2, {request}), now, 0);
  settle();
  ASSERT_EQ(answers.size(), 2u);
  EXPECT_EQ(code(1), Code::no_auth);
  EXPECT_EQ(tickets.size(), 1u);
}

TEST_F(ProposerTest, TheMembersArePublishedWhenTheyAreOthers) {
  begin();
  settle();
  config = "one";
  proposer.publish_members(now, 0);
  proposer.publish_members(now, 0);
  settle();
  EXPECT_EQ(service.get("/zookeeper/config", state::super_identities())->data, "one");
  EXPECT_EQ(log.size(), 2u);
}

TEST_F(ProposerTest, M4_ARefusalWaitsUntilNobodyCanHaveReplacedTheMaster) {
  begin();
  settle();
  lease_valid = false;
  proposer.take(kPeer, from_peer(1, {set("/missing", "x"), create("/later")}), now, 0);
  proposer.flush();
  EXPECT_TRUE(answers.empty());
  EXPECT_EQ(log.size(), 1u) << "what was evaluated later would overtake the answer";
  proposer.on_read_granted(barriers.back(), Index(9));
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(code(0), Code::no_node);
  proposer.flush();
  EXPECT_EQ(log.size(), 2u);
}

TEST_F(ProposerTest, OneTurnIsOneProposalAndOneBarrier) {
  begin();
  settle();
  lease_valid = false;
  proposals = 0;
  proposer.take(kPeer, from_peer(1, {create("/a"), create("/b"), create("/c")}), now, 0);
  Forward syncs{Epoch(2), kPeerIncarnation, 4, 1, {{ForwardKind::sync, 1, Blob()}, {ForwardKind::sync, 2, Blob()}}};
  proposer.take(kPeer, std::move(syncs), now, 0);
  proposer.flush();
  EXPECT_EQ(proposals, 1);
  ASSERT_EQ(barriers.size(), 1u);
  proposer.on_read_granted(barriers[0], Index(9));
  ASSERT_EQ(answers.size(), 2u);
  EXPECT_EQ(answers[1].second.after_index, Index(9));
}

TEST_F(ProposerTest, ARefusedBarrierIsAskedAgain) {
  begin();
  lease_valid = false;
  Forward sync{Epoch(2), kPeerIncarnation, 1, 1, {{ForwardKind::sync, 1, Blob()}}};
  proposer.take(kPeer, std::move(sync), now, 0);
  proposer.flush();
  proposer.on_read_refused(barriers[0]);
  proposer.flush();
  EXPECT_EQ(barriers.size(), 2u);
}

TEST_F(ProposerTest, ASessionThatStaysWhereItIsTakesABarrierAndOneThatMovesAFact) {  // M4
  begin();
  proposer.take(kPeer, from_peer(1, {open_session(SessionId(5), 1000)}), now, 0);
  settle();
  const size_t before = log.size();
  lease_valid = false;
  proposer.take(kPeer, from_peer(2, {resume_session(SessionId(5))}), now, 0);
  settle();
  EXPECT_TRUE(answers.empty());
  proposer.on_read_granted(barriers.back(), Index(9));
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(code(0), Code::ok);
  EXPECT_EQ(log.size(), before);

  lease_valid = true;
  proposer.take_own(ForwardKind::request, 1, resume_session(SessionId(5)), 7, now, 0);
  settle();
  EXPECT_EQ(log.size(), before + 1);
  EXPECT_EQ(service.session(SessionId(5))->owner, kSelf);
  proposer.take(
      kPeer, from_peer(3, {{.session = SessionId(5), .identities = {}, .body = state::CloseSessionRequest{}}}), now, 0);
  settle();
  ASSERT_EQ(answers.size(), 2u);
  EXPECT_EQ(code(1), Code::session_moved);
  EXPECT_TRUE(service.session(SessionId(5)));
}

TEST_F(ProposerTest, B52_AnEpochThatIsNearlyUsedUpIsGivenUp) {
  begin();
  std::vector<state::Request> requests{create("/n")};
  for (int i = 0; i < 998; ++i) requests.push_back(set("/n", "x"));
  proposer.take(kPeer, from_peer(1, requests), now, 0);
  for (int i = 0; i < 30; ++i) settle();
  EXPECT_EQ(service.last_zxid().counter(), 1000u);
  proposer.on_tick(now, 0);
  EXPECT_EQ(ballots_asked, 1);
}

TEST_F(ProposerTest, B52_WhatIsUnderWayAtTheEndOfAnEpochIsNotLost) {
  begin();
  std::vector<state::Request> requests{create("/n")};
  for (int i = 0; i < 994; ++i) requests.push_back(set("/n", "x"));
  proposer.take(kPeer, from_peer(1, requests), now, 0);
  for (int i = 0; i < 30; ++i) settle();
  EXPECT_EQ(service.last_zxid().counter(), 996u);
  proposer.take(kPeer, from_peer(996, std::vector(5, set("/n", "y"))), now, 0);  // one too many
  EXPECT_EQ(proposer.figures().in_flight, 4u);
  engine_refuses = true;
  proposer.on_tick(now, 0);
  EXPECT_EQ(ballots_asked, 0);
  engine_refuses = false;
  proposer.on_tick(now, 0);
  apply_all();
  EXPECT_EQ(service.last_zxid().counter(), 1000u);
  EXPECT_EQ(proposer.figures().backlog, 1u);
  proposer.on_tick(now, 0);
  EXPECT_EQ(ballots_asked, 1);
}

TEST_F(ProposerTest, MalformedForwardsAreNotTaken) {
  begin();
  Forward broken{Epoch(2), kPeerIncarnation, 1, 1, {{ForwardKind::request, 1, Blob("\xFF\xFF")}}};
  proposer.take(kPeer, std::move(broken), now, 0);
  proposer.take(kPeer, from_peer(1, {create("/a")}), now, 0);  // the same sequence, whole this time
  settle();
  EXPECT_TRUE(service.exists("/a"));
}

TEST_F(ProposerTest, TheNextMastershipStartsClean) {
  begin(2);
  proposer.take(kPeer, from_peer(1, {create("/lost")}), now, 0);
  proposer.end();
  EXPECT_FALSE(proposer.active());
  begin(3);
  proposer.take(kPeer, from_peer(1, {create("/a")}, 3), now, 0);
  settle();
  EXPECT_TRUE(service.exists("/a"));
  EXPECT_FALSE(service.exists("/lost"));
}

}  // namespace
}  // namespace conclave::replica
