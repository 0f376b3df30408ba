// Order, cancel and bounded memory of the timer heap.
#include "base/timer_queue.h"

#include <gtest/gtest.h>
#include <string>

namespace conclave {
namespace {

TEST(TimerQueue, ByTimeThenByOrderOfAdding) {
  TimerQueue queue;
  std::string order;
  queue.add(Instant{2}, [&] { order += 'c'; });
  queue.add(Instant{1}, [&] { order += 'a'; });
  queue.add(Instant{2}, [&] { order += 'd'; });
  queue.add(Instant{1}, [&] { order += 'b'; });
  EXPECT_EQ(queue.next()->us, 1);
  while (queue.next()) queue.take()();
  EXPECT_EQ(order, "abcd");
}

TEST(TimerQueue, CancelledTasksAreNeverTaken) {
  TimerQueue queue;
  const auto id = queue.add(Instant{1}, [] {});
  EXPECT_NE(id, 0u);
  EXPECT_TRUE(queue.cancel(id) != nullptr);
  EXPECT_TRUE(queue.cancel(id) == nullptr) << "once";
  EXPECT_FALSE(queue.next().has_value());
  const auto reused = queue.add(Instant{2}, [] {});
  EXPECT_NE(reused, id);
  EXPECT_TRUE(queue.cancel(id) == nullptr) << "an old id does not reach the new task in its slot";
  EXPECT_TRUE(queue.cancel(0) == nullptr);
  EXPECT_TRUE(queue.cancel(~uint64_t{0}) == nullptr);
  EXPECT_EQ(queue.next()->us, 2);
}

TEST(TimerQueue, CancelHeavyUseStaysSmall) {
  TimerQueue queue;
  queue.add(Instant{1'000'000}, [] {});
  for (int64_t i = 0; i < 100'000; ++i) queue.cancel(queue.add(Instant{i}, [] {}));
  EXPECT_LT(queue.heap_size(), 200u);
  EXPECT_EQ(queue.next()->us, 1'000'000);
}

TEST(TimerQueue, TakeAllEmpties) {
  TimerQueue queue;
  queue.add(Instant{1}, [] {});
  queue.cancel(queue.add(Instant{1}, [] {}));
  EXPECT_EQ(queue.take_all().size(), 1u);
  EXPECT_FALSE(queue.next().has_value());
}

}  // namespace
}  // namespace conclave
