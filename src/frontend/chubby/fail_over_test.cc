// What a new master does, step by step (CH-75, CH-77, CH-79). This code runs rarely elsewhere (CH-78).
#include "frontend/chubby/testing_world.h"

namespace conclave::frontend::chubby {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class FailOverTest : public ChubbyTest {
 protected:
  // Two clients of a former master; both have /d/f open, both cache it.
  void SetUp() override {
    lead();
    one.emplace(client());
    two.emplace(client());
    one->make_directory(1, "/d");
    file = one->make(2, "/d/f").opened().handle();
    two->open(1, "/d/f");
  }
  TestClient greeted(TestClient& former) {
    TestClient out = connect();
    out.resume(former);
    EXPECT_TRUE(out.welcomed());
    return out;
  }
  std::optional<TestClient> one, two;
  wire::Handle file;
};

TEST_F(FailOverTest, CH_77_1_ANewEpochAndWhatIsMeantForAnOldOneIsRefusedAndToldTheNew) {
  fail_over(7);
  TestClient again = connect();
  again.resume(*one);
  const auto welcome = again.welcomed();
  ASSERT_TRUE(welcome);
  EXPECT_EQ(welcome->epoch(), 7u);
  again.epoch = 2;
  EXPECT_EQ(again.call(TestClient::open_call(5, "/d/x", kWrite, wire::Open::MUST)).code(), wire::WRONG_EPOCH);
  EXPECT_FALSE(exists("/d/x"));
  again.keep_alive();
  const auto reply = again.lease();
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->epoch(), 7u);
  EXPECT_EQ(reply->lease_us(), 0u);
}

TEST_F(FailOverTest, CH_77_TheStepReachedIsShown) {
  const auto step = [&] { return server->figures().master.step; };
  gateway.end_mastership();
  EXPECT_EQ(step(), FailOverStep::none);
  gateway.begin_mastership(Epoch(3));
  executor.run();
  EXPECT_EQ(step(), FailOverStep::new_epoch);
  TestClient again = connect();
  again.resume(*one);
  EXPECT_EQ(step(), FailOverStep::locating);
  EXPECT_FALSE(server->master()->steps().reached(FailOverStep::sessions));
  gateway.start_epoch();
  EXPECT_EQ(step(), FailOverStep::sessions);
  executor.run();
  ASSERT_TRUE(again.welcomed());
  EXPECT_EQ(step(), FailOverStep::keep_alives);
  again.keep_alive();
  EXPECT_EQ(step(), FailOverStep::telling);
  EXPECT_THAT(again.told(), ElementsAre("fail-over"));
  again.keep_alive();
  EXPECT_EQ(step(), FailOverStep::waiting);
  EXPECT_FALSE(server->master()->steps().reached(FailOverStep::open));
  expire(*two);
  EXPECT_EQ(step(), FailOverStep::open);
  again.reopen({file});
  EXPECT_EQ(step(), FailOverStep::handles);
  advance(Duration::seconds(61));
  EXPECT_EQ(step(), FailOverStep::reaping);
}

TEST_F(FailOverTest, CH_77_2_FirstItSaysOnlyWhoIsMaster) {
  gateway.end_mastership();
  gateway.begin_mastership(Epoch(3));
  executor.run();
  TestClient early = connect();
  early.resume(*one);
  EXPECT_EQ(early.unread(), 0u) << "nothing about sessions";
  gateway.end_mastership(ReplicaId(2));
  executor.run();
  const auto elsewhere = early.elsewhere();
  ASSERT_TRUE(elsewhere);
  EXPECT_EQ(elsewhere->master_host(), "two");
}

TEST_F(FailOverTest, CH_77_3_SessionsAndLocksAreThoseOfTheState) {
  const uint64_t acquire = one->ask(TestClient::acquire_call(2));
  while (one->heed() || two->heed()) continue;
  ASSERT_EQ(one->code(acquire), wire::OK);
  fail_over();
  EXPECT_EQ(server->figures().master.sessions, 2u);
  EXPECT_EQ(server->figures().master.handles, 0u) << "CH-75: it remembers nothing else";
  TestClient again = come_back(*two);
  again.open(9, "/d/f", kWrite);
  EXPECT_EQ(again.acquire(9).code(), wire::LOCK_HELD);
}

