// A call that changes something takes effect once and in its turn, however often it is sent (RP-02).
#include "frontend/chubby/testing_world.h"

namespace conclave::frontend::chubby {
namespace {

using testing::ElementsAre;

// Sends each call twice: the second time on another connection, or to another master.
class OnceTest : public ChubbyTest, public testing::WithParamInterface<bool> {
 protected:
  void SetUp() override { lead(); }
  // The answer was lost with the connection; sends it again under its number.
  wire::Reply again(TestClient& one, wire::Call call, uint64_t number, const std::vector<wire::Handle>& handles = {}) {
    if (GetParam()) {
      fail_over();
    } else {
      hang_up(one);
    }
    TestClient next = come_back(one);
    if (GetParam() && !handles.empty()) next.reopen(handles);
    call.set_number(number);
    call.set_epoch(0);
    next.send_call(call);
    auto reply = next.reply(number);
    while (!reply && next.heed()) reply = next.reply(number);
    EXPECT_TRUE(reply);
    one = std::move(next);
    return reply.value_or(wire::Reply());
  }
};
INSTANTIATE_TEST_SUITE_P(, OnceTest, testing::Values(false, true),
                         [](const auto& test) { return test.param ? "NewMaster" : "NewConnection"; });

TEST_P(OnceTest, Create) {
  TestClient one = client();
  const wire::Call call = TestClient::open_call(1, "/f", kRead, wire::Open::MUST);
  const wire::Reply first = one.call(call);
  const wire::Reply second = again(one, call, one.last_call);
  EXPECT_EQ(second.code(), wire::OK) << "not NODE_EXISTS";
  EXPECT_TRUE(second.opened().created());
  EXPECT_EQ(second.opened().handle().instance(), first.opened().handle().instance());
  EXPECT_EQ(one.get(1).code(), wire::OK);
}

TEST_P(OnceTest, SetContents) {
  TestClient one = client();
  const wire::Reply made = one.make(1, "/f", "0");
  const wire::Call call = TestClient::set_call(1, "1", made.opened().stat().content_generation());
  const wire::Reply first = one.call(call);
  const wire::Reply second = again(one, call, one.last_call, {made.opened().handle()});
  EXPECT_EQ(second.code(), wire::OK) << "not GENERATION_MISMATCH";
  EXPECT_EQ(second.stat().content_generation(), first.stat().content_generation());
  EXPECT_EQ(second.stat().checksum(), first.stat().checksum());
}

TEST_P(OnceTest, SetContentsOfANodeThatIsGoneSince) {
  TestClient one = client();
  const wire::Reply made = one.make(1, "/f", "0");
  const wire::Call call = TestClient::set_call(1, "1");
  const wire::Reply first = one.call(call);
  gateway.apply(state::DeleteRequest{"/f"}, {}, {{"super", ""}});
  const wire::Reply second = again(one, call, one.last_call, {made.opened().handle()});
  EXPECT_EQ(second.code(), wire::OK) << "it was done";
  EXPECT_EQ(second.stat().content_generation(), first.stat().content_generation());
}

TEST_P(OnceTest, SetAcl) {
  TestClient one = client();
  one.make_directory(1, "/acl");
  const wire::Reply made = one.make(2, "/f");
  wire::Call call;
  call.mutable_set_acl()->set_handle(2);
  call.mutable_set_acl()->set_conditional(true);
  call.mutable_set_acl()->mutable_acl();
  ASSERT_EQ(one.call(call).code(), wire::OK);
  const wire::Reply second = again(one, call, one.last_call, {made.opened().handle()});
  EXPECT_EQ(second.code(), wire::OK);
  EXPECT_EQ(second.stat().acl_generation(), 1u);
}

TEST_P(OnceTest, Delete) {
  TestClient one = client();
  const wire::Reply made = one.make(1, "/f");
  const wire::Call call = TestClient::delete_call(1);
  ASSERT_EQ(one.call(call).code(), wire::OK);
  gateway.apply(state::CreateRequest{.path = "/f", .data = "new", .acl = {{31, "world", "anyone"}}});
  EXPECT_EQ(again(one, call, one.last_call, {made.opened().handle()}).code(), wire::OK) << "not HANDLE_INVALID";
  EXPECT_EQ(contents("/f"), "new");
}

TEST_P(OnceTest, Acquire) {
  TestClient one = client();
  const wire::Reply made = one.make(1, "/l");
  const wire::Call call = TestClient::acquire_call(1);
  const wire::Reply first = one.call(call);
  ASSERT_EQ(first.code(), wire::OK);
  const wire::Reply second = again(one, call, one.last_call, {made.opened().handle()});
  EXPECT_EQ(second.acquired().sequencer(), first.acquired().sequencer());
}

TEST_P(OnceTest, Release) {
  TestClient one = client();
  const wire::Reply made = one.make(1, "/l");
  ASSERT_EQ(one.acquire(1).code(), wire::OK);
  const wire::Call call = TestClient::release_call(1);
  ASSERT_EQ(one.call(call).code(), wire::OK);
  EXPECT_EQ(again(one, call, one.last_call, {made.opened().handle()}).code(), wire::OK) << "not LOCK_NOT_HELD";
}

TEST_P(OnceTest, ReleaseOfANodeThatIsGoneSince) {
  TestClient one = client();
  const wire::Reply made = one.make(1, "/l");
  ASSERT_EQ(one.acquire(1).code(), wire::OK);
  const wire::Call call = TestClient::release_call(1);
  ASSERT_EQ(one.call(call).code(), wire::OK);
  gateway.apply(state::DeleteRequest{"/l"}, {}, {{"super", ""}});
  EXPECT_EQ(again(one, call, one.last_call, {made.opened().handle()}).code(), wire::OK);
}

TEST_P(OnceTest, Close) {
  TestClient one = client();
  one.make(1, "/l");
  ASSERT_EQ(one.acquire(1).code(), wire::OK);
  const wire::Call call = TestClient::close_call(1);
  ASSERT_EQ(one.call(call).code(), wire::OK);
  EXPECT_EQ(again(one, call, one.last_call).code(), wire::OK);
}

class OrderTest : public ChubbyTest {
 protected:
  void SetUp() override { lead(); }
};

TEST_F(OrderTest, RP_02_AnAnswerThatTheClientHasIsKeptNoLonger) {
  TestClient one = client();
  one.make(1, "/f");
  wire::Call set = TestClient::set_call(1, "1");
  one.call(set);
  const uint64_t number = one.last_call;
  one.answered_below = number + 1;
  one.set(1, "2");
  set.set_number(number);
  set.set_answered_below(number);
  one.send_call(set);
  EXPECT_EQ(one.code(number), wire::BAD_ARGUMENT);
  EXPECT_EQ(contents("/f"), "2");
}

TEST_F(OrderTest, RP_02_ACallThatIsUnderWayIsNotBegunAgain) {
  TestClient one = client();
  one.make(1, "/f");
  one.close(1);
  gateway.hold = true;
  wire::Call call = TestClient::open_call(2, "/g", kRead, wire::Open::MUST);
  const uint64_t number = one.ask(call);
  const size_t asked = gateway.requests.size();
  call.set_number(number);
  one.send_call(call);
  EXPECT_EQ(gateway.requests.size(), asked);
  gateway.hold = false;
  gateway.let_go();
  executor.run();
  EXPECT_EQ(one.code(number), wire::OK);
  EXPECT_FALSE(one.code(number)) << "answered once";
}

TEST_F(OrderTest, RP_02_TheAnswerGoesToWhereTheClientIsNow) {
  TestClient one = client();
  gateway.hold = true;
  const uint64_t number = one.ask(TestClient::open_call(1, "/g", kRead, wire::Open::MUST));
  TestClient next = connect();
  next.resume(one);
  gateway.hold = false;
  gateway.let_go();
  executor.run();
  ASSERT_TRUE(next.welcomed());
  EXPECT_TRUE(one.closed());
  wire::Call same = TestClient::open_call(1, "/g", kRead, wire::Open::MUST);
  same.set_number(number);
  next.send_call(same);
  EXPECT_EQ(next.code(number), wire::OK);
}

// All in one turn, as threads of one program send them.
TEST_F(OrderTest, RP_02_ChangesTakeEffectInTheOrderOfTheirNumbers) {
  TestClient one = client();
  one.make(1, "/f");
  one.heed();
  const uint64_t create = one.ask(TestClient::open_call(2, "/g", kReadWrite, wire::Open::MUST), /*run=*/false);
  const uint64_t set = one.ask(TestClient::set_call(1, "x"), /*run=*/false);
  const uint64_t open = one.ask(TestClient::open_call(3, "/f", kReadWrite, wire::Open::IF_MISSING), /*run=*/false);
  const uint64_t acquire = one.ask(TestClient::acquire_call(1), /*run=*/false);
  executor.run();
  while (one.heed()) continue;
  EXPECT_EQ(one.code(create), wire::OK) << "not REFUSED_BEFORE";
  EXPECT_EQ(one.code(set), wire::OK);
  EXPECT_EQ(one.code(open), wire::OK);
  EXPECT_EQ(one.code(acquire), wire::OK);
}

TEST_F(OrderTest, RP_02_ACreationSeesTheDeletionBeforeIt) {
  TestClient one = client();
  one.make(1, "/f");
  const uint64_t removal = one.ask(TestClient::delete_call(1), /*run=*/false);
  const uint64_t create = one.ask(TestClient::open_call(2, "/f", kReadWrite, wire::Open::MUST), /*run=*/false);
  executor.run();
  while (one.heed()) continue;
  EXPECT_EQ(one.code(removal), wire::OK);
  EXPECT_EQ(one.code(create), wire::OK) << "not NODE_EXISTS";
}

TEST_F(OrderTest, CH_77_ACallOfAFormerEpochIsRefused) {
  TestClient one = client();
  wire::Call call = TestClient::open_call(1, "/f", kRead, wire::Open::MUST);
  call.set_epoch(1);
  EXPECT_EQ(one.call(call).code(), wire::WRONG_EPOCH);
  EXPECT_FALSE(exists("/f"));
}

TEST_F(OrderTest, RP_02_CallsAreNumberedFromOne) {
  TestClient one = client();
  wire::Call call = TestClient::open_call(1, "/");
  call.set_number(0);
  one.send_call(call);
  EXPECT_EQ(one.code(0), wire::BAD_ARGUMENT);
  call.set_number(5);
  call.set_answered_below(6);
  one.send_call(call);
  EXPECT_EQ(one.code(5), wire::BAD_ARGUMENT);
}

TEST_F(OrderTest, RP_02_WhatCannotBeDecidedNowMayBeAskedAgainUnderItsNumber) {
  TestClient one = client();
  one.make(1, "/f");
  one.heed();
  gateway.hold = true;
  wire::Call set = TestClient::set_call(1, "x");
  const uint64_t number = one.ask(set);
  gateway.fail_held(0, state::Code::connection_loss);
  EXPECT_EQ(one.code(number), wire::UNAVAILABLE);
  gateway.hold = false;
  set.set_number(number);
  one.send_call(set);
  while (one.heed()) continue;
  EXPECT_EQ(one.code(number), wire::OK);
}

}  // namespace
}  // namespace conclave::frontend::chubby
