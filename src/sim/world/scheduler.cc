#include "sim/world/scheduler.h"

#include <algorithm>
#include <utility>

namespace conclave::sim {

EventId Scheduler::at(Instant when, Task task) {
  if (closed_) return EventId{1} << 32;
  uint32_t slot;
  if (free_.empty()) {
    slot = static_cast<uint32_t>(slots_.size());
    slots_.emplace_back();
  } else {
    slot = free_.back();
    free_.pop_back();
  }
  slots_[slot].pending = true;
  slots_[slot].task = std::move(task);
  const uint32_t generation = slots_[slot].generation;
  heap_.push_back({.when = std::max(when, now_), .sequence = ++sequence_, .slot = slot, .generation = generation});
  std::push_heap(heap_.begin(), heap_.end());
  return (EventId{generation} << 32) | slot;
}

Task Scheduler::release(uint32_t slot) {
  Task task = std::exchange(slots_[slot].task, Task());
  slots_[slot].pending = false;
  ++slots_[slot].generation;
  free_.push_back(slot);
  return task;
}

void Scheduler::cancel(EventId event) {
  const auto slot = static_cast<uint32_t>(event);
  const auto generation = static_cast<uint32_t>(event >> 32);
  if (closed_ || slot >= slots_.size()) return;
  if (!slots_[slot].pending || slots_[slot].generation != generation) return;
  release(slot);  // the heap entry is stale now: its generation is past
}

std::optional<Instant> Scheduler::next() {
  while (!heap_.empty()) {
    const Entry& top = heap_.front();
    if (slots_[top.slot].pending && slots_[top.slot].generation == top.generation) return top.when;
    std::pop_heap(heap_.begin(), heap_.end());
    heap_.pop_back();
  }
  return std::nullopt;
}

bool Scheduler::step() {
  if (!next()) return false;
  const Entry entry = heap_.front();
  std::pop_heap(heap_.begin(), heap_.end());
  heap_.pop_back();
  now_ = entry.when;
  ++events_run_;
  Task task = release(entry.slot);
  task();
  return true;
}

void Scheduler::run_until(Instant end) {
  for (auto when = next(); when && *when <= end; when = next()) step();
  now_ = std::max(now_, end);
}

void Scheduler::clear() {
  closed_ = true;
  heap_.clear();
  // Destroying a task may destroy objects that call at() or cancel(); both are off now, so slots_ stays put.
  for (Slot& slot : slots_) slot.task = Task();
}

}  // namespace conclave::sim
