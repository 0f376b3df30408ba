#include "replica/proposer.h"

#include <gtest/gtest.h>

#include "replica/outcome_codec.h"
#include "replica/testing_cell.h"

namespace conclave::replica {
namespace {

using state::Code;
using wire::peer::Answers;
using wire::peer::Forward;
using wire::peer::ForwardKind;

const ReplicaId kSelf(1), kPeer(2);
constexpr uint64_t kPeerIncarnation = 50;

Options test_options() {
  Options options{.cell = CellId(1)};
  options.consensus.self = kSelf;
  options.consensus.members = {{kSelf, true}, {kPeer, true}, {ReplicaId(3), true}};
  options.consensus.slots_in_flight_max = 4;
  options.transactions_in_flight_max = 4;
  options.evaluator.epoch_counter_high = 1000;
  return options;
}

// A proposer over a real state, with an engine that does what the test says.
class ProposerTest : public testing::Test, public ProposerPorts {
 protected:
  void propose(consensus::Propose proposal) override {
    if (engine_refuses || proposal.payloads.size() > options.consensus.slots_in_flight_max)
      return proposer.on_refused();
    for (const Blob& payload : proposal.payloads) log.push_back(payload);
    ++proposals;
  }
  void ask_read_barrier(uint64_t token) override {
    barriers.push_back(token);
    if (lease_valid) proposer.on_read_granted(token, Index(9));
  }
  void take_next_ballot() override { ++ballots_asked; }
  void answer(ReplicaId origin, Answers batch) override {
    for (auto& item : batch.items) answers.emplace_back(origin, std::move(item));
  }

  // Applies everything proposed so far.
  void apply_all() {
    for (; applied < log.size(); ++applied) {
      const auto txn = state::decode_transaction(log[applied].view());
      ASSERT_TRUE(txn);
      const state::Applied result = service.apply(*txn);
      EXPECT_FALSE(result.skipped);
      results.push_back(result);
      proposer.on_applied(result, log[applied].size(), now, 0);
    }
  }
  void settle() {
    for (int i = 0; i < 10; ++i) {
      proposer.flush();
      apply_all();
    }
  }
  void begin(uint32_t epoch = 2) { proposer.begin(Epoch(epoch), now, 1000); }
  Forward from_peer(uint64_t first_sequence, std::vector<state::Request> requests, uint32_t epoch = 2) {
    Forward forward{Epoch(epoch), kPeerIncarnation, first_sequence, 1, {}};
    for (uint64_t number = first_sequence + 1000; const state::Request& request : requests) {
      Bytes body;
      encode(request, &body);
      forward.items.push_back({ForwardKind::request, number++, Blob(std::move(body))});
    }
    return forward;
  }
  Code code(size_t i) { return decode_outcome(answers[i].second.outcome)->code; }