// What its client had asked of a former mastership of this replica is decided behind the Close.
TEST_F(FailOverTest, CH_46_ALockThatIsGotForAClosedHandleIsLetGoOf) {
  fail_over();
  TestClient again = come_back(*one);
  EXPECT_EQ(again.close(2), wire::OK);
  gateway.apply(state::AcquireLockRequest{.path = "/d/f", .instance = Zxid(file.instance()), .handle = 2},
                SessionId(again.session), state::super_identities());
  ASSERT_NE(gateway.state().lock("/d/f"), nullptr);
  come_back(*two);  // nothing is changed before all know of the fail-over
  EXPECT_FALSE(gateway.state().lock("/d/f")->is_held());
}

TEST_F(FailOverTest, CH_77_4_HelloAndKeepAlivesAreAnswered) {
  fail_over();
  TestClient again = greeted(*one);
  again.keep_alive();
  const auto lease = again.lease();
  ASSERT_TRUE(lease);
  EXPECT_EQ(lease->lease_us(), 12'000'000u);
}

TEST_F(FailOverTest, CH_77_5_EverySessionIsToldOfTheFailOver) {
  fail_over();
  for (TestClient* former : {&*one, &*two}) {
    TestClient again = greeted(*former);
    again.keep_alive();
    const auto lease = again.lease();
    ASSERT_TRUE(lease);
    ASSERT_EQ(lease->notices_size(), 1);
    EXPECT_EQ(lease->notices(0).sequence(), 1u);
    EXPECT_TRUE(lease->notices(0).has_fail_over());
  }
  TestClient newcomer = connect();
  newcomer.hello();
  ASSERT_TRUE(newcomer.welcomed());
  newcomer.keep_alive();
  EXPECT_THAT(newcomer.told(), IsEmpty()) << "it knew no former master";
}

TEST_F(FailOverTest, CH_77_6_NothingThatMayBeCachedChangesUntilEachHasAcknowledged) {
  fail_over();
  TestClient first = come_back(*one);
  EXPECT_THAT(first.reopen({file}), ElementsAre(wire::OK));
  const uint64_t set = first.ask(TestClient::set_call(2, "x"));
  const auto by_zookeeper = write(state::CreateRequest{.path = "/d/z", .data = {}, .acl = {{31, "world", "anyone"}}});
  EXPECT_FALSE(first.code(set));
  EXPECT_FALSE(*by_zookeeper) << "its absence may be cached";
  EXPECT_EQ(first.get(2).contents().contents(), "") << "reads are answered";
  EXPECT_FALSE(first.get(2).cacheable());
  TestClient second = greeted(*two);
  second.keep_alive();
  EXPECT_THAT(second.told(), ElementsAre("fail-over"));
  EXPECT_FALSE(first.code(set)) << "told is not acted on";
  second.keep_alive();
  EXPECT_EQ(first.code(set), wire::OK);
  EXPECT_EQ(*by_zookeeper, state::Code::ok);
}

TEST_F(FailOverTest, CH_77_6_OrHasEnded) {
  fail_over();
  TestClient first = come_back(*one);
  first.reopen({file});
  const uint64_t set = first.ask(TestClient::set_call(2, "x"));
  EXPECT_FALSE(first.code(set));
  expire(*two);
  EXPECT_EQ(first.code(set), wire::OK);
}

TEST_F(FailOverTest, CH_77_6_WhatNobodyCanHaveCachedDoesNotWait) {
  make_by_zookeeper("/z");
  fail_over();
  EXPECT_EQ(*write(state::SetDataRequest{.path = "/z", .data = "x"}), state::Code::ok);
  EXPECT_EQ(*write(state::CreateRequest{.path = "/z/y", .data = {}, .acl = {{31, "world", "anyone"}}}),
            state::Code::ok);
  EXPECT_EQ(*write(state::DeleteRequest{.path = "/z/y"}), state::Code::ok);
}

