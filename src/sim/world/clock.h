// The clocks of one host, which outlive its processes: they may run fast or slow, jump, and be set. A host's own time
// is true (virtual) time until the first such fault, and every duration that its processes wait for is measured in it.
//
// The monotonic clock never goes back; the wall clock follows it, plus whatever it was set to. Pure, one thread.
#pragma once

#include <cstdint>

#include "base/time.h"
#include "env/clock.h"
#include "sim/world/scheduler.h"

namespace conclave::sim {

class HostClock {
 public:
  static constexpr int64_t kMillion = 1'000'000;

  HostClock(const Scheduler& scheduler, int64_t wall_start_ms)
      : scheduler_(scheduler), wall_offset_us_(wall_start_ms * 1000) {}

  // Own time since the world began.
  Duration elapsed() const;
  // True time from now until elapsed() is at least `due`; zero if it is.
  Duration until(Duration due) const;
  int64_t wall_ms() const { return (wall_offset_us_ + elapsed().us) / 1000; }

  // Parts per million faster than true time; negative is slower. REQUIRES: above -1,000,000.
  void set_rate_ppm(int64_t ppm);
  int64_t rate_ppm() const { return rate_ - kMillion; }
  // REQUIRES: not negative.
  void jump(Duration forward);
  void jump_wall(Duration by) { wall_offset_us_ += by.us; }
  void set_wall_ms(int64_t ms) { wall_offset_us_ = ms * 1000 - elapsed().us; }

 private:
  const Scheduler& scheduler_;
  int64_t rate_ = kMillion;  // microseconds of own time in a second of true time
  Instant since_{0};         // true time at which this rate began,
  Duration base_{0};         // and own time then
  int64_t wall_offset_us_;
};

// As one life of the host sees it: instants start anywhere (`origin`), so that nobody compares those of two hosts.
class Clock final : public env::Clock {
 public:
  Clock(const HostClock& host, Duration origin) : host_(host), origin_(origin) {}
  Instant now() const override { return Instant{0} + origin_ + host_.elapsed(); }
  int64_t wall_ms() const override { return host_.wall_ms(); }

 private:
  const HostClock& host_;
  Duration origin_;
};

}  // namespace conclave::sim
