// Locks and sequencers.
#include "client/chubby/testing_client.h"

namespace conclave::chubby {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class LocksTest : public ClientTest {
 protected:
  HandleId start_locking() { return start_with("/f", {.mode = kReadWrite}); }
  void lock(HandleId file) {
    client->acquire(file, LockMode::exclusive, nullptr);
    reply(next_call(), wire::OK, acquired());
  }
};

TEST_F(LocksTest, AcquireWaitsForItsTurn) {  // CH-50
  const HandleId file = start_locking();
  client->acquire(file, LockMode::exclusive, record<Acquired>("acquire"));
  const wire::Call first = next_call();
  reply(first, wire::LOCK_HELD);
  const wire::Call wait = next_call();
  ASSERT_TRUE(wait.has_await_lock());
  settle(Duration::seconds(1));
  EXPECT_THAT(log, IsEmpty());
  reply(wait);
  const wire::Call second = next_call();
  ASSERT_TRUE(second.has_acquire());
  EXPECT_GT(second.number(), wait.number());
  reply(second, wire::LOCK_DELAYED);  // the turn was lost: again
  reply(next_call());
  reply(next_call(), wire::OK, acquired(31));
  EXPECT_THAT(log, ElementsAre("acquire: conclave-lock/1 x 1f /f"));
  EXPECT_EQ(client->get_sequencer(file).value(), "conclave-lock/1 x 1f /f");  // CH-37
}

TEST_F(LocksTest, AWaitDoesNotKeepAnswersAtTheMaster) {  // RP-02: it changes nothing
  const HandleId file = start_locking();
  client->acquire(file, LockMode::exclusive, nullptr);
  reply(next_call(), wire::LOCK_HELD);
  const wire::Call wait = next_call();
  client->get_stat(file, nullptr);
  const wire::Call stat = next_call();
  EXPECT_GT(stat.number(), wait.number());
  EXPECT_EQ(stat.answered_below(), stat.number());
}

TEST_F(LocksTest, TryAcquireDoesNotWait) {  // CH-50
  const HandleId file = start_locking();
  client->try_acquire(file, LockMode::exclusive, record<Acquired>("try"));
  reply(next_call(), wire::LOCK_HELD);
  EXPECT_TRUE(no_call());
  EXPECT_THAT(log, ElementsAre("try: the lock is held"));
}

TEST_F(LocksTest, ACancelledWaitLeavesTheQueue) {  // CH-98
  const HandleId file = start_locking();
  const CallId call = client->acquire(file, LockMode::exclusive, record<Acquired>("acquire"));
  reply(next_call(), wire::LOCK_HELD);
  const wire::Call wait = next_call();
  EXPECT_TRUE(client->cancel(call));
  settle();
  EXPECT_THAT(replica.cancels, ElementsAre(wait.number()));
  reply(wait, wire::CANCELLED);
  EXPECT_TRUE(no_call());
  EXPECT_THAT(log, ElementsAre("acquire: cancelled"));
}

TEST_F(LocksTest, ALockThatCameTooLateIsGivenBack) {  // CH-98
  const HandleId file = start_locking();
  const CallId call = client->acquire(file, LockMode::exclusive, nullptr);
  const wire::Call acquire = next_call();
  client->cancel(call);
  reply(acquire, wire::OK, acquired());
  EXPECT_TRUE(next_call().has_release());
  EXPECT_FALSE(client->get_sequencer(file));
}

TEST_F(LocksTest, ALockThatIsWantedAgainIsNotGivenBack) {  // CH-98
  const HandleId file = start_locking();
  const CallId call = client->acquire(file, LockMode::exclusive, nullptr);
  client->cancel(call);
  client->acquire(file, LockMode::exclusive, record<Acquired>("again"));
  const wire::Call first = next_call();
  const wire::Call second = next_call();
  reply(first, wire::OK, acquired());
  reply(second, wire::OK, acquired());
  EXPECT_TRUE(no_call());
  EXPECT_TRUE(client->get_sequencer(file));
}

TEST_F(LocksTest, CloseEndsTheWaitAndReleases) {  // CH-46
  const HandleId file = start_locking();
  client->acquire(file, LockMode::exclusive, record<Acquired>("acquire"));
  reply(next_call(), wire::LOCK_HELD);
  const wire::Call wait = next_call();
  client->close(file, record<void>("close"));
  const wire::Call close = next_call();
  EXPECT_TRUE(close.has_close());
  EXPECT_THAT(replica.cancels, ElementsAre(wait.number()));
  reply(wait, wire::CANCELLED);
  reply(close);
  EXPECT_THAT(log, ElementsAre("acquire: the handle is not open", "close: ok"));
}

TEST_F(LocksTest, ALockedHandleIsClosedAtTheMaster) {  // CH-60
  const HandleId file = start_locking();
  lock(file);
  client->close(file, nullptr);
  EXPECT_TRUE(next_call().has_close());
}

TEST_F(LocksTest, Release) {  // CH-50
  const HandleId file = start_locking();
  lock(file);
  client->release(file, record<void>("release"));
  EXPECT_EQ(client->get_sequencer(file).error().code, CallCode::lock_not_held);
  reply(next_call());
  EXPECT_THAT(log, ElementsAre("release: ok"));
}

// The wait goes on at the new master, under its number.
TEST_F(LocksTest, AWaitSurvivesANewMaster) {  // CH-77
  const HandleId file = start_locking();
  client->acquire(file, LockMode::exclusive, record<Acquired>("acquire"));
  reply(next_call(), wire::LOCK_HELD);
  const wire::Call wait = next_call();
  replica.epoch = 6;
  replica.disconnect();
  reply(next_call(), wire::OK, [](wire::Reply& r) { r.mutable_reopened()->add_codes(wire::OK); });
  const wire::Call again = next_call();
  EXPECT_TRUE(again.has_await_lock());
  EXPECT_EQ(again.number(), wait.number());
  reply(again);
  reply(next_call(), wire::OK, acquired());
  EXPECT_EQ(log.size(), 1u);
}

TEST_F(LocksTest, SetSequencer) {  // CH-50
  const HandleId file = start_locking();
  client->set_sequencer(file, "guard");
  const auto answer = [](bool valid) { return [valid](wire::Reply& r) { r.mutable_sequencer()->set_valid(valid); }; };
  client->set_contents(file, "x", {}, record<Stat>("set"));
  const wire::Call check = next_call();
  EXPECT_EQ(check.check_sequencer().sequencer(), "guard");
  EXPECT_TRUE(no_call());
  reply(check, wire::OK, answer(true));
  reply(next_call());
  client->set_contents(file, "x", {}, record<Stat>("set"));
  reply(next_call(), wire::OK, answer(false));
  EXPECT_TRUE(no_call());
  client->set_sequencer(file, "");
  client->get_stat(file, record<Stat>("stat"));
  reply(next_call());
  EXPECT_THAT(log, ElementsAre("set: 0", "set: the sequencer is not valid any more", "stat: 0"));
}

// Seeds 63 and 71 of the simulator's profile `locks`: the handle was kept open for later use, and its lock with it.
TEST_F(LocksTest, AHandleWhoseReleaseFailedIsClosedForReal) {  // CH-46, CH-60
  const HandleId file = start_locking();
  lock(file);
  client->release(file, record<void>("release"));
  reply(next_call(), wire::REFUSED_BEFORE);
  client->close(file, nullptr);
  EXPECT_TRUE(next_call().has_close());
}

class CachedLocksTest : public LocksTest {
 protected:
  CachedLocksTest() { options.cache_locks = true; }
  // Locked and released by the program, kept by the library.
  HandleId start_kept() {
    const HandleId file = start_locking();
    lock(file);
    client->release(file, record<void>("release"));
    settle();
    return file;
  }
  void conflict(uint64_t sequence) {
    replica.grant({ScriptedReplica::event(sequence, 1, wire::Event::LOCK_CONFLICT)});
    settle();
  }
};

TEST_F(CachedLocksTest, AReleasedLockIsKeptAndTakenAgain) {  // CH-61
  const HandleId file = start_kept();
  EXPECT_FALSE(client->get_sequencer(file));
  client->acquire(file, LockMode::exclusive, record<Acquired>("acquire"));
  EXPECT_TRUE(no_call());
  EXPECT_THAT(log, ElementsAre("release: ok", "acquire: conclave-lock/1 x 1e /f"));
  EXPECT_EQ(client->figures().lock_hits, 1u);
  client->release(file, nullptr);
  client->release(file, record<void>("twice"));
  settle();
  EXPECT_EQ(log.back(), "twice: the lock is not held");
}

TEST_F(CachedLocksTest, GivenUpWhenSomebodyAsks) {  // CH-61
  start_kept();
  conflict(1);
  EXPECT_TRUE(next_call().has_release());
}

TEST_F(CachedLocksTest, NotKeptIfSomebodyAskedMeanwhile) {  // CH-61
  const HandleId file = start_locking();
  lock(file);
  conflict(1);
  EXPECT_TRUE(no_call()) << "the program has it";
  client->release(file, record<void>("release"));
  reply(next_call());
  EXPECT_THAT(log, ElementsAre("release: ok"));
}

// Who asked may have told the former master alone.
TEST_F(CachedLocksTest, NotKeptOverANewMaster) {  // CH-61, CH-77
  start_kept();
  replica.epoch = 6;
  replica.disconnect();
  reply(next_call(), wire::OK, [](wire::Reply& r) { r.mutable_reopened()->add_codes(wire::OK); });
  EXPECT_TRUE(next_call().has_release());
}

TEST_F(CachedLocksTest, TheOtherModeIsAskedFor) {  // CH-61
  const HandleId file = start_kept();
  client->acquire(file, LockMode::shared, nullptr);
  EXPECT_TRUE(next_call().has_release());
  EXPECT_TRUE(next_call().acquire().shared());
}

TEST_F(CachedLocksTest, CloseGivesItUp) {  // CH-61
  const HandleId file = start_kept();
  client->close(file, nullptr);
  EXPECT_TRUE(next_call().has_close());
}

}  // namespace
}  // namespace conclave::chubby
