// Tasks by time: a heap with cheap cancel, shared by the real loop and the virtual clock. Ordered by (time, sequence of
// adding), so that the order of two tasks never depends on anything else. Pure; no clock of its own; one thread.
//
// Cancelling leaves a stale heap entry behind; when most entries are stale the heap is rebuilt, so memory stays within
// a constant factor of the live tasks.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "base/task.h"
#include "base/time.h"

namespace conclave {

class TimerQueue {
 public:
  // The id is never 0 and never given out twice within 2^32 uses of a slot.
  uint64_t add(Instant when, Task task) {
    if (free_.empty()) {
      free_.push_back(static_cast<uint32_t>(slots_.size()));
      slots_.emplace_back();
    }
    const uint32_t slot = free_.back();
    free_.pop_back();
    slots_[slot].pending = true;
    slots_[slot].task = std::move(task);
    heap_.push_back({.when = when, .sequence = ++sequence_, .slot = slot, .generation = slots_[slot].generation});
    std::push_heap(heap_.begin(), heap_.end());
    return (uint64_t{slots_[slot].generation} << 32) | slot;
  }

  // After this the task will not be taken; it is returned so that the caller decides where it is destroyed. Empty if it
  // was taken already or is unknown.
  Task cancel(uint64_t id) {
    const auto slot = static_cast<uint32_t>(id);
    if (slot >= slots_.size() || !live({.slot = slot, .generation = static_cast<uint32_t>(id >> 32)})) return Task();
    Task task = release(slot);
    ++stale_;
    if (stale_ > 64 && stale_ > heap_.size() / 2) {
      std::erase_if(heap_, [this](const Entry& entry) { return !live(entry); });
      std::make_heap(heap_.begin(), heap_.end());
      stale_ = 0;
    }
    return task;
  }

  // Time of the first task.
  std::optional<Instant> next() {
    while (!heap_.empty() && !live(heap_.front())) {
      pop();
      --stale_;
    }
    if (heap_.empty()) return std::nullopt;
    return heap_.front().when;
  }

  // Takes the first task. REQUIRES: next() has a value.
  Task take() {
    const uint32_t slot = heap_.front().slot;
    pop();
    return release(slot);
  }

  // Takes all tasks, in no particular order.
  std::vector<Task> take_all() {
    std::vector<Task> tasks;
    for (Slot& slot : slots_) {
      if (slot.pending) tasks.push_back(std::move(slot.task));
    }
    *this = TimerQueue();
    return tasks;
  }

  size_t heap_size() const { return heap_.size(); }

 private:
  struct Slot {
    uint32_t generation = 1;
    bool pending = false;
    Task task;
  };
  struct Entry {
    Instant when;
    uint64_t sequence = 0;
    uint32_t slot = 0;
    uint32_t generation = 0;
    // The standard heap keeps the greatest on top, and the first task is the least.
    friend bool operator<(const Entry& a, const Entry& b) {
      return a.when != b.when ? a.when > b.when : a.sequence > b.sequence;
    }
  };
  bool live(const Entry& entry) const {
    return slots_[entry.slot].pending && slots_[entry.slot].generation == entry.generation;
  }
  void pop() {
    std::pop_heap(heap_.begin(), heap_.end());
    heap_.pop_back();
  }
  Task release(uint32_t slot) {
    Task task = std::exchange(slots_[slot].task, Task());
    slots_[slot].pending = false;
    if (++slots_[slot].generation == 0) slots_[slot].generation = 1;
    free_.push_back(slot);
    return task;
  }

  std::vector<Entry> heap_;
  std::vector<Slot> slots_;
  std::vector<uint32_t> free_;
  uint64_t sequence_ = 0;
  size_t stale_ = 0;
};

}  // namespace conclave
