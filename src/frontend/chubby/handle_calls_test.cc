// Handles as clients hold and present them (CH-30, CH-31, CH-46, CH-77 step 8).
#include "frontend/chubby/testing_world.h"

namespace conclave::frontend::chubby {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class HandleCallsTest : public ChubbyTest {
 protected:
  void SetUp() override { lead(); }
};

TEST_F(HandleCallsTest, CH_30_AHandleSaysAllThatANewMasterNeeds) {
  TestClient one = client();
  wire::Call open = TestClient::open_call(7, "/f", kReadWrite, wire::Open::MUST);
  open.mutable_open()->set_events(wire::EVENT_CONTENT_CHANGED);
  open.mutable_open()->set_lock_delay_ms(500);
  const wire::Handle handle = one.call(open).opened().handle();
  EXPECT_EQ(handle.number(), 7u);
  EXPECT_EQ(handle.path(), "/f");
  EXPECT_NE(handle.instance(), 0u);
  EXPECT_EQ(handle.mode(), kReadWrite);
  EXPECT_EQ(handle.events(), static_cast<uint32_t>(wire::EVENT_CONTENT_CHANGED));
  EXPECT_EQ(handle.lock_delay_ms(), 500u);
  EXPECT_EQ(handle.epoch(), 2u) << "which master made it";
  EXPECT_NE(handle.check_digits(), 0u);
}

TEST_F(HandleCallsTest, CH_77_ANewMasterTakesHandlesThatArePresented) {
  TestClient one = client();
  const wire::Handle handle = one.make(1, "/f", "x").opened().handle();
  fail_over();
  TestClient again = come_back(one);
  EXPECT_EQ(again.get(1).code(), wire::NOT_OPEN) << "it knows of none by itself";
  EXPECT_THAT(again.reopen({handle}), ElementsAre(wire::OK));
  EXPECT_THAT(again.reopen({handle}), ElementsAre(wire::OK)) << "twice is as good as once";
  EXPECT_EQ(again.get(1).contents().contents(), "x");
}

TEST_F(HandleCallsTest, CH_30_ForgedHandlesAreRefused) {
  TestClient one = client();
  one.make(1, "/secret", "x");
  const wire::Handle handle = one.open(2, "/secret", kRead).opened().handle();
  fail_over();
  TestClient again = come_back(one);
  const auto forged = [&](auto change) {
    wire::Handle other = handle;
    change(other);
    return again.reopen({other}).front();
  };
  EXPECT_EQ(forged([](wire::Handle& h) { h.set_mode(kReadWrite); }), wire::NOT_OPEN);
  EXPECT_EQ(forged([](wire::Handle& h) { h.set_number(3); }), wire::NOT_OPEN);
  EXPECT_EQ(forged([](wire::Handle& h) { h.set_path("/other"); }), wire::NOT_OPEN);
  EXPECT_EQ(forged([](wire::Handle& h) { h.set_instance(1); }), wire::NOT_OPEN);
  EXPECT_EQ(forged([](wire::Handle& h) { h.set_events(1); }), wire::NOT_OPEN);
  EXPECT_EQ(forged([](wire::Handle& h) { h.set_lock_delay_ms(60'000); }), wire::NOT_OPEN);
  EXPECT_EQ(forged([](wire::Handle& h) { h.set_epoch(1); }), wire::NOT_OPEN);
  EXPECT_EQ(forged([](wire::Handle& h) { h.set_check_digits(h.check_digits() + 1); }), wire::NOT_OPEN);
  EXPECT_EQ(again.get(2).code(), wire::NOT_OPEN);
}

TEST_F(HandleCallsTest, CH_30_AHandleIsOfItsSession) {
  TestClient one = client();
  TestClient other = client();
  const wire::Handle handle = one.make(1, "/f").opened().handle();
  fail_over();
  TestClient thief = come_back(other);
  EXPECT_THAT(thief.reopen({handle}), ElementsAre(wire::NOT_OPEN));
}

TEST_F(HandleCallsTest, CH_77_WhatWasClosedInThisEpochDoesNotComeBack) {
  TestClient one = client();
  const wire::Handle first = one.make(1, "/f").opened().handle();
  const wire::Handle second = one.open(2, "/f").opened().handle();
  fail_over();
  TestClient again = come_back(one);
  again.reopen({first});
  EXPECT_EQ(again.close(1), wire::OK);
  EXPECT_EQ(again.close(2), wire::OK) << "before it is presented";
  EXPECT_THAT(again.reopen({first, second}), ElementsAre(wire::NOT_OPEN, wire::NOT_OPEN));
  const wire::Handle third = again.open(3, "/f").opened().handle();
  again.close(3);
  EXPECT_THAT(again.reopen({third}), ElementsAre(wire::NOT_OPEN)) << "made in this epoch, and closed";
}

TEST_F(HandleCallsTest, CH_31_AHandleEndsWithItsInstance) {
  TestClient one = client();
  TestClient other = client();
  const wire::Handle handle = one.make(1, "/f", "old").opened().handle();
  other.open(1, "/f");
  other.heed();
  const uint64_t removal = other.ask(TestClient::delete_call(1));
  one.heed();
  other.heed();
  ASSERT_EQ(other.code(removal), wire::OK);
  EXPECT_THAT(one.told(), ElementsAre("1 handle-invalid"));
  ASSERT_EQ(other.make(2, "/f", "new").code(), wire::OK);
  for (const wire::Call& call : {TestClient::get_call(1), TestClient::set_call(1, "x"), TestClient::delete_call(1),
                                 TestClient::acquire_call(1), TestClient::await_call(1)}) {
    EXPECT_EQ(one.call(call).code(), wire::HANDLE_INVALID) << call.ShortDebugString();
  }
  EXPECT_EQ(contents("/f"), "new");
  EXPECT_EQ(one.close(1), wire::OK);
  one.keep_alive();
  fail_over();
  TestClient again = come_back(one);
  EXPECT_THAT(again.reopen({handle}), ElementsAre(wire::HANDLE_INVALID));
  EXPECT_EQ(again.get(1).code(), wire::HANDLE_INVALID);
  EXPECT_EQ(again.close(1), wire::OK);
}

// The call is on its way when the node goes: the guard in the log sees what the front end could not.
TEST_F(HandleCallsTest, CH_31_ACallThatIsOvertakenByTheDeletionFailsTheSameWay) {
  TestClient one = client();
  one.make(1, "/f");
  one.open(2, "/f");
  gateway.hold = true;
  std::vector<uint64_t> calls;
  for (const wire::Call& call : {TestClient::set_call(1, "x"), TestClient::delete_call(1), TestClient::acquire_call(1),
                                 TestClient::release_call(1)}) {
    calls.push_back(one.ask(call));
  }
  gateway.apply(state::DeleteRequest{"/f"}, {}, {{"super", ""}});
  gateway.apply(state::CreateRequest{.path = "/f", .data = {}, .acl = {{31, "world", "anyone"}}});
  gateway.hold = false;
  gateway.let_go();
  executor.run();
  for (const uint64_t call : calls) EXPECT_EQ(one.code(call), wire::HANDLE_INVALID) << call;
  EXPECT_EQ(contents("/f"), "");
}

TEST_F(HandleCallsTest, CH_31_AnOpenSentAgainDoesNotMoveItsHandleToTheNextInstance) {
  TestClient one = client();
  one.make(1, "/f");
  const wire::Call open = TestClient::open_call(2, "/f");
  const uint64_t number = one.ask(open);
  hang_up(one);
  gateway.apply(state::DeleteRequest{"/f"}, {}, {{"super", ""}});
  gateway.apply(state::CreateRequest{.path = "/f", .data = {}, .acl = {{31, "world", "anyone"}}});
  TestClient again = come_back(one);
  wire::Call same = open;
  same.set_number(number);
  again.send_call(same);
  EXPECT_EQ(again.code(number), wire::HANDLE_INVALID);
}

TEST_F(HandleCallsTest, AHandleNumberStandsForOneHandle) {
  TestClient one = client();
  one.make(1, "/f");
  EXPECT_EQ(one.make(1, "/g").code(), wire::BAD_ARGUMENT);
  EXPECT_EQ(one.open(1, "/f", kRead).code(), wire::BAD_ARGUMENT);
  EXPECT_EQ(one.get(1).code(), wire::OK);
}

// Else it would stay locked for as long as the session lives, by a handle that nobody has.
TEST_F(HandleCallsTest, CH_46_CloseOfAHandleThatWasNotPresentedReleasesItsLock) {
  TestClient one = client();
  TestClient other = client();
  one.make(1, "/l");
  ASSERT_EQ(one.acquire(1).code(), wire::OK);
  fail_over();
  TestClient again = come_back(one);
  TestClient rival = come_back(other);
  EXPECT_EQ(again.close(1), wire::OK);
  rival.open(1, "/l");
  EXPECT_EQ(rival.acquire(1).code(), wire::OK);
}

TEST_F(HandleCallsTest, CH_46_CloseIsNotSaidToBeDoneWhileTheLockMayBeHeld) {
  TestClient one = client();
  one.make(1, "/l");
  ASSERT_EQ(one.acquire(1).code(), wire::OK);
  gateway.hold = true;
  const uint64_t number = one.ask(TestClient::close_call(1));
  gateway.fail_held(0, state::Code::connection_loss);
  EXPECT_EQ(one.code(number), wire::UNAVAILABLE);
  gateway.hold = false;
  wire::Call same = TestClient::close_call(1);
  same.set_number(number);
  one.send_call(same);
  one.heed();
  EXPECT_EQ(one.code(number), wire::OK);
  EXPECT_TRUE(gateway.state().lock("/l")->places().empty());
}

}  // namespace
}  // namespace conclave::frontend::chubby
