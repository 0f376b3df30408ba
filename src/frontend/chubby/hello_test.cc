// Finding the master, opening a session, and coming back to it (CH-14, CH-15, CH-65).
#include "frontend/chubby/testing_world.h"

namespace conclave::frontend::chubby {
namespace {

using testing::HasSubstr;

class HelloTest : public ChubbyTest {};

TEST_F(HelloTest, CH_14_AReplicaThatIsNotMasterSaysWhoIs) {
  start();
  gateway.master = ReplicaId(2);
  TestClient lost = connect();
  lost.hello();
  const auto elsewhere = lost.elsewhere();
  ASSERT_TRUE(elsewhere);
  EXPECT_EQ(elsewhere->master_host(), "two");
  EXPECT_EQ(elsewhere->master_port(), 7002u);
  EXPECT_TRUE(lost.closed());
}

TEST_F(HelloTest, CH_14_NobodyIsNamedWhileNoMasterIsKnown) {
  start();
  TestClient lost = connect();
  lost.hello();
  const auto elsewhere = lost.elsewhere();
  ASSERT_TRUE(elsewhere);
  EXPECT_EQ(elsewhere->master_host(), "");
}

TEST_F(HelloTest, CH_77_HelloWaitsUntilTheFirstTransactionOfTheEpochIsApplied) {
  start();
  gateway.begin_mastership(Epoch(2));
  TestClient early = connect();
  early.hello();
  EXPECT_EQ(early.unread(), 0u);
  EXPECT_EQ(server->figures().waiting, 1u);
  gateway.start_epoch();
  executor.run();
  const auto welcome = early.welcomed();
  ASSERT_TRUE(welcome);
  EXPECT_EQ(welcome->epoch(), 2u);
}

TEST_F(HelloTest, WhoWaitsForAMasterThatIsDeposedIsSentElsewhere) {
  start();
  gateway.begin_mastership(Epoch(2));
  TestClient early = connect();
  early.hello();
  gateway.end_mastership(ReplicaId(2));
  executor.run();
  const auto elsewhere = early.elsewhere();
  ASSERT_TRUE(elsewhere);
  EXPECT_EQ(elsewhere->master_host(), "two");
}

TEST_F(HelloTest, WhoWaitsAndHangsUpIsForgotten) {
  start();
  gateway.begin_mastership(Epoch(2));
  TestClient early = connect();
  early.hello();
  hang_up(early);
  EXPECT_EQ(server->figures().waiting, 0u);
  gateway.start_epoch();
  executor.run();
  EXPECT_EQ(gateway.state().session_count(), 0u);
}

TEST_F(HelloTest, CH_65_ANewSessionHasAPasswordAndALease) {
  lead();
  TestClient one = connect();
  one.hello();
  const auto welcome = one.welcomed();
  ASSERT_TRUE(welcome);
  EXPECT_EQ(welcome->password().size(), 16u);
  EXPECT_EQ(welcome->lease_ms(), 12'000u);
  EXPECT_EQ(welcome->cell(), "home");
  const auto session = gateway.state().session(SessionId(welcome->session()));
  ASSERT_TRUE(session);
  EXPECT_TRUE(session->caching) << "a new master has to know of its cache (CH-56)";
  EXPECT_EQ(session->timeout_ms, 12'000);
}

TEST_F(HelloTest, CH_20_AnotherCellIsNotServed) {
  lead();
  wire::Hello hello;
  hello.set_cell("home");
  TestClient right = connect();
  right.hello(hello);
  EXPECT_TRUE(right.welcomed());
  hello.set_cell("global");
  TestClient wrong = connect();
  wrong.hello(hello);
  EXPECT_THAT(wrong.over().value_or(""), HasSubstr("home"));
  EXPECT_TRUE(wrong.closed());
}

TEST_F(HelloTest, AnotherVersionOfTheProtocolIsRefused) {
  lead();
  wire::Hello hello;
  hello.set_protocol(2);
  TestClient client = connect();
  client.hello(hello);
  EXPECT_THAT(client.over().value_or(""), HasSubstr("version 1"));
}

TEST_F(HelloTest, CH_65_ASessionNeedsItsPassword) {
  lead();
  TestClient owner = client();
  TestClient thief = connect();
  wire::Hello hello;
  hello.set_session(owner.session);
  hello.set_password(std::string(16, 'x'));
  thief.hello(hello);
  EXPECT_TRUE(thief.over());
  EXPECT_FALSE(owner.closed()) << "who does not have the password takes nothing over";
  EXPECT_EQ(owner.open(1, "/").code(), wire::OK);
}

TEST_F(HelloTest, CH_65_ASessionThatNeverWasOrHasEndedIsOver) {
  lead();
  TestClient former = client();
  expire(former);
  TestClient late = connect();
  late.resume(former);
  EXPECT_TRUE(late.over());
  former.session = 4711;
  TestClient stranger = connect();
  stranger.resume(former);
  EXPECT_TRUE(stranger.over());
}

TEST_F(HelloTest, AZooKeeperSessionIsNotOpenedByThisFrontEnd) {
  lead();
  const std::string password(16, 'p');
  gateway.apply(state::CreateSessionRequest{.id = SessionId(5), .password = password, .timeout_ms = 10'000});
  wire::Hello hello;
  hello.set_session(5);
  hello.set_password(password);
  TestClient client = connect();
  client.hello(hello);
  EXPECT_TRUE(client.over());
}

TEST_F(HelloTest, CH_65_TheSecondConnectionTakesOverAndTheFirstIsClosed) {
  lead();
  TestClient first = client();
  EXPECT_EQ(first.make(1, "/f").code(), wire::OK);
  TestClient second = connect();
  second.resume(first);
  ASSERT_TRUE(second.welcomed());
  EXPECT_TRUE(first.closed());
  EXPECT_EQ(second.get(1).code(), wire::OK) << "handles outlive connections";
  EXPECT_EQ(server->figures().master.sessions, 1u);
  EXPECT_EQ(server->figures().master.connected, 1u);
}

TEST_F(HelloTest, OfTwoThatComeBackAtOnceTheLaterOneStays) {
  lead();
  TestClient first = client();
  gateway.hold = true;
  TestClient second = connect();
  second.resume(first);
  TestClient third = connect();
  third.resume(first);
  gateway.let_go();
  executor.run();
  EXPECT_TRUE(second.closed());
  EXPECT_FALSE(second.welcomed());
  EXPECT_TRUE(third.welcomed());
}

TEST_F(HelloTest, WhoHangsUpBeforeTheAnswerIsNotWelcomed) {
  lead();
  gateway.hold = true;
  TestClient client = connect();
  client.hello();
  hang_up(client);
  gateway.let_go();
  executor.run();
  EXPECT_EQ(server->figures().connections, 0u);
  EXPECT_EQ(server->figures().master.sessions, 0u) << "the session is in the state, and times out there";
}

TEST_F(HelloTest, ASessionThatCannotBeOpenedNowIsTriedElsewhere) {
  lead();
  gateway.hold = true;
  TestClient client = connect();
  client.hello();
  gateway.fail_held(0, state::Code::connection_loss);
  executor.run();
  EXPECT_TRUE(client.elsewhere());
}

TEST_F(HelloTest, WhatWasAskedUnderAFormerMasterIsAnsweredByNobody) {
  lead();
  gateway.hold = true;
  TestClient client = connect();
  client.hello();
  gateway.end_mastership(ReplicaId(2));
  gateway.hold = false;
  executor.run();
  EXPECT_FALSE(client.welcomed());
  EXPECT_TRUE(client.elsewhere());
}

TEST_F(HelloTest, CH_15_ClientsOfADeposedMasterAreToldWhoIs) {
  lead();
  TestClient one = client();
  gateway.end_mastership(ReplicaId(2));
  executor.run();
  const auto elsewhere = one.elsewhere();
  ASSERT_TRUE(elsewhere);
  EXPECT_EQ(elsewhere->master_host(), "two");
  EXPECT_TRUE(one.closed());
}

TEST_F(HelloTest, CH_26_CredentialsGiveTheRightsOfTheirPrincipal) {
  lead();
  TestClient owner = client();
  owner.make_directory(1, "/acl");
  // echo -n alice:secret | openssl sha1 -binary | base64
  owner.make(2, "/acl/alice", "digest:alice:aYXlLOpEooaV1cRAvUL1fp9Qt7E=\n");
  wire::Call create = TestClient::open_call(3, "/private", kRead, wire::Open::MUST);
  create.mutable_open()->mutable_acl()->set_read("alice");
  EXPECT_EQ(owner.call(create).code(), wire::PERMISSION_DENIED) << "made, and not the maker's to read";

  wire::Hello hello;
  hello.add_credentials()->set_scheme("digest");
  hello.mutable_credentials(0)->set_secret("alice:secret");
  TestClient alice = connect();
  alice.hello(hello);
  ASSERT_TRUE(alice.welcomed());
  EXPECT_EQ(alice.open(1, "/private", kRead).code(), wire::OK);
  EXPECT_EQ(owner.open(4, "/private", kRead).code(), wire::PERMISSION_DENIED);
}

TEST_F(HelloTest, CH_26_CredentialsThatMakeNoSenseAreRefused) {
  lead();
  for (const auto& [scheme, secret] :
       {std::pair{"digest", "nocolon"}, std::pair{"digest", ":x"}, std::pair{"kerberos", "a:b"}}) {
    wire::Hello hello;
    hello.add_credentials()->set_scheme(scheme);
    hello.mutable_credentials(0)->set_secret(secret);
    TestClient client = connect();
    client.hello(hello);
    EXPECT_TRUE(client.over()) << scheme << ' ' << secret;
  }
  wire::Hello many;
  for (int i = 0; i < 17; ++i) *many.add_credentials() = wire::Credential();
  TestClient client = connect();
  client.hello(many);
  EXPECT_TRUE(client.over());
}

TEST_F(HelloTest, AnAddressThatCannotBeBoundIsSaid) {
  network.refuses_to_listen = true;
  Settings settings;
  settings.listen = {{"0.0.0.0", 7000}};
  Server refused(clock, executor, entropy, gateway, settings);
  const auto listening = refused.listen(network);
  ASSERT_FALSE(listening);
  EXPECT_THAT(listening.error().message, HasSubstr("0.0.0.0:7000"));
}

TEST_F(HelloTest, AServerThatStopsClosesItsConnections) {
  lead();
  TestClient one = client();
  server->stop();
  EXPECT_TRUE(one.closed());
}

}  // namespace
}  // namespace conclave::frontend::chubby