  const Options options = test_options();
  Instant now{1'000'000};
  state::Service service;
  Proposer proposer{service, options, *this};
  std::vector<Blob> log;
  size_t applied = 0;
  std::vector<state::Applied> results;
  std::vector<uint64_t> barriers;
  std::vector<std::pair<ReplicaId, Answers::Item>> answers;
  int proposals = 0;
  int ballots_asked = 0;
  bool engine_refuses = false;
  bool lease_valid = true;
};

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

TEST_F(ProposerTest, OnlyItsOwnerKeepsASessionAlive) {
  begin();
  proposer.take(kPeer, from_peer(1, {open_session(SessionId(5), 1000), open_session(SessionId(6), 1000)}), now, 0);
  settle();
  proposer.take_own(ForwardKind::request, 1, resume_session(SessionId(6)), 7, now, 0);
  settle();
  for (int i = 0; i < 30; ++i) {
    now = now + Duration::millis(100);
    for (const int64_t session : {5, 6}) proposer.touch(kPeer, SessionId(session), now);
    if (i % 2)
      proposer.take(kPeer, from_peer(3 + i / 2, {set("/n", "x", -1, SessionId(6))}), now, 0);  // refused: moved
    proposer.on_tick(now, 0);
    settle();
    if (i == 8) {
      EXPECT_TRUE(service.session(SessionId(6))) << "expired early";
    }
  }
  EXPECT_TRUE(service.session(SessionId(5)));
  EXPECT_FALSE(service.session(SessionId(6)));
}

TEST_F(ProposerTest, ResumingASessionIsASignOfItsLife) {
  begin();
  proposer.take(kPeer, from_peer(1, {open_session(SessionId(5), 1000), open_session(SessionId(6), 1000)}), now, 0);
  settle();
  for (int i = 0; i < 20; ++i) {
    if (i == 9) {
      proposer.take(kPeer, from_peer(3, {resume_session(SessionId(5))}), now, 0);
      proposer.take_own(ForwardKind::request, 1, resume_session(SessionId(6)), 7, now, 0);
    }
    now = now + Duration::millis(100);
    proposer.on_tick(now, 0);
    settle();
    if (i == 17) {
      EXPECT_EQ(service.session_count(), 2u);
    }
  }
  for (int i = 0; i < 10; ++i) {
    now = now + Duration::millis(100);
    proposer.on_tick(now, 0);
  }
  settle();
  EXPECT_EQ(service.session_count(), 0u);
}

TEST_F(ProposerTest, DueContainersAndSilentSessionsGoByTheMastersOwnRequests) {
  begin();
  settle();
  proposer.take(kPeer,
                from_peer(1, {open_session(SessionId(5), 1000), create("/c", "", state::NodeKind::container),
                              create("/e", "", state::NodeKind::ephemeral, SessionId(5))}),
                now, 0);
  settle();
  proposer.take(kPeer, from_peer(4, {create("/c/child")}), now, 0);
  settle();
  proposer.take(kPeer, from_peer(5, {{.session = {}, .identities = {}, .body = state::DeleteRequest{"/c/child"}}}), now,
                0);
  settle();
  for (int i = 0; i < 700; ++i) {
    now = now + Duration::millis(100);
    proposer.on_tick(now, 100'000);
    settle();
    if (i == 8) {
      EXPECT_TRUE(service.exists("/e")) << "expired early";
    }
  }
  EXPECT_FALSE(service.exists("/c"));
  EXPECT_FALSE(service.exists("/e"));
  EXPECT_FALSE(service.session(SessionId(5)));
}

TEST_F(ProposerTest, B48_ANewMasterGivesEverySessionItsWholeTimeout) {
  begin(2);
  settle();
  proposer.take(kPeer, from_peer(1, {open_session(SessionId(5), 1000)}), now, 0);
  settle();
  const auto wait = [&](int hundred_ms) {
    for (int i = 0; i < hundred_ms; ++i) {
      now = now + Duration::millis(100);
      proposer.on_tick(now, 0);
      settle();
    }
  };
  wait(9);
  proposer.end();
  begin(3);
  settle();
  wait(9);
  EXPECT_TRUE(service.session(SessionId(5))) << "nobody had told this master that the session lives";
  wait(20);
  EXPECT_FALSE(service.session(SessionId(5)));
}

TEST_F(ProposerTest, CH_39_ALostLockIsFreeAfterItsDelayWhichANewMasterBeginsAnew) {
  begin(2);
  settle();
  proposer.take(kPeer,
                from_peer(1, {open_session(SessionId(5), 1000),
                              create("/lock"),
                              {.session = SessionId(5),
                               .identities = {},
                               .body = state::AcquireLockRequest{.path = "/lock", .delay_ms = 3000}}}),
                now, 0);
  settle();
  ASSERT_TRUE(service.lock("/lock") != nullptr && service.lock("/lock")->is_held());
  const auto wait = [&](int hundred_ms) {
    for (int i = 0; i < hundred_ms; ++i) {
      now = now + Duration::millis(100);
      proposer.on_tick(now, 0);
      settle();
    }
  };
  while (service.session(SessionId(5))) wait(1);
  EXPECT_EQ(service.locks_lost().size(), 1u);
  wait(29);
  EXPECT_EQ(service.locks_lost().size(), 1u);
  proposer.end();
  begin(3);
  settle();
  wait(29);
  EXPECT_EQ(service.locks_lost().size(), 1u) << "this master has not seen so much of it pass";
  wait(2);
  EXPECT_TRUE(service.locks_lost().empty());
  EXPECT_TRUE(service.lock("/lock")->places().empty());
}

TEST_F(ProposerTest, CH_39_TheDelayOfADeletedLockEndsQuietly) {
  begin(2);
  proposer.take(kPeer,
                from_peer(1, {open_session(SessionId(5), 1000),
                              create("/lock"),
                              {.session = SessionId(5),
                               .identities = {},
                               .body = state::AcquireLockRequest{.path = "/lock", .delay_ms = 1000}}}),
                now, 0);
  settle();
  const auto wait = [&] {
    now = now + Duration::millis(100);
    proposer.on_tick(now, 0);
    settle();
  };
  while (service.session(SessionId(5))) wait();
  proposer.take(kPeer, from_peer(4, {{.session = {}, .identities = {}, .body = state::DeleteRequest{"/lock"}}}), now,
                0);
  settle();
  const Zxid zxid = service.last_zxid();
  for (int i = 0; i < 20; ++i) wait();
  EXPECT_EQ(service.last_zxid(), zxid);
  EXPECT_TRUE(answers.empty());
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
