// The real loop and its worker. Real time passes here, but no test depends on how much.
#include "os/loop.h"

#include <csignal>
#include <gtest/gtest.h>
#include <thread>

#include "os/signals.h"
#include "os/worker.h"

namespace conclave::os {
namespace {

TEST(Loop, TasksRunInOrderAndLaterOnesInLaterTurns) {
  Loop loop;
  std::string order;
  loop.post([&] {
    order += 'a';
    loop.post([&] {
      order += 'c';
      loop.stop();
    });
  });
  loop.post([&] { order += 'b'; });
  loop.run();
  EXPECT_EQ(order, "abc");
}

TEST(Loop, TimersRunByTimeNeverEarlyAndCancel) {
  Loop loop;
  Clock clock;
  const Instant start = clock.now();
  std::string order;
  loop.schedule(Duration::micros(2500), [&] {
    order += 'b';
    EXPECT_GE((clock.now() - start).us, 2500);
    loop.stop();
  });
  loop.schedule(Duration::micros(300), [&] { order += 'a'; });
  const auto dropped = loop.schedule(Duration::micros(500), [&] { order += 'x'; });
  EXPECT_NE(dropped, 0u);
  loop.cancel(dropped);
  loop.cancel(dropped);
  loop.cancel(0);
  loop.run();
  EXPECT_EQ(order, "ab");
}

TEST(Loop, TimerMayCancelAnotherThatIsDue) {
  Loop loop;
  int ran = 0;
  env::TimerId second = 0;
  loop.schedule(Duration{0}, [&] {
    ++ran;
    loop.cancel(second);
    loop.schedule(Duration{0}, [&] { loop.stop(); });
  });
  second = loop.schedule(Duration{0}, [&] { ++ran; });
  loop.run();
  EXPECT_EQ(ran, 1);
}

TEST(Loop, PostsFromManyThreadsAllArrive) {
  Loop loop;
  constexpr int kThreads = 4, kPosts = 5000;
  int arrived = 0;
  std::vector<int> last(kThreads, -1);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kPosts; ++i) {
        loop.post([&, t, i] {
          EXPECT_EQ(last[static_cast<size_t>(t)] + 1, i) << "in the order of each thread";
          last[static_cast<size_t>(t)] = i;
          if (++arrived == kThreads * kPosts) loop.stop();
        });
      }
    });
  }
  loop.run();
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(arrived, kThreads * kPosts);
}

TEST(Loop, FlushesOnceAtTheEndOfTheTurn) {
  struct Output final : Flusher {
    void flush() override { ++flushes; }
    int flushes = 0;
  };
  Loop loop;
  Output output, forgotten;
  loop.post([&] {
    loop.flush_later(&output);
    loop.flush_later(&output);
    loop.flush_later(&forgotten);
    loop.forget(&forgotten);
    EXPECT_EQ(output.flushes, 0);
  });
  loop.post([&] {
    EXPECT_EQ(output.flushes, 0) << "same turn";
    loop.post([&] {
      EXPECT_EQ(output.flushes, 1);
      loop.stop();
    });
  });
  loop.run();
  EXPECT_EQ(output.flushes, 1);
  EXPECT_EQ(forgotten.flushes, 0);
}

TEST(Loop, DestroyedTasksMayStillCallTheLoop) {
  struct Noisy {
    explicit Noisy(Loop& l) : loop(l), timer(l.schedule(Duration::seconds(1), [] {})) {}
    ~Noisy() {
      loop.cancel(timer);
      loop.post([] {});
    }
    Loop& loop;
    env::TimerId timer;
  };
  Loop loop;
  loop.post([owned = std::make_unique<Noisy>(loop)] {});
  loop.schedule(Duration::seconds(1), [owned = std::make_unique<Noisy>(loop)] {});
}

TEST(Worker, WorkIsInOrderOffTheLoopAndDoneOnIt) {
  Loop loop;
  Worker worker(loop, "test");
  std::string order;
  const auto loop_thread = std::this_thread::get_id();
  for (char c : {'a', 'b', 'c'}) {
    worker.submit(
        [&, c] {
          EXPECT_NE(std::this_thread::get_id(), loop_thread);
          order += c;
        },
        [&, c] {
          EXPECT_EQ(std::this_thread::get_id(), loop_thread);
          if (c == 'c') loop.stop();
        });
  }
  loop.run();
  EXPECT_EQ(order, "abc");
}

TEST(Worker, FullQueueMakesSubmitWaitAndShutdownDrains) {
  Loop loop;
  int done = 0;
  {
    Worker worker(loop, "test", /*queue_max=*/2);
    for (int i = 0; i < 100; ++i) worker.submit([&] { ++done; }, [] {});
  }
  EXPECT_EQ(done, 100);
}

TEST(Signals, ArriveOnTheLoop) {
  Loop loop;
  {
    Signals signals(loop);
    int got = 0;
    signals.on({SIGUSR1, SIGUSR2}, [&](int signal) {
      got = signal;
      loop.stop();
    });
    raise(SIGUSR2);
    loop.run();
    EXPECT_EQ(got, SIGUSR2);
  }
  Signals again(loop);  // the process-wide place is free again
}

TEST(Clock, NeverGoesBackAndEntropyVaries) {
  Clock clock;
  Instant last = clock.now();
  for (int i = 0; i < 1000; ++i) {
    const Instant now = clock.now();
    ASSERT_GE(now, last);
    last = now;
  }
  EXPECT_GT(clock.wall_ms(), 1'700'000'000'000);
  Entropy entropy;
  EXPECT_EQ(entropy.bytes(33).size(), 33u);
  EXPECT_NE(entropy.bytes(16), entropy.bytes(16));
  EXPECT_NE(entropy.u64(), entropy.u64());
}

}  // namespace
}  // namespace conclave::os
