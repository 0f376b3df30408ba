// The clocks of a host: rates, jumps, and timers that run by them.
#include "sim/world/clock.h"

#include <gtest/gtest.h>

#include "sim/world/world.h"

namespace conclave::sim {
namespace {

class ClockTest : public testing::Test {
 protected:
  env::World env() { return world_.host(1).env(); }
  // True time after which a timer of `delay` that is set now runs.
  Duration fires_after(Duration delay) {
    const Instant start = world_.now();
    bool fired = false;
    env().executor.schedule(delay, [&] { fired = true; });
    EXPECT_TRUE(world_.run_until([&] { return fired; }, Duration::seconds(100)));
    return world_.now() - start;
  }

  World world_{1};
};

TEST_F(ClockTest, AFastClockAndItsTimersRunFast) {
  world_.host(1).set_clock_rate_ppm(10'000);  // 1 %
  const Instant before = env().clock.now();
  EXPECT_EQ(fires_after(Duration::millis(101)), Duration::millis(100));
  EXPECT_EQ(env().clock.now() - before, Duration::millis(101));
  EXPECT_EQ(fires_after(Duration::millis(100)).us, 99'010) << "rounded up: never early by its own clock";
}

TEST_F(ClockTest, ASlowClockAndItsTimersRunSlowly) {
  world_.host(1).set_clock_rate_ppm(-500'000);
  const Instant before = env().clock.now();
  EXPECT_EQ(fires_after(Duration::millis(100)), Duration::millis(200));
  EXPECT_EQ(env().clock.now() - before, Duration::millis(100));
  EXPECT_EQ(world_.host(2).env().executor.schedule(Duration::millis(1), [] {}), 1u) << "other hosts are left alone";
}

TEST_F(ClockTest, AChangeOfRateMovesTimersThatWait) {
  const Instant start = world_.now();
  Duration fired{0};
  env().executor.schedule(Duration::millis(100), [&] { fired = world_.now() - start; });
  const auto cancelled = env().executor.schedule(Duration::millis(100), [&] { ADD_FAILURE() << "cancelled"; });
  world_.run_for(Duration::millis(50));
  world_.host(1).set_clock_rate_ppm(1'000'000);  // twice as fast for the other half
  env().executor.cancel(cancelled);
  world_.run_for(Duration::millis(100));
  EXPECT_EQ(fired, Duration::millis(75));
}

TEST_F(ClockTest, AJumpFiresWhatBecameDue) {
  const Instant before = env().clock.now();
  std::string order;
  env().executor.schedule(Duration::seconds(20), [&] { order += 'c'; });
  env().executor.schedule(Duration::seconds(9), [&] { order += 'b'; });
  env().executor.schedule(Duration::seconds(8), [&] { order += 'a'; });
  world_.host(1).jump_clock(Duration::seconds(10));
  EXPECT_EQ(env().clock.now() - before, Duration::seconds(10));
  world_.run_for(Duration::millis(1));
  EXPECT_EQ(order.size(), 2u);
  world_.run_for(Duration::seconds(10));
  EXPECT_EQ(order.back(), 'c');
}

TEST_F(ClockTest, TheWallClockMovesAloneAndWithTheOther) {
  Host& host = world_.host(1);
  const int64_t wall = env().clock.wall_ms();
  const Instant now = env().clock.now();
  host.jump_wall_clock(Duration::seconds(-3600));
  EXPECT_EQ(env().clock.wall_ms(), wall - 3'600'000);
  host.set_wall_clock_ms(12'345);
  EXPECT_EQ(env().clock.wall_ms(), 12'345);
  EXPECT_EQ(env().clock.now(), now);
  host.jump_clock(Duration::seconds(2));
  EXPECT_EQ(env().clock.wall_ms(), 14'345);
  world_.run_for(Duration::seconds(1));
  EXPECT_EQ(env().clock.wall_ms(), 15'345);
}

TEST_F(ClockTest, ClocksOutliveProcesses) {
  env();
  world_.host(1).set_clock_rate_ppm(100'000);
  world_.host(1).crash();
  world_.host(1).restart();
  EXPECT_EQ(fires_after(Duration::millis(110)), Duration::millis(100));
  world_.end_faults();
  EXPECT_EQ(fires_after(Duration::millis(110)), Duration::millis(110));
}

TEST_F(ClockTest, AYearOfDriftDoesNotOverflow) {
  world_.host(1).set_clock_rate_ppm(1);
  const Duration year = Duration::seconds(int64_t{365} * 86'400);
  world_.run_for(year);
  EXPECT_EQ(world_.host(1).clock().elapsed(), year + year / 1'000'000);
  EXPECT_EQ(fires_after(Duration::seconds(10)).us, 9'999'991);
}

}  // namespace
}  // namespace conclave::sim
