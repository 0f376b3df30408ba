// Q1, Q2: turns at a lock (CH-50).
#include "frontend/chubby/lock_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace conclave::frontend::chubby {
namespace {

using state::LockHolder;
using state::LockMode;
using testing::ElementsAre;
using testing::IsEmpty;

LockHolder holder(int64_t session) {
  return {SessionId(session), 1};
}

class LockQueueTest : public testing::Test {
 protected:
  std::vector<uint64_t> offer() {
    std::vector<uint64_t> calls;
    for (const Waiter& waiter : queue.offer("/l", Instant{10}, [&](const Waiter&) { return is_free; })) {
      calls.push_back(waiter.call);
    }
    return calls;
  }
  LockQueue queue;
  bool is_free = true;
};

TEST_F(LockQueueTest, Q1_TheFirstIsOfferedTheLockAndTheNextWaits) {
  queue.wait("/l", holder(1), LockMode::exclusive, 11);
  queue.wait("/l", holder(2), LockMode::exclusive, 12);
  EXPECT_THAT(offer(), ElementsAre(11));
  EXPECT_THAT(offer(), IsEmpty());
  EXPECT_EQ(queue.leave("/l", holder(1)), 0u);
  EXPECT_THAT(offer(), ElementsAre(12));
}

TEST_F(LockQueueTest, Q1_ReadersBehindAReaderAreOfferedItTogether) {
  queue.wait("/l", holder(1), LockMode::shared, 11);
  queue.wait("/l", holder(2), LockMode::shared, 12);
  queue.wait("/l", holder(3), LockMode::exclusive, 13);
  queue.wait("/l", holder(4), LockMode::shared, 14);
  EXPECT_THAT(offer(), ElementsAre(11, 12));
}

TEST_F(LockQueueTest, NothingIsOfferedWhileTheLockIsHeld) {
  queue.wait("/l", holder(1), LockMode::exclusive, 11);
  is_free = false;
  EXPECT_THAT(offer(), IsEmpty());
}

TEST_F(LockQueueTest, Q1_WhoDidNotGetItKeepsItsPlace) {
  queue.wait("/l", holder(1), LockMode::exclusive, 11);
  queue.wait("/l", holder(2), LockMode::exclusive, 12);
  offer();
  EXPECT_EQ(queue.wait("/l", holder(1), LockMode::exclusive, 21), 0u) << "it was answered";
  EXPECT_THAT(offer(), ElementsAre(21));
}

TEST_F(LockQueueTest, Q2_OthersAreTurnedAwayWhileOneIsOfferedTheLock) {
  queue.wait("/l", holder(1), LockMode::shared, 11);
  offer();
  EXPECT_FALSE(queue.may_try("/l", holder(2), LockMode::exclusive));
  EXPECT_TRUE(queue.may_try("/l", holder(2), LockMode::shared));
  EXPECT_TRUE(queue.may_try("/l", holder(1), LockMode::shared));
  EXPECT_TRUE(queue.may_try("/other", holder(2), LockMode::exclusive));
}

TEST_F(LockQueueTest, Q2_NobodyOvertakesOneThatWaits) {
  queue.wait("/l", holder(1), LockMode::shared, 11);
  queue.wait("/l", holder(2), LockMode::exclusive, 12);
  queue.wait("/l", holder(3), LockMode::shared, 13);
  EXPECT_TRUE(queue.may_try("/l", holder(1), LockMode::shared)) << "it is the first";
  EXPECT_FALSE(queue.may_try("/l", holder(2), LockMode::exclusive));
  EXPECT_FALSE(queue.may_try("/l", holder(3), LockMode::shared));
  EXPECT_FALSE(queue.may_try("/l", holder(4), LockMode::shared));
}

TEST_F(LockQueueTest, WhoLetsItsTimePassLosesItsTurn) {
  queue.wait("/l", holder(1), LockMode::exclusive, 11);
  queue.wait("/l", holder(2), LockMode::exclusive, 12);
  offer();
  EXPECT_THAT(queue.drop_late(Instant{9}), IsEmpty());
  EXPECT_THAT(queue.drop_late(Instant{10}), ElementsAre("/l"));
  EXPECT_THAT(offer(), ElementsAre(12));
  EXPECT_THAT(queue.drop_late(Instant{10}), IsEmpty()) << "and nobody is left";
  EXPECT_EQ(queue.size(), 0u);
}

TEST_F(LockQueueTest, CH_98_WhoCancelsLeaves) {
  queue.wait("/l", holder(1), LockMode::exclusive, 11);
  EXPECT_FALSE(queue.cancel(SessionId(2), 11));
  EXPECT_TRUE(queue.cancel(SessionId(1), 11));
  EXPECT_EQ(queue.size(), 0u);
}

TEST_F(LockQueueTest, AllLeaveWhenTheNodeGoes) {
  queue.wait("/l", holder(1), LockMode::exclusive, 11);
  queue.wait("/l", holder(2), LockMode::exclusive, 12);
  EXPECT_EQ(queue.leave_all("/l").size(), 2u);
  EXPECT_EQ(queue.leave("/l", holder(1)), 0u);
}

}  // namespace
}  // namespace conclave::frontend::chubby
