#include "sim/world/scheduler.h"

#include <algorithm>
#include <utility>

namespace conclave::sim {

EventId Scheduler::at(Instant when, Task task) {
  if (closed_) return EventId{1} << 32;
  return events_.add(std::max(when, now_), std::move(task));
}

void Scheduler::cancel(EventId event) {
  events_.cancel(event);
}

bool Scheduler::step() {
  const auto when = events_.next();
  if (!when) return false;
  now_ = *when;
  ++events_run_;
  Task task = events_.take();
  task();
  return true;
}

void Scheduler::run_until(Instant end) {
  for (auto when = next(); when && *when <= end; when = next()) step();
  now_ = std::max(now_, end);
}

void Scheduler::clear() {
  closed_ = true;
  events_.take_all();
}

}  // namespace conclave::sim
