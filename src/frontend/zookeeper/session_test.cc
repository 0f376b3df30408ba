// Transcripts of the handshake: new, resumed, refused, local and read-only sessions, and how connections end.
#include "frontend/zookeeper/authentication.h"
#include "frontend/zookeeper/testing_world.h"

namespace conclave::frontend::zookeeper {
namespace {

using wire::ErrorCode;
using wire::OpCode;

TEST_F(FrontEndTest, NewSessionGetsIdPasswordAndClampedTimeout) {
  struct Case {
    int32_t asked;
    int32_t given;
  };
  for (const Case& c : {Case{10'000, 10'000}, Case{1, 4'000}, Case{-5, 4'000}, Case{999'999, 40'000}}) {
    TestClient client = open();
    const auto response = client.connect({.timeout_ms = c.asked, .read_only = false});
    ASSERT_TRUE(response);
    EXPECT_NE(response->session, SessionId());
    EXPECT_EQ(response->password.size(), 16u);
    EXPECT_EQ(response->timeout_ms, c.given);
    EXPECT_EQ(response->read_only, false);
    EXPECT_EQ(gateway.state().session(response->session)->timeout_ms, c.given);
    EXPECT_EQ(gateway.state().session(response->session)->password, client.password);
  }
}

TEST_F(FrontEndTest, OldClientsGetNoReadOnlyByte) {
  TestClient client = open();
  const auto response = client.connect({.timeout_ms = 10'000, .read_only = std::nullopt});
  ASSERT_TRUE(response);
  EXPECT_EQ(response->read_only, std::nullopt);
}

TEST_F(FrontEndTest, SessionIsResumedWithItsPassword) {
  TestClient first = connected();
  hang_up(first);
  TestClient second = open();
  const auto response = second.connect({.timeout_ms = 10'000, .session = first.session, .password = first.password});
  ASSERT_TRUE(response);
  EXPECT_EQ(response->session, first.session);
  EXPECT_EQ(response->timeout_ms, 10'000);
  EXPECT_EQ(response->password, first.password);
  EXPECT_EQ(second.create("/e", "", wire::CreateMode::ephemeral), ErrorCode::ok);
}

TEST_F(FrontEndTest, WrongPasswordOrUnknownSessionIsExpiredThenClosed) {
  TestClient first = connected();
  const Bytes wrong(16, '?');
  for (const SessionId id : {first.session, SessionId(999)}) {
    TestClient second = open();
    const auto response = second.connect({.timeout_ms = 10'000, .session = id, .password = wrong, .read_only = false});
    ASSERT_TRUE(response);
    EXPECT_EQ(response->session, SessionId());
    EXPECT_EQ(response->timeout_ms, 0);
    EXPECT_EQ(response->password, Bytes(16, '\0'));
    EXPECT_TRUE(second.closed());
  }
  EXPECT_FALSE(first.closed());
  EXPECT_EQ(first.create("/still"), ErrorCode::ok);
}

TEST_F(FrontEndTest, ComingBackClosesTheOldConnection) {
  TestClient first = connected();
  TestClient second = open();
  ASSERT_TRUE(second.connect({.timeout_ms = 10'000, .session = first.session, .password = first.password}));
  executor.run();
  EXPECT_TRUE(first.closed());
  EXPECT_FALSE(second.closed());
  gateway.apply(state::CloseSessionRequest{}, second.session);
  executor.run();
  EXPECT_TRUE(second.closed());
}

TEST_F(FrontEndTest, AClientAheadOfUsIsRefused) {
  TestClient client = open();
  EXPECT_FALSE(client.connect({.last_zxid_seen = Zxid(Epoch(9), 1), .timeout_ms = 10'000}));
  EXPECT_TRUE(client.closed());
}

TEST_F(FrontEndTest, NobodyIsLetInWhileNotServing) {
  gateway.is_serving = false;
  TestClient client = open();
  EXPECT_FALSE(client.connect());
  EXPECT_TRUE(client.closed());
}

TEST_F(FrontEndTest, ResumeThatCannotBeCheckedClosesWithoutAnswer) {
  TestClient first = connected();
  hang_up(first);
  gateway.hold = true;
  TestClient second = open();
  EXPECT_FALSE(second.connect({.timeout_ms = 10'000, .session = first.session, .password = first.password}));
  gateway.fail_held(0, state::Code::connection_loss);
  executor.run();
  EXPECT_TRUE(second.closed());
  EXPECT_TRUE(second.quiet());
}

// What the client sent on its old connection may still arrive there; it must not be submitted behind the request to
// resume, which could make us the owner again when the client has long gone on elsewhere.
TEST_F(FrontEndTest, TheOldConnectionIsClosedBeforeItsSessionIsResumed) {  // C4
  TestClient first = connected();
  gateway.hold = true;
  gateway.requests.clear();
  const auto create = [](int32_t xid, BytesView path) {
    return TestClient::request(xid, OpCode::create, wire::CreateRequest{path, "", kOpen});
  };
  first.send_raw(create(1, "/before") + TestClient::request(2, OpCode::sync, wire::PathRequest{"/"}) +
                 create(3, "/held"));
  TestClient second = open();
  const Bytes resume =
      TestClient::connect_frame({.timeout_ms = 10'000, .session = first.session, .password = first.password});
  second.send_raw(resume, /*run=*/false);
  gateway.let_go();  // before the old connection is buried
  first.send_raw(create(4, "/after"));
  EXPECT_TRUE(first.closed());
  ASSERT_EQ(gateway.requests.size(), 2u);
  EXPECT_TRUE(std::holds_alternative<state::ResumeSessionRequest>(gateway.requests[1].body));
  ASSERT_TRUE(second.connected());
  EXPECT_TRUE(gateway.state().exists("/before"));

  TestClient third = open();  // nor does a client that has not been answered yet come between
  third.send_raw(resume + create(1, "/pipelined"));
  TestClient fourth = open();
  fourth.send_raw(resume);
  EXPECT_TRUE(third.closed());
  gateway.let_go();
  executor.run();
  EXPECT_TRUE(fourth.connected());
  EXPECT_FALSE(gateway.state().exists("/pipelined"));
}

TEST_F(FrontEndTest, AStrangerDoesNotCloseAConnectionBySayingItsSession) {
  TestClient first = connected();
  gateway.hold = true;
  TestClient second = open();
  second.send_raw(TestClient::connect_frame({.timeout_ms = 10'000, .session = first.session, .password = "wrong"}));
  EXPECT_FALSE(first.closed());
  gateway.let_go();
  executor.run();
  EXPECT_FALSE(first.closed());
  EXPECT_TRUE(second.closed());
}

TEST_F(FrontEndTest, AConnectionThatItsSessionLeftIsClosed) {
  TestClient left = connected();
  TestClient other = connected();
  gateway.move(left.session, left.password);
  executor.run();
  EXPECT_TRUE(left.closed());
  EXPECT_TRUE(left.quiet());
  EXPECT_FALSE(other.closed());

  TestClient back = open();
  ASSERT_TRUE(back.connect({.timeout_ms = 10'000, .session = left.session, .password = left.password}));
  EXPECT_EQ(gateway.state().session(left.session)->owner, gateway.id());
  EXPECT_EQ(back.create("/back"), ErrorCode::ok);
}

TEST_F(FrontEndTest, ASessionThatMovedOnWhileItWasResumedIsNotServedHere) {
  TestClient first = connected();
  hang_up(first);
  gateway.hold = true;
  TestClient late = open();
  late.send_raw(
      TestClient::connect_frame({.timeout_ms = 10'000, .session = first.session, .password = first.password}));
  gateway.move(first.session, first.password);
  EXPECT_FALSE(late.closed()) << "it may be the newest";
  gateway.fail_held(0, state::Code::ok);  // answered before the move, and only told now
  executor.run();
  EXPECT_TRUE(late.closed());
  EXPECT_TRUE(late.quiet());

  TestClient expired = open();
  expired.send_raw(
      TestClient::connect_frame({.timeout_ms = 10'000, .session = first.session, .password = first.password}));
  gateway.apply(state::CloseSessionRequest{}, first.session);
  gateway.fail_held(0, state::Code::ok);
  executor.run();
  EXPECT_EQ(expired.connected()->session, SessionId());
  EXPECT_TRUE(expired.closed());
}

TEST_F(FrontEndTest, MalformedConnectRequestCloses) {
  TestClient client = open();
  client.send_raw(Bytes("\0\0\0\3abc", 7));
  EXPECT_TRUE(client.closed());
  EXPECT_TRUE(client.quiet());
}

TEST_F(FrontEndTest, RequestsRightBehindTheConnectRequestWaitForTheSession) {
  TestClient client = open();
  const Bytes zeroes(16, '\0');
  const Bytes both = TestClient::connect_frame({.timeout_ms = 10'000, .password = zeroes, .read_only = false}) +
                     TestClient::request(1, OpCode::create, wire::CreateRequest{"/a", "", kOpen});
  client.send_raw(both, /*run=*/false);
  EXPECT_TRUE(client.quiet());
  EXPECT_TRUE(client.pipe().paused);
  executor.run();
  ASSERT_TRUE(client.connected());
  EXPECT_EQ(client.next().header.xid, 1);
  EXPECT_FALSE(client.pipe().paused);
}

TEST_F(FrontEndTest, CloseSessionAnswersThenCloses) {
  TestClient client = connected();
  ASSERT_EQ(client.create("/e", "", wire::CreateMode::ephemeral), ErrorCode::ok);
  const Frame reply = client.call(OpCode::close_session);
  EXPECT_EQ(reply.header.error, ErrorCode::ok);
  EXPECT_TRUE(reply.body.empty());
  EXPECT_TRUE(client.closed());
  EXPECT_FALSE(gateway.state().exists("/e"));
  EXPECT_FALSE(gateway.state().session(client.session));
}

TEST_F(FrontEndTest, WhatFollowsCloseSessionIsNotLookedAt) {
  TestClient client = connected();
  client.send_raw(TestClient::request(1, OpCode::close_session) +
                  TestClient::request(2, OpCode::create, wire::CreateRequest{"/late", "", kOpen}));
  EXPECT_EQ(client.next().header.xid, 1);
  EXPECT_TRUE(client.quiet());
  EXPECT_FALSE(gateway.state().exists("/late"));
}

// What became of the session is unknown, or it lives on at another replica: an answer would say that it is closed.
TEST_F(FrontEndTest, ACloseWhoseOutcomeIsUnknownIsNotAcknowledged) {
  for (const state::Code code : {state::Code::connection_loss, state::Code::session_moved}) {
    TestClient client = connected();
    gateway.hold = true;
    client.send_raw(TestClient::request(1, OpCode::close_session));
    gateway.fail_held(0, code);
    executor.run();
    EXPECT_TRUE(client.closed());
    EXPECT_TRUE(client.quiet());
    gateway.hold = false;
  }
}

TEST_F(FrontEndTest, ExpiryClosesTheConnection) {
  TestClient client = connected();
  gateway.apply(state::CloseSessionRequest{}, client.session);
  executor.run();
  EXPECT_TRUE(client.closed());
  EXPECT_EQ(server->watch_count(), 0u);
}

TEST_F(FrontEndTest, EveryFrameTouchesTheSession) {
  TestClient client = connected();
  gateway.touched.clear();
  client.call(OpCode::exists, wire::PathWatchRequest{"/"});
  EXPECT_EQ(gateway.touched, std::vector<SessionId>{client.session});
}

TEST_F(FrontEndTest, LosingTheCellClosesConnectionsAndUnansweredWritesToo) {
  TestClient a = connected();
  TestClient b = connected();
  gateway.hold = true;
  b.send_raw(TestClient::request(1, OpCode::create, wire::CreateRequest{"/b", "", kOpen}));
  gateway.fail_held(0, state::Code::connection_loss);
  executor.run();
  EXPECT_TRUE(b.closed());
  EXPECT_TRUE(b.quiet());
  EXPECT_FALSE(a.closed());
  gateway.set_serving(false);
  executor.run();
  EXPECT_TRUE(a.closed());
}

TEST_F(FrontEndTest, SessionMovedTearsTheConnectionDownWithoutAReply) {
  TestClient client = connected();
  gateway.hold = true;
  client.send_raw(TestClient::request(1, OpCode::create, wire::CreateRequest{"/b", "", kOpen}));
  gateway.fail_held(0, state::Code::session_moved);
  executor.run();
  EXPECT_TRUE(client.closed());
  EXPECT_TRUE(client.quiet());
}

TEST_F(FrontEndTest, ACloseWhoseFateIsUnknownIsNotAnswered) {
  for (const state::Code code : {state::Code::session_moved, state::Code::connection_loss}) {
    gateway.hold = false;
    TestClient client = connected();
    gateway.hold = true;
    client.send_raw(TestClient::request(1, OpCode::close_session));
    gateway.fail_held(0, code);
    executor.run();
    EXPECT_TRUE(client.closed());
    EXPECT_TRUE(client.quiet());
  }
}

TEST_F(FrontEndTest, LateCompletionsFindNobody) {
  TestClient client = connected();
  gateway.hold = true;
  client.send_raw(TestClient::request(1, OpCode::create, wire::CreateRequest{"/b", "", kOpen}));
  TestClient connecting = open();
  connecting.send_raw(TestClient::connect_frame({.timeout_ms = 10'000, .password = Bytes(16, '\0')}));
  hang_up(client);
  hang_up(connecting);
  EXPECT_EQ(server->statistics().outstanding, 0u);
  gateway.let_go();
  executor.run();
  EXPECT_TRUE(gateway.state().exists("/b"));
  EXPECT_EQ(server->connection_count(), 0u);
}

TEST_F(FrontEndTest, StateReplacedClosesThoseWhoWatchOrWhoseSessionIsGone) {
  TestClient watching = connected();
  TestClient idle = connected();
  watching.call(OpCode::exists, wire::PathWatchRequest{"/w", true});
  gateway.state_replaced();
  executor.run();
  EXPECT_TRUE(watching.closed());
  EXPECT_FALSE(idle.closed());

  gateway.move(idle.session, idle.password, /*told=*/false);
  gateway.state_replaced();
  executor.run();
  EXPECT_TRUE(idle.closed());
}

// --- local sessions

TEST_F(FrontEndTest, LocalSessionWritesButOwnsNoEphemerals) {
  start({.local_sessions_enabled = true, .super_digest = digest_id("super:x")});
  TestClient client = connected();
  EXPECT_FALSE(gateway.state().session(client.session));
  EXPECT_EQ(client.authenticate("digest", "super:x"), ErrorCode::ok);  // may write all but what only the cell writes
  EXPECT_EQ(client.create("/a"), ErrorCode::ok);
  EXPECT_EQ(client.create("/e", "", wire::CreateMode::ephemeral), ErrorCode::ephemeral_on_local_session);
  EXPECT_EQ(client.set("/zookeeper/config", "mine"), ErrorCode::no_auth);
  EXPECT_EQ(client.call(OpCode::close_session).header.error, ErrorCode::ok);
  EXPECT_TRUE(client.closed());
}

TEST_F(FrontEndTest, LocalSessionIsUpgradedBeforeItsFirstEphemeral) {
  start({.local_sessions_enabled = true, .local_sessions_upgrading_enabled = true});
  TestClient client = connected();
  EXPECT_EQ(client.create("/e", "", wire::CreateMode::ephemeral), ErrorCode::ok);
  ASSERT_TRUE(gateway.state().session(client.session));
  EXPECT_EQ(gateway.state().session(client.session)->password, client.password);
  EXPECT_EQ(gateway.state().session(client.session)->timeout_ms, 10'000);
  EXPECT_EQ(gateway.state().ephemerals(client.session), std::vector<std::string>{"/e"});
}

TEST_F(FrontEndTest, LocalSessionIsResumedHereAndExpiresHere) {
  start({.local_sessions_enabled = true});
  TestClient first = connected();
  hang_up(first);
  executor.advance(Duration::seconds(9));
  TestClient second = open();
  const auto back = second.connect({.timeout_ms = 10'000, .session = first.session, .password = first.password});
  EXPECT_EQ(back->session, first.session);
  executor.advance(Duration::seconds(11));
  EXPECT_TRUE(second.closed());
  TestClient third = open();
  EXPECT_EQ(third.connect({.timeout_ms = 10'000, .session = first.session, .password = first.password})->session,
            SessionId());
}

// --- read-only mode

TEST_F(FrontEndTest, ReadOnlyModeServesReadsToThoseWhoAskedForIt) {
  start({.read_only_mode_enabled = true});
  TestClient writer = connected();
  ASSERT_EQ(writer.create("/a", "x"), ErrorCode::ok);
  gateway.set_serving(false);
  executor.run();
  EXPECT_TRUE(writer.closed());

  TestClient refused = open();
  EXPECT_FALSE(refused.connect());
  EXPECT_TRUE(refused.closed());

  TestClient reader = open();
  const auto response = reader.connect({.timeout_ms = 10'000, .read_only = true});
  ASSERT_TRUE(response);
  EXPECT_EQ(response->read_only, true);
  EXPECT_EQ(body_of<wire::GetDataResponse>(reader.call(OpCode::get_data, wire::PathWatchRequest{"/a"})).data, "x");
  EXPECT_EQ(reader.create("/b"), ErrorCode::not_read_only);
  EXPECT_EQ(reader.call(OpCode::sync, wire::PathRequest{"/"}).header.error, ErrorCode::not_read_only);
  EXPECT_EQ(word("isro"), "ro");

  TestClient known = open();  // a session of before, checked against what this replica has
  const auto resumed =
      known.connect({.timeout_ms = 10'000, .session = writer.session, .password = writer.password, .read_only = true});
  EXPECT_EQ(resumed->session, writer.session);

  gateway.set_serving(true);
  executor.run();
  EXPECT_TRUE(reader.closed());
  EXPECT_EQ(word("isro"), "rw");
}

// C4: only the cell ends a session, and this replica may not have heard of it yet.
TEST_F(FrontEndTest, ReadOnlyModeDoesNotCallASessionExpiredThatItDoesNotKnow) {
  start({.read_only_mode_enabled = true});
  gateway.set_serving(false);
  executor.run();
  TestClient unknown = open();
  const auto response =
      unknown.connect({.timeout_ms = 10'000, .session = SessionId(77), .password = Bytes(16, 'p'), .read_only = true});
  EXPECT_FALSE(response);
  EXPECT_TRUE(unknown.closed());
}

class ReadOnlySessions : public FrontEndTest {
 protected:
  // Begins a session in read-only mode, comes back to it, and once more when the mode is over. Returns both answers.
  std::pair<SessionId, SessionId> outlive_the_mode(const Settings& settings) {
    start(settings);
    gateway.set_serving(false);
    executor.run();
    TestClient reader = open();
    const auto made = reader.connect({.timeout_ms = 10'000, .read_only = true});
    const wire::ConnectRequest again{
        .timeout_ms = 10'000, .session = made->session, .password = made->password, .read_only = true};
    TestClient second = open();
    EXPECT_EQ(second.connect(again)->session, made->session) << "as long as it lasts";
    gateway.set_serving(true);
    executor.run();
    TestClient third = open();
    return {made->session, third.connect(again)->session};
  }
};

TEST_F(ReadOnlySessions, EndWithTheMode) {
  EXPECT_EQ(outlive_the_mode({.read_only_mode_enabled = true}).second, SessionId());
}

TEST_F(ReadOnlySessions, GoOnWhereSessionsMayBeLocal) {
  const auto [made, later] = outlive_the_mode({.local_sessions_enabled = true, .read_only_mode_enabled = true});
  EXPECT_EQ(later, made);
}

}  // namespace
}  // namespace conclave::frontend::zookeeper
