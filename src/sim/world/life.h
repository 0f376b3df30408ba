// One run of the process on a host, from boot to crash. Everything a process scheduled or holds belongs to its life and
// is dead with it: its tasks are dropped, its sockets are gone, its file handles answer with an error.
//
// A life is also the door to the loop. Turns, timers, frames and bytes all enter() here, one at a time, so that this is
// where a process can be stopped (SIGSTOP), be slow, or crash between any two of its events.
//
// Invariants: nothing runs on the loop of a dead, paused or busy life; what enters then waits and runs in order.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <utility>
#include <vector>

#include "base/random.h"
#include "base/task.h"
#include "base/time.h"
#include "sim/world/fabric.h"
#include "sim/world/scheduler.h"

namespace conclave::sim {

class Life {
 public:
  Life(HostId on, uint64_t life_number, Scheduler& scheduler, uint64_t seed)
      : host(on), number(life_number), scheduler_(scheduler), random_(seed) {}

  const HostId host;
  const uint64_t number;  // from 1, per host
  bool alive = true;

  // Runs `event` on the loop: now if the loop is free, else in its turn; never if the life ends before.
  template <class F>
  void enter(F&& event) {
    if (!alive) return;
    if (!free()) {
      waiting_.push_back(std::forward<F>(event));
      return;
    }
    event();
    event_done();
    if (slow_max_.us > 0) be_busy();
  }
  bool free() const { return !paused_ && !busy_ && waiting_.empty(); }
  // Called between two events that entered as one, such as the tasks of a turn: a place where the life may end.
  void event_done() {
    ++events_run_;
    if (events_left_ > 0) count_down();
  }
  uint64_t events_run() const { return events_run_; }

  void pause() { paused_ = true; }
  void resume();
  bool paused() const { return paused_; }
  // Runs `task` once, as an event of its own, after the next resume(): for the threads beside the loop.
  void when_resumed(Task task) { stopped_.push_back(std::move(task)); }

  // After each turn the loop is busy for a random time up to `max`, at least `min`. Zero: no time, the default.
  void set_slow(Duration min, Duration max);

  // Calls `crash` once, after the `events`th event from now. Zero: never.
  void crash_after(uint64_t events, std::function<void()> crash);

  // The end. What waited is destroyed by a later event: this may be a call from inside one of the waiting tasks.
  void end();

 private:
  void count_down();
  void be_busy();
  void drain();

  Scheduler& scheduler_;
  Random random_;
  bool paused_ = false;
  bool busy_ = false;
  Duration slow_min_{0}, slow_max_{0};
  std::deque<Task> waiting_;
  std::vector<Task> stopped_;
  uint64_t events_run_ = 0;
  uint64_t events_left_ = 0;  // until crash_; 0: none is planned
  std::function<void()> crash_;
};

}  // namespace conclave::sim
