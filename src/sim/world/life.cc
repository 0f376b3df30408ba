#include "sim/world/life.h"

#include <algorithm>

namespace conclave::sim {

void Life::resume() {
  if (!paused_) return;
  paused_ = false;
  for (Task& task : std::exchange(stopped_, {})) scheduler_.after(Duration{0}, std::move(task));
  scheduler_.after(Duration{0}, [this] { drain(); });
}

void Life::set_slow(Duration min, Duration max) {
  slow_min_ = min;
  slow_max_ = std::max(min, max);
}

void Life::crash_after(uint64_t events, std::function<void()> crash) {
  events_left_ = events;
  crash_ = std::move(crash);
}

void Life::end() {
  alive = false;
  scheduler_.after(Duration{0}, [waiting = std::exchange(waiting_, {}), stopped = std::exchange(stopped_, {})] {});
}

void Life::count_down() {
  if (!alive || --events_left_ > 0) return;
  const auto crash = std::exchange(crash_, nullptr);
  crash();
}

void Life::be_busy() {
  if (!alive) return;
  busy_ = true;
  const auto low = static_cast<uint64_t>(slow_min_.us);
  const auto high = static_cast<uint64_t>(slow_max_.us);
  scheduler_.after(Duration::micros(static_cast<int64_t>(random_.between(low, high))), [this] {
    busy_ = false;
    drain();
  });
}

// All that waits now is one turn, as of a loop that wakes up and finds several things ready.
void Life::drain() {
  if (!alive || paused_ || busy_ || waiting_.empty()) return;
  for (size_t turn = waiting_.size(); turn > 0 && alive; --turn) {
    Task event = std::move(waiting_.front());
    event();  // still first in the queue, so that nothing that enters meanwhile overtakes
    if (!alive) return;
    waiting_.pop_front();
    event_done();
  }
  if (alive && slow_max_.us > 0) be_busy();
}

}  // namespace conclave::sim
