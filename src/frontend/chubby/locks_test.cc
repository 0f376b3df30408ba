// Locks: modes, turns, lock-delay, sequencers (CH-35 … CH-39, CH-50, CH-53).
#include "frontend/chubby/testing_world.h"

namespace conclave::frontend::chubby {
namespace {

using testing::ElementsAre;

class LocksTest : public ChubbyTest {
 protected:
  void SetUp() override { lead(); }
  // With the lock file open for writing, not for reading: nobody caches it.
  TestClient contender(uint32_t events = 0, uint32_t delay_ms = 0) {
    TestClient out = client();
    wire::Call open = TestClient::open_call(1, "/l", kWrite, wire::Open::IF_MISSING);
    open.mutable_open()->set_events(events);
    open.mutable_open()->set_lock_delay_ms(delay_ms);
    EXPECT_EQ(out.call(open).code(), wire::OK);
    return out;
  }
};

TEST_F(LocksTest, CH_35_OneWriterOrManyReaders) {
  TestClient one = contender(), two = contender(), three = contender();
  EXPECT_EQ(one.acquire(1).code(), wire::OK);
  EXPECT_EQ(two.acquire(1).code(), wire::LOCK_HELD);
  EXPECT_EQ(two.acquire(1, /*shared=*/true).code(), wire::LOCK_HELD);
  EXPECT_EQ(one.release(1), wire::OK);
  EXPECT_EQ(two.acquire(1, true).code(), wire::OK);
  EXPECT_EQ(three.acquire(1, true).code(), wire::OK);
  EXPECT_EQ(one.acquire(1).code(), wire::LOCK_HELD);
  EXPECT_EQ(one.release(1), wire::LOCK_NOT_HELD);
}

TEST_F(LocksTest, CH_35_ALockIsAdvisory) {
  TestClient one = contender(), two = contender();
  EXPECT_EQ(one.acquire(1).code(), wire::OK);
  EXPECT_EQ(two.set(1, "x").code(), wire::OK);
}

TEST_F(LocksTest, CH_24_ADirectoryIsALockToo) {
  TestClient one = client();
  one.make_directory(1, "/d");
  EXPECT_EQ(one.acquire(1).code(), wire::OK);
}

TEST_F(LocksTest, CH_37_TheHolderGetsASequencerAndAgainTheSame) {
  TestClient one = contender();
  const wire::Reply first = one.acquire(1);
  const wire::Reply second = one.acquire(1);
  EXPECT_EQ(second.code(), wire::OK);
  EXPECT_EQ(second.acquired().sequencer(), first.acquired().sequencer());
  EXPECT_EQ(one.acquire(1, /*shared=*/true).code(), wire::BAD_ARGUMENT) << "there is no change of mode";
  EXPECT_EQ(gateway.state().lock("/l")->generation().value, first.acquired().generation());
}

TEST_F(LocksTest, CH_38_ASequencerIsValidAsLongAsTheLockIsHeld) {
  TestClient one = contender(), server_program = client();
  const std::string sequencer = one.acquire(1).acquired().sequencer();
  EXPECT_TRUE(server_program.is_valid(sequencer));
  EXPECT_FALSE(server_program.is_valid("conclave-lock/1 s" + sequencer.substr(17))) << "of another mode";
  EXPECT_FALSE(server_program.is_valid(sequencer + "x"));
  EXPECT_FALSE(server_program.is_valid("nonsense"));
  one.release(1);
  EXPECT_FALSE(server_program.is_valid(sequencer));
  const std::string next = one.acquire(1).acquired().sequencer();
  EXPECT_NE(next, sequencer) << "CH-27: each change from free to held has a generation";
  EXPECT_FALSE(server_program.is_valid(sequencer));
}

TEST_F(LocksTest, CH_50_WaitersAreServedInTheirOrder) {
  TestClient one = contender(), two = contender(), three = contender();
  one.acquire(1);
  const uint64_t second = two.await(1);
  const uint64_t third = three.await(1);
  EXPECT_FALSE(two.code(second));
  one.release(1);
  EXPECT_EQ(two.code(second), wire::OK);
  EXPECT_FALSE(three.code(third)) << "it is the other one's turn";
  EXPECT_EQ(three.acquire(1).code(), wire::LOCK_HELD);
  EXPECT_EQ(one.acquire(1).code(), wire::LOCK_HELD) << "nor for who just had it";
  EXPECT_EQ(two.acquire(1).code(), wire::OK);
  two.release(1);
  EXPECT_EQ(three.code(third), wire::OK);
}

TEST_F(LocksTest, CH_50_AFreeLockIsOfferedAtOnce) {
  TestClient one = contender();
  EXPECT_EQ(one.code(one.await(1)), wire::OK);
}

TEST_F(LocksTest, CH_50_ReadersThatWaitTogetherAreServedTogether) {
  TestClient one = contender(), two = contender(), three = contender();
  one.acquire(1);
  const uint64_t second = two.await(1, /*shared=*/true);
  const uint64_t third = three.await(1, /*shared=*/true);
  one.release(1);
  EXPECT_EQ(two.code(second), wire::OK);
  EXPECT_EQ(three.code(third), wire::OK);
}

// Else a writer waits for ever while readers come and go.
TEST_F(LocksTest, CH_50_ReadersDoNotOvertakeAWriterThatWaits) {
  TestClient one = contender(), writer = contender(), reader = contender();
  one.acquire(1, /*shared=*/true);
  const uint64_t turn = writer.await(1);
  EXPECT_EQ(reader.acquire(1, true).code(), wire::LOCK_HELD);
  EXPECT_EQ(one.acquire(1, true).code(), wire::OK) << "it has the lock already";
  const uint64_t behind = reader.await(1, true);
  one.release(1);
  EXPECT_EQ(writer.code(turn), wire::OK);
  EXPECT_FALSE(reader.code(behind));
}

// The release is in the log before the newcomer's request, and is not applied yet.
TEST_F(LocksTest, CH_50_ANewcomerDoesNotTakeTheLockBetweenTwoOthers) {
  TestClient one = contender(), two = contender(), newcomer = contender();
  one.acquire(1);
  const uint64_t turn = two.await(1);
  one.ask(TestClient::release_call(1), /*run=*/false);
  const uint64_t attempt = newcomer.ask(TestClient::acquire_call(1), /*run=*/false);
  executor.run();
  EXPECT_EQ(newcomer.code(attempt), wire::LOCK_HELD);
  EXPECT_EQ(two.code(turn), wire::OK);
  EXPECT_EQ(two.acquire(1).code(), wire::OK);
}

TEST_F(LocksTest, CH_50_WhoDoesNotTakeItsTurnInTimeLosesIt) {
  TestClient one = contender(), two = contender(), three = contender();
  one.acquire(1);
  const uint64_t second = two.await(1);
  const uint64_t third = three.await(1);
  one.release(1);
  ASSERT_EQ(two.code(second), wire::OK);
  advance(Duration::millis(4'900));
  EXPECT_FALSE(three.code(third));
  advance(Duration::millis(200));
  EXPECT_EQ(three.code(third), wire::OK);
  EXPECT_EQ(two.acquire(1).code(), wire::LOCK_HELD);
}

TEST_F(LocksTest, CH_50_AWaiterThatAsksAgainKeepsItsPlace) {
  TestClient one = contender(), two = contender(), three = contender();
  one.acquire(1);
  const uint64_t before = two.await(1);
  three.await(1);
  const uint64_t after = two.await(1);
  EXPECT_EQ(two.code(before), wire::CANCELLED) << "each call is answered";
  one.release(1);
  EXPECT_EQ(two.code(after), wire::OK);
}

TEST_F(LocksTest, CH_98_ACancelledWaiterLeavesTheQueue) {
  TestClient one = contender(), two = contender(), three = contender();
  one.acquire(1);
  const uint64_t second = two.await(1);
  const uint64_t third = three.await(1);
  two.cancel(second);
  EXPECT_EQ(two.code(second), wire::CANCELLED);
  one.release(1);
  EXPECT_EQ(three.code(third), wire::OK);
}

TEST_F(LocksTest, CH_98_CancellingAnythingElseChangesNothing) {
  TestClient one = contender();
  gateway.hold = true;
  const uint64_t set = one.ask(TestClient::set_call(1, "x"));
  one.cancel(set);
  one.cancel(4711);
  EXPECT_FALSE(one.code(set));
  gateway.hold = false;
  gateway.let_go();
  executor.run();
  EXPECT_EQ(one.code(set), wire::OK);
}

TEST_F(LocksTest, CH_98_OneWhoCancelsDoesNotCancelForOthers) {
  TestClient one = contender(), two = contender();
  one.acquire(1);
  const uint64_t waits = two.await(1);
  one.cancel(waits);
  EXPECT_FALSE(two.code(waits));
}

TEST_F(LocksTest, CH_46_CloseReleases) {
  TestClient one = contender(), two = contender();
  one.acquire(1);
  const uint64_t turn = two.await(1);
  EXPECT_EQ(one.close(1), wire::OK);
  EXPECT_EQ(two.code(turn), wire::OK);
}

TEST_F(LocksTest, CH_46_CloseReleasesWhatIsBeingAcquired) {
  TestClient one = contender();
  const uint64_t acquire = one.ask(TestClient::acquire_call(1), /*run=*/false);
  const uint64_t close = one.ask(TestClient::close_call(1), /*run=*/false);
  executor.run();
  EXPECT_EQ(one.code(acquire), wire::OK);
  EXPECT_EQ(one.code(close), wire::OK);
  EXPECT_TRUE(gateway.state().lock("/l")->places().empty());
}

TEST_F(LocksTest, CH_46_CloseEndsTheWaitOfItsHandle) {
  TestClient one = contender(), two = contender(), three = contender();
  one.acquire(1);
  const uint64_t second = two.await(1);
  const uint64_t third = three.await(1);
  two.close(1);
  EXPECT_EQ(two.code(second), wire::CANCELLED);
  one.release(1);
  EXPECT_EQ(three.code(third), wire::OK);
}

TEST_F(LocksTest, CH_39_AfterAnExpiryNobodyElseGetsTheLockUntilTheDelayIsOver) {
  TestClient one = contender(0, /*delay_ms=*/30'000), two = contender(), late = contender();
  const std::string sequencer = one.acquire(1).acquired().sequencer();
  const uint64_t turn = two.await(1);
  expire(one);
  EXPECT_EQ(late.acquire(1).code(), wire::LOCK_HELD) << "another one waits";
  EXPECT_FALSE(two.code(turn));
  EXPECT_FALSE(two.is_valid(sequencer)) << "CH-38";
  two.cancel(turn);
  EXPECT_EQ(late.acquire(1).code(), wire::LOCK_DELAYED);
  const uint64_t again = two.await(1);
  gateway.apply(state::EndLockDelayRequest{.path = "/l", .session = SessionId(one.session), .handle = 1}, {},
                {{"super", ""}});
  executor.run();
  EXPECT_EQ(two.code(again), wire::OK);
}

TEST_F(LocksTest, CH_39_AfterAReleaseItIsFreeAtOnce) {
  TestClient one = contender(0, 60'000), two = contender();
  one.acquire(1);
  one.release(1);
  EXPECT_EQ(two.acquire(1).code(), wire::OK);
}

TEST_F(LocksTest, CH_39_AfterTheEndOfASessionItIsFreeAtOnce) {
  TestClient one = contender(0, 60'000), two = contender();
  one.acquire(1);
  const uint64_t turn = two.await(1);
  wire::Call end;
  end.mutable_end_session();
  one.call(end);
  EXPECT_EQ(two.code(turn), wire::OK);
}

TEST_F(LocksTest, CH_50_AWaiterWhoseSessionEndsMakesWay) {
  TestClient one = contender(), two = contender(), three = contender();
  one.acquire(1);
  two.await(1);
  const uint64_t third = three.await(1);
  one.release(1);
  expire(two);
  EXPECT_EQ(three.code(third), wire::OK);
}

TEST_F(LocksTest, CH_31_WaitersLearnThatTheNodeIsGone) {
  TestClient one = contender(), two = contender();
  one.acquire(1);
  const uint64_t turn = two.await(1);
  EXPECT_EQ(one.remove(1), wire::OK);
  EXPECT_EQ(two.code(turn), wire::HANDLE_INVALID);
  EXPECT_THAT(two.told(), ElementsAre("1 handle-invalid"));
  EXPECT_EQ(server->figures().master.lock_waiters, 0u);
}

TEST_F(LocksTest, CH_40_TheHolderIsToldOfAConflictingRequestIfItAsked) {
  TestClient one = contender(wire::EVENT_LOCK_CONFLICT), two = contender();
  one.acquire(1);
  two.acquire(1);
  EXPECT_THAT(one.told(), ElementsAre("1 lock-conflict"));
  one.keep_alive();
  two.await(1);
  EXPECT_THAT(one.told(), ElementsAre("1 lock-conflict"));
  one.keep_alive();
  EXPECT_THAT(one.told(), ElementsAre("-"));
  TestClient third = contender();
  third.acquire(1);
  EXPECT_THAT(one.told(), ElementsAre("1 lock-conflict")) << "though another one waits";
  EXPECT_THAT(two.told(), ElementsAre("-")) << "it holds nothing";
}

// Found by the simulator: a lock that its holder's library kept was never given up to those who waited already (CH-61).
TEST_F(LocksTest, CH_40_ANewHolderIsToldOfThoseWhoWaitAlready) {
  TestClient one = contender(), two = contender(wire::EVENT_LOCK_CONFLICT), three = contender();
  one.acquire(1);
  two.await(1);
  three.await(1);
  one.release(1);
  EXPECT_THAT(two.told(), ElementsAre("-"));
  two.acquire(1);
  EXPECT_THAT(two.told(), ElementsAre("1 lock-conflict"));
}

TEST_F(LocksTest, CH_53_TheRecipeForAPrimary) {
  TestClient one = contender(), two = client(), service = client();
  ASSERT_EQ(one.acquire(1).code(), wire::OK);
  wire::Call open = TestClient::open_call(1, "/l");
  open.mutable_open()->set_events(wire::EVENT_CONTENT_CHANGED);
  two.call(open);
  EXPECT_EQ(two.acquire(1).code(), wire::LOCK_HELD);
  const uint64_t announces = one.ask(TestClient::set_call(1, "one:80"));
  two.heed();
  EXPECT_EQ(one.code(announces), wire::OK);
  EXPECT_THAT(two.told(), ElementsAre("1 content"));
  EXPECT_EQ(two.get(1).contents().contents(), "one:80");
  EXPECT_TRUE(service.is_valid(one.acquire(1).acquired().sequencer()));
}

TEST_F(LocksTest, CH_16_ARefusalOfADeposedMasterIsNoAnswer) {
  TestClient one = contender(), two = contender(), three = contender();
  one.acquire(1);
  two.await(1);
  one.release(1);
  gateway.hold_syncs = true;
  const uint64_t attempt = three.ask(TestClient::acquire_call(1));
  EXPECT_FALSE(three.code(attempt));
  gateway.complete_syncs();
  EXPECT_EQ(three.code(attempt), wire::LOCK_HELD);
}

}  // namespace
}  // namespace conclave::frontend::chubby