TEST_F(FailOverTest, CH_77_6_AListOfPrincipalsWaitsWhoeverMadeIt) {
  make_by_zookeeper("/acl");
  make_by_zookeeper("/acl/list");
  fail_over();
  const auto done = write(state::SetDataRequest{.path = "/acl/list", .data = "world:anyone"});
  EXPECT_FALSE(*done) << "somebody may have cached what it governs (AP-04)";
  come_back(*one);
  come_back(*two);
  EXPECT_EQ(*done, state::Code::ok);
}

TEST_F(FailOverTest, CH_77_7_ThenAllIsAllowed) {
  fail_over();
  EXPECT_EQ(server->figures().master.fail_overs_pending, 2u);
  TestClient first = come_back(*one), second = come_back(*two);
  EXPECT_EQ(server->figures().master.fail_overs_pending, 0u);
  first.reopen({file});
  EXPECT_EQ(first.set(2, "x").code(), wire::OK);
  EXPECT_TRUE(second.open(9, "/d/f").cacheable());
}

TEST_F(FailOverTest, CH_77_8_HandlesComeBackWhenPresentedAndTheirEventsWithThem) {
  wire::Call open = TestClient::open_call(5, "/d/f", wire::MODE_CHANGE_ACL);
  open.mutable_open()->set_events(wire::EVENT_CONTENT_CHANGED);
  const wire::Handle watching = two->call(open).opened().handle();
  fail_over();
  TestClient first = come_back(*one), second = come_back(*two);
  first.reopen({file});
  EXPECT_THAT(second.reopen({watching}), ElementsAre(wire::OK));
  EXPECT_EQ(first.set(2, "x").code(), wire::OK);
  EXPECT_THAT(second.told(), ElementsAre("5 content"));
}

// Found by the simulator (seed 46 of the profile `locks`): who waited was back before the holder, whose library kept
// the lock until it was asked for (CH-61).
TEST_F(FailOverTest, CH_40_AHolderThatComesBackIsToldOfThoseWhoWait) {
  wire::Call open = TestClient::open_call(5, "/d/l", kWrite, wire::Open::IF_MISSING);
  open.mutable_open()->set_events(wire::EVENT_LOCK_CONFLICT);
  const wire::Handle holding = one->call(open).opened().handle();
  const wire::Handle wanting = two->open(6, "/d/l", kWrite).opened().handle();
  ASSERT_EQ(one->acquire(5).code(), wire::OK);
  fail_over();
  TestClient first = come_back(*one), second = come_back(*two);
  second.reopen({wanting});
  second.await(6);
  EXPECT_THAT(first.told(), ElementsAre("-"));
  first.reopen({file, holding});
  EXPECT_THAT(first.told(), ElementsAre("5 lock-conflict"));
}

// Found by the simulator (seed 46 of the profile `locks`): the call that came again was answered LOCK_HELD, and then
// the request of before got the lock, of which nobody knew.
TEST_F(FailOverTest, RP_02_WhatComesAgainWaitsUntilTheRequestOfBeforeIsSettled) {
  const wire::Handle first_lock =
      one->call(TestClient::open_call(5, "/d/l", kWrite, wire::Open::MUST)).opened().handle();
  const wire::Handle second_lock = two->open(6, "/d/l", kWrite).opened().handle();
  gateway.hold = true;
  wire::Call acquire = TestClient::acquire_call(5);
  acquire.set_number(one->ask(acquire));
  gateway.put_aside();
  gateway.hold = false;
  fail_over();
  TestClient first = come_back(*one), second = come_back(*two);
  first.reopen({file, first_lock});
  second.reopen({second_lock});
  EXPECT_EQ(second.acquire(6).code(), wire::OK);
  first.send_call(acquire);
  const uint64_t close = first.ask(TestClient::close_call(2));
  const uint64_t await = first.await(5);
  EXPECT_FALSE(first.code(acquire.number()));
  EXPECT_FALSE(first.code(close)) << "in its turn";
  EXPECT_EQ(first.get(2).code(), wire::OK) << "reads wait for nothing";
  first.cancel(await);
  EXPECT_EQ(first.code(await), wire::CANCELLED);
  EXPECT_EQ(second.release(6), wire::OK);
  gateway.bring_back();
  executor.run();
  const auto answer = first.reply(acquire.number());
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->code(), wire::OK);
  EXPECT_TRUE(first.is_valid(answer->acquired().sequencer()));
  EXPECT_EQ(first.code(close), wire::OK);
  EXPECT_EQ(second.acquire(6).code(), wire::LOCK_HELD);
}

