#include "sim/world/loop.h"

namespace conclave::sim {
namespace {

constexpr Duration kTurn = Duration::micros(1);          // so that a loop that posts for ever lets time pass
constexpr uint64_t kWakeUpMinUs = 2, kWakeUpMaxUs = 40;  // of a worker

}  // namespace

Bytes Entropy::bytes(size_t size) {
  Bytes out;
  while (out.size() < size) out.push_back(static_cast<char>(random_.u64() >> 56));
  return out;
}

void Executor::post(Task task) {
  if (!life_->alive) return;
  queue_.push_back(std::move(task));
  if (turn_pending_) return;
  turn_pending_ = true;
  scheduler_.after(kTurn, [this] { life_->enter([this] { run_turn(); }); });
}

void Executor::run_turn() {
  turn_pending_ = false;
  turn_.swap(queue_);
  trace_.record(scheduler_.now(), "turn", life_->host.value, turn_.size());
  for (size_t i = 0; i < turn_.size() && life_->alive; ++i) {
    turn_[i]();
    if (i + 1 < turn_.size()) life_->event_done();
  }
  turn_.clear();
}

env::TimerId Executor::schedule(Duration delay, Task task) {
  if (!life_->alive) return ~uint64_t{0};
  const env::TimerId id = ++last_timer_;
  const Duration due = clock_.elapsed() + delay;
  timers_.emplace_hint(timers_.end(), id, Timer{.due = due, .event = arm(id, due), .task = std::move(task)});
  return id;
}

EventId Executor::arm(env::TimerId id, Duration due) {
  return scheduler_.after(clock_.until(due), [this, id] {
    const auto it = timers_.find(id);
    if (it == timers_.end()) return;
    it->second.event = 0;
    life_->enter([this, id] { run_timer(id); });
  });
}

void Executor::run_timer(env::TimerId id) {
  const auto timer = timers_.extract(id);
  if (timer.empty()) return;  // cancelled while it waited for the loop
  trace_.record(scheduler_.now(), "timer", life_->host.value);
  timer.mapped().task();
}

void Executor::cancel(env::TimerId id) {
  const auto timer = timers_.extract(id);
  if (!timer.empty() && timer.mapped().event != 0) scheduler_.cancel(timer.mapped().event);
}

void Executor::clock_changed() {
  for (auto& [id, timer] : timers_) {
    if (timer.event == 0) continue;
    scheduler_.cancel(timer.event);
    timer.event = arm(id, timer.due);
  }
}

// Tasks are destroyed by a later event: this may be a call from inside one of them.
void Executor::crash() {
  scheduler_.after(Duration{0}, [queue = std::exchange(queue_, {}), timers = std::exchange(timers_, {})] {});
}

void Worker::submit(Task work, Task done) {
  if (!life_->alive) return;
  queue_.push_back({.work = std::move(work), .done = std::move(done)});
  if (!busy_) start();
}

void Worker::start() {
  busy_ = true;
  const auto wake_up = Duration::micros(static_cast<int64_t>(random_.between(kWakeUpMinUs, kWakeUpMaxUs)));
  scheduler_.after(wake_up, [this] { run(); });
}

bool Worker::stands_still(void (Worker::*again)()) {
  Task task = [this, again] { (this->*again)(); };
  if (life_->paused()) {
    life_->when_resumed(std::move(task));
  } else if (disk_.stalled()) {
    disk_.when_released(std::move(task));
  } else {
    return false;
  }
  return true;
}

void Worker::run() {
  if (!life_->alive || stands_still(&Worker::run)) return;
  disk_.take_time();  // what was spent outside a worker, before the loop started, is nobody's
  queue_.front().work();
  if (!life_->alive) return;
  const Duration took = disk_.take_time();
  trace_.record(scheduler_.now(), "work", life_->host.value, static_cast<uint64_t>(took.us));
  scheduler_.after(took, [this] { report(); });
  life_->event_done();
}

void Worker::report() {
  if (!life_->alive || stands_still(&Worker::report)) return;
  executor_.post(std::move(queue_.front().done));
  queue_.pop_front();
  if (queue_.empty()) {
    busy_ = false;
  } else {
    start();
  }
  life_->event_done();
}

void Worker::crash() {
  scheduler_.after(Duration{0}, [queue = std::exchange(queue_, {})] {});
}

}  // namespace conclave::sim
