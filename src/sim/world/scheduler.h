// The virtual clock and everything that is going to happen on it. Events run one at a time, ordered by (time, sequence
// of scheduling), so that a run depends on nothing but what was scheduled. Time moves only between events. One thread.
//
// Invariants: now() never goes back; an event never runs before its time; a cancelled event never runs.
#pragma once

#include <cstdint>
#include <optional>

#include "base/task.h"
#include "base/time.h"
#include "base/timer_queue.h"

namespace conclave::sim {

using EventId = uint64_t;  // 0 is never given out

class Scheduler {
 public:
  Scheduler() = default;
  ~Scheduler() { clear(); }
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  Instant now() const { return now_; }
  // Runs `task` at `when` (or now, if that has passed), after all that was scheduled for that instant before.
  EventId at(Instant when, Task task);
  EventId after(Duration delay, Task task) { return at(now_ + delay, std::move(task)); }
  // Cancelling an event that ran or is unknown does nothing.
  void cancel(EventId event);

  // Time of the next event.
  std::optional<Instant> next() { return events_.next(); }
  // Moves to the next event and runs it; false if there is none.
  bool step();
  // Runs every event up to and including `end`; then it is `end`.
  void run_until(Instant end);
  uint64_t events_run() const { return events_run_; }

  // Drops all events and takes no more: the end of the world. Objects that the tasks own are destroyed here.
  void clear();

 private:
  Instant now_{0};
  uint64_t events_run_ = 0;
  bool closed_ = false;
  TimerQueue events_;
};

}  // namespace conclave::sim