TEST_F(FailOverTest, CH_77_8_ALockOfAHandleThatComesBackIsStillHeld) {
  const std::string sequencer = [&] {
    const uint64_t acquire = one->ask(TestClient::acquire_call(2));
    while (one->heed() || two->heed()) continue;
    return one->reply(acquire)->acquired().sequencer();
  }();
  ASSERT_NE(sequencer, "");
  fail_over();
  TestClient first = come_back(*one);
  first.reopen({file});
  EXPECT_TRUE(first.is_valid(sequencer));
  EXPECT_EQ(first.acquire(2).acquired().sequencer(), sequencer);
}

TEST_F(FailOverTest, CH_77_9_AfterAMinuteEphemeralNodesThatNobodyHasOpenGo) {
  wire::Call made = TestClient::open_call(5, "/d/e", kWrite, wire::Open::MUST);
  made.mutable_open()->set_ephemeral(true);
  ASSERT_EQ(one->call(made).code(), wire::OK);
  fail_over();
  TestClient first = come_back(*one), second = come_back(*two);
  advance(Duration::seconds(59));
  EXPECT_TRUE(exists("/d/e"));
  advance(Duration::seconds(2));
  EXPECT_FALSE(exists("/d/e"));
}

TEST_F(FailOverTest, CH_79_AnotherFailOverBeforeTheFirstIsDone) {
  fail_over(3);
  TestClient first = come_back(*one);
  first.reopen({file});
  const uint64_t set = first.ask(TestClient::set_call(2, "x"));
  fail_over(4);
  EXPECT_FALSE(first.code(set));
  TestClient once_more = come_back(first), second = come_back(*two);
  once_more.reopen({file});
  wire::Call same = TestClient::set_call(2, "x");
  same.set_number(set);
  once_more.send_call(same);
  EXPECT_EQ(once_more.code(set), wire::OK);
  EXPECT_EQ(contents("/d/f"), "x");
}

TEST_F(FailOverTest, CH_75_AMasterAtAnotherReplicaBecomesTheOwnerOfTheSessions) {
  gateway.end_mastership();
  gateway.self = ReplicaId(2);
  lead(3);
  TestClient first = come_back(*one);
  EXPECT_EQ(gateway.state().session(SessionId(one->session))->owner, ReplicaId(2));
  TestClient second = come_back(*two);
  first.reopen({file});
  EXPECT_EQ(first.set(2, "x").code(), wire::OK);
}

TEST_F(FailOverTest, CH_77_6_ClientsThatCameAndWentBeforeTheyAcknowledgedAreWaitedFor) {
  fail_over();
  TestClient first = come_back(*one);
  first.reopen({file});
  const uint64_t set = first.ask(TestClient::set_call(2, "x"));
  TestClient second = greeted(*two);
  second.keep_alive();
  hang_up(second);
  EXPECT_FALSE(first.code(set));
  TestClient third = greeted(*two);
  third.keep_alive();
  EXPECT_THAT(third.told(), ElementsAre("fail-over")) << "again";
  third.keep_alive();
  EXPECT_EQ(first.code(set), wire::OK);
}

}  // namespace
}  // namespace conclave::frontend::chubby
