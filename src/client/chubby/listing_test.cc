// What operators ask for: locks and sessions.
#include "client/chubby/testing_client.h"

namespace conclave::chubby {
namespace {

using ListingTest = ClientTest;

TEST_F(ListingTest, Locks) {
  start();
  std::vector<LockInfo> locks;
  client->list_locks([&](Outcome<std::vector<LockInfo>> result) { locks = result.value(); });
  const wire::Call call = next_call();
  ASSERT_TRUE(call.has_list_locks());
  reply(call, wire::OK, [](wire::Reply& answer) {
    wire::Locks::Lock& lock = *answer.mutable_locks()->add_locks();
    lock.set_path("/f");
    lock.set_generation(7);
    lock.add_holders()->set_session(-3);
    lock.mutable_holders(0)->set_lost(true);
    wire::Locks::Lock::Place& waiter = *lock.add_waiters();
    waiter.set_session(4);
    waiter.set_handle(5);
    waiter.set_shared(true);
  });
  ASSERT_EQ(locks.size(), 1u);
  EXPECT_EQ(locks[0].path, "/f");
  EXPECT_EQ(locks[0].generation, 7u);
  ASSERT_EQ(locks[0].holders.size(), 1u);
  EXPECT_EQ(locks[0].holders[0].session, SessionId(-3));
  EXPECT_EQ(locks[0].holders[0].mode, LockMode::exclusive);
  EXPECT_TRUE(locks[0].holders[0].lost);
  ASSERT_EQ(locks[0].waiters.size(), 1u);
  EXPECT_EQ(locks[0].waiters[0].handle, 5u);
  EXPECT_EQ(locks[0].waiters[0].mode, LockMode::shared);
  EXPECT_FALSE(locks[0].waiters[0].lost);
}

TEST_F(ListingTest, Sessions) {
  start();
  std::vector<SessionInfo> sessions;
  client->list_sessions([&](Outcome<std::vector<SessionInfo>> result) { sessions = result.value(); });
  const wire::Call call = next_call();
  ASSERT_TRUE(call.has_list_sessions());
  reply(call, wire::OK, [](wire::Reply& answer) {
    wire::Sessions::Session& session = *answer.mutable_sessions()->add_sessions();
    session.set_id(9);
    session.set_client("10.0.0.1:5");
    session.set_handles(2);
    session.set_cached(3);
    session.set_acknowledged(true);
  });
  ASSERT_EQ(sessions.size(), 1u);
  EXPECT_EQ(sessions[0].id, SessionId(9));
  EXPECT_EQ(sessions[0].client, "10.0.0.1:5");
  EXPECT_EQ(sessions[0].handles, 2u);
  EXPECT_EQ(sessions[0].cached, 3u);
  EXPECT_TRUE(sessions[0].acknowledged);
}

TEST_F(ListingTest, ARefusalIsToldAsSuch) {
  start();
  client->list_locks([&](Outcome<std::vector<LockInfo>> result) { log.emplace_back(to_string(result.error().code)); });
  reply(next_call(), wire::PERMISSION_DENIED);
  EXPECT_THAT(log, testing::ElementsAre("permission denied"));
}

}  // namespace
}  // namespace conclave::chubby
