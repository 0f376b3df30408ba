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
  scheduler_.after(kTurn, [this, life = life_] {
    if (life->alive) run_turn();
  });
}

void Executor::run_turn() {
  turn_pending_ = false;
  std::vector<Task> batch;
  batch.swap(queue_);
  trace_.record(scheduler_.now(), "turn", life_->host.value, batch.size());
  for (Task& task : batch) {
    if (!life_->alive) return;  // a task crashed its own host
    task();
  }
}

env::TimerId Executor::schedule(Duration delay, Task task) {
  if (!life_->alive) return ~uint64_t{0};
  return scheduler_.after(delay, [this, life = life_, moved = std::move(task)]() mutable {
    if (!life->alive) return;
    trace_.record(scheduler_.now(), "timer", life->host.value);
    moved();
  });
}

void Worker::submit(Task work, Task done) {
  if (!life_->alive) return;
  queue_.push_back({.work = std::move(work), .done = std::move(done)});
  if (!busy_) start();
}

void Worker::start() {
  busy_ = true;
  const auto wake_up = Duration::micros(static_cast<int64_t>(random_.between(kWakeUpMinUs, kWakeUpMaxUs)));
  scheduler_.after(wake_up, [this, life = life_] {
    if (life->alive) run();
  });
}

void Worker::run() {
  Job job = std::move(queue_.front());
  queue_.pop_front();
  disk_.take_time();  // what was spent outside a worker, before the loop started, is nobody's
  job.work();
  if (!life_->alive) return;
  const Duration took = disk_.take_time();
  trace_.record(scheduler_.now(), "work", life_->host.value, static_cast<uint64_t>(took.us));
  scheduler_.after(took, [this, life = life_, done = std::move(job.done)]() mutable {
    if (!life->alive) return;
    executor_.post(std::move(done));
    if (queue_.empty()) {
      busy_ = false;
    } else {
      start();
    }
  });
}

}  // namespace conclave::sim
