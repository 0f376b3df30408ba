// What the gate holds before it is proposed (M5, ADR 12).
#include <gtest/gtest.h>

#include "replica/testing_proposer.h"

namespace conclave::replica {
namespace {

class ProposerGateTest : public ProposerTest {
 protected:
  // Closed for whatever changes this path.
  void close_for(std::string path) {
    gate = [path = std::move(path)](const state::Transaction& txn) {
      const auto* set_data = std::get_if<state::SetDataTxn>(&txn.facts.front());
      return set_data == nullptr || set_data->path != path;
    };
  }
  state::Request of_session(int64_t session, state::Request request) {
    request.session = SessionId(session);
    return request;
  }
  void SetUp() override {
    begin();
    proposer.take(kPeer, from_peer(1, {create("/a"), create("/b"), open_session(SessionId(7), 1000)}), now, 0);
    settle();
    proposer.take(kPeer, from_peer(4, {open_session(SessionId(8), 1000)}), now, 0);
    settle();
    close_for("/a");
  }
};

TEST_F(ProposerGateTest, M5_WhatIsHeldIsDoneWhenItIsReleased) {
  proposer.take(kPeer, from_peer(5, {of_session(7, set("/a", "new"))}), now, 0);
  settle();
  EXPECT_EQ(service.get("/a", {})->data, "");
  EXPECT_EQ(proposer.figures().held, 1u);
  ASSERT_EQ(tickets.size(), 1u);
  gate = nullptr;
  proposer.release(tickets[0], now, 0);
  settle();
  EXPECT_EQ(service.get("/a", {})->data, "new");
  EXPECT_EQ(proposer.figures().held, 0u);
  proposer.release(tickets[0], now, 0);  // known no more
  settle();
  EXPECT_EQ(service.stat("/a", {})->version, 1);
}

TEST_F(ProposerGateTest, M5_LaterRequestsOfTheSessionWaitBehindItAndThoseOfOthersDoNot) {
  proposer.take(kPeer,
                from_peer(5, {of_session(7, set("/a", "first")), of_session(7, set("/b", "second")),
                              of_session(8, set("/b", "other"))}),
                now, 0);
  settle();
  EXPECT_EQ(service.get("/b", {})->data, "other");
  EXPECT_EQ(proposer.figures().held, 2u);
  gate = nullptr;
  proposer.release(tickets[0], now, 0);
  settle();
  EXPECT_EQ(service.get("/a", {})->data, "first");
  EXPECT_EQ(service.get("/b", {})->data, "second");
}

TEST_F(ProposerGateTest, M5_WhatIsReleasedMayBeHeldAgainAndKeepsItsOrder) {
  proposer.take(kPeer, from_peer(5, {of_session(7, set("/a", "1")), of_session(7, set("/a", "2"))}), now, 0);
  settle();
  proposer.release(tickets[0], now, 0);
  ASSERT_EQ(tickets.size(), 2u);
  EXPECT_NE(tickets[0], tickets[1]);
  gate = nullptr;
  proposer.release(tickets[1], now, 0);
  settle();
  EXPECT_EQ(service.get("/a", {})->data, "2");
}

// Seed 182 of the profile `locks`: a Close let go of the lock before its Acquire, which came first, had taken it.
TEST_F(ProposerGateTest, M5_WhatIsReleasedGoesBeforeWhatWaitsForRoom) {
  proposer.take(kPeer, from_peer(5, {of_session(7, set("/a", "first"))}), now, 0);
  for (uint64_t i = 0; i < options.transactions_in_flight_max; ++i) {
    proposer.take(kPeer, from_peer(6 + i, {of_session(8, set("/b", "other"))}), now, 0);
  }
  proposer.take(kPeer, from_peer(10, {of_session(7, set("/a", "second")), of_session(8, set("/b", "last"))}), now, 0);
  EXPECT_EQ(proposer.figures().backlog, 2u);
  gate = nullptr;
  proposer.release(tickets[0], now, 0);
  settle();
  EXPECT_EQ(service.get("/a", {})->data, "second");
  EXPECT_EQ(service.get("/b", {})->data, "last");
}

// It is evaluated anew: the state may have changed meanwhile.
TEST_F(ProposerGateTest, WhatIsReleasedSeesTheStateOfNow) {
  proposer.take(kPeer, from_peer(5, {of_session(7, set("/a", "late", 0)), set("/b", "x")}), now, 0);
  gate = nullptr;
  proposer.take(kPeer, from_peer(7, {of_session(8, set("/a", "early", 0))}), now, 0);
  settle();
  proposer.release(tickets[0], now, 0);
  settle();
  EXPECT_EQ(service.get("/a", {})->data, "early");
  EXPECT_EQ(code(answers.size() - 1), Code::bad_version);
}

// Requests without a session are those of sessions that only their replica knows.
TEST_F(ProposerGateTest, M5_RequestsWithoutASessionWaitBehindThoseOfTheSameReplica) {
  proposer.take(kPeer, from_peer(5, {set("/a", "1"), set("/b", "2")}), now, 0);
  settle();
  EXPECT_EQ(service.get("/b", {})->data, "");
  gate = nullptr;
  proposer.release(tickets[0], now, 0);
  settle();
  EXPECT_EQ(service.get("/b", {})->data, "2");
}

// Else no session could be opened at a replica while a cache is in the way of a node that nobody has open.
TEST_F(ProposerGateTest, M5_NothingWaitsBehindADeletionThatTheFrontEndAsksFor) {
  gate = [](const state::Transaction& txn) { return !std::holds_alternative<state::DeleteTxn>(txn.facts.front()); };
  state::Request make = create("/e");
  std::get<state::CreateRequest>(make.body).kind = state::NodeKind::open_file;
  proposer.take(kPeer, from_peer(5, {make}), now, 0);
  settle();
  const state::Request reap{.session = SessionId(),
                            .identities = {{"super", ""}},
                            .body = state::ReapUnopenedRequest{
                                .path = "/e", .instance = service.get("/e", {})->stat.czxid, .epoch = Epoch(2)}};
  proposer.take(kPeer, from_peer(6, {reap, open_session(SessionId(9), 1000)}), now, 0);
  settle();
  EXPECT_TRUE(service.exists("/e"));
  EXPECT_TRUE(service.session(SessionId(9)));
  gate = nullptr;
  proposer.release(tickets[0], now, 0);
  settle();
  EXPECT_FALSE(service.exists("/e"));
}

// Found by the simulator: what is held may wait for a cache of the very session that asked, whose client is dead.
TEST_F(ProposerGateTest, M5_TheEndOfAnExpiredSessionDoesNotWaitBehindWhatItAskedFor) {
  proposer.take(kPeer, from_peer(5, {of_session(7, set("/a", "last")), of_session(7, set("/b", "behind it"))}), now, 0);
  for (int i = 0; i < 20; ++i) {
    now = now + Duration::millis(100);
    proposer.on_tick(now, 0);
  }
  settle();
  EXPECT_FALSE(service.session(SessionId(7)));
  gate = nullptr;
  proposer.release(tickets[0], now, 0);
  settle();
  EXPECT_EQ(service.get("/a", {})->data, "");
  EXPECT_EQ(service.get("/b", {})->data, "");
  ASSERT_EQ(answers.size(), 2u);
  EXPECT_EQ(code(0), Code::session_expired);
  EXPECT_EQ(code(1), Code::session_expired);
}

// Found by the simulator: its client comes back, and has to be heard before what is held can be done.
TEST_F(ProposerGateTest, M5_TheReturnOfAClientDoesNotWaitBehindWhatItAskedFor) {
  proposer.take(kPeer, from_peer(5, {of_session(7, set("/a", "held"))}), now, 0);
  const state::Request resume{.session = SessionId(7),
                              .body = state::ResumeSessionRequest{Bytes(service.session(SessionId(7))->password)}};
  proposer.take(kPeer, from_peer(6, {resume}), now, 0);
  settle();
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(code(0), Code::ok);
}

// Found by the simulator: sessions could not be opened behind the deletion of a node that lived while open.
TEST_F(ProposerGateTest, M5_SessionsAreOpenedMeanwhile) {
  state::Request open = open_session(SessionId(9), 1000);
  open.session = SessionId();  // as front ends ask
  proposer.take(kPeer, from_peer(5, {set("/a", "held"), open}), now, 0);
  settle();
  EXPECT_TRUE(service.session(SessionId(9)));
}

TEST_F(ProposerGateTest, HoldsEndWithTheMastership) {
  proposer.take(kPeer, from_peer(5, {of_session(7, set("/a", "x"))}), now, 0);
  proposer.end();
  gate = nullptr;
  begin(3);
  proposer.release(tickets[0], now, 0);
  settle();
  EXPECT_EQ(proposer.figures().held, 0u);
  EXPECT_EQ(service.get("/a", {})->data, "");
}

}  // namespace
}  // namespace conclave::replica
