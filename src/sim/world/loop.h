// Clock, executor and workers of one life of a host. A worker runs each piece of work inline at a virtual instant, and
// reports it done after the virtual time that its disk calls took; a crash in between leaves work done but never
// reported, which is what a crash between a sync and its acknowledgement is.
#pragma once

#include <deque>
#include <memory>
#include <utility>
#include <vector>

#include "base/random.h"
#include "env/clock.h"
#include "env/entropy.h"
#include "env/executor.h"
#include "sim/world/disk.h"
#include "sim/world/life.h"
#include "sim/world/scheduler.h"
#include "sim/world/trace.h"

namespace conclave::sim {

class Clock final : public env::Clock {
 public:
  // Instants start anywhere (`origin`), so that nobody compares those of two hosts.
  Clock(const Scheduler& scheduler, Duration origin, int64_t wall_start_ms)
      : scheduler_(scheduler), origin_(origin), wall_start_ms_(wall_start_ms) {}
  Instant now() const override { return scheduler_.now() + origin_; }
  int64_t wall_ms() const override { return wall_start_ms_ + scheduler_.now().us / 1000; }

 private:
  const Scheduler& scheduler_;
  Duration origin_;
  int64_t wall_start_ms_;
};

class Entropy final : public env::Entropy {
 public:
  explicit Entropy(uint64_t seed) : random_(seed) {}
  Bytes bytes(size_t size) override;
  uint64_t u64() override { return random_.u64(); }

 private:
  Random random_;
};

class Executor final : public env::Executor {
 public:
  Executor(Scheduler& scheduler, Trace& trace, std::shared_ptr<Life> life)
      : scheduler_(scheduler), trace_(trace), life_(std::move(life)) {}
  void post(Task task) override;
  env::TimerId schedule(Duration delay, Task task) override;
  void cancel(env::TimerId timer) override { scheduler_.cancel(timer); }
  void crash() { queue_.clear(); }

 private:
  void run_turn();

  Scheduler& scheduler_;
  Trace& trace_;
  std::shared_ptr<Life> life_;
  std::vector<Task> queue_;
  bool turn_pending_ = false;
};

class Worker final : public env::Worker {
 public:
  Worker(Scheduler& scheduler, Trace& trace, std::shared_ptr<Life> life, Executor& executor, Disk& disk, uint64_t seed)
      : scheduler_(scheduler), trace_(trace), life_(std::move(life)), executor_(executor), disk_(disk), random_(seed) {}
  void submit(Task work, Task done) override;
  void crash() { queue_.clear(); }

 private:
  struct Job {
    Task work;
    Task done;
  };
  void start();
  void run();

  Scheduler& scheduler_;
  Trace& trace_;
  std::shared_ptr<Life> life_;
  Executor& executor_;
  Disk& disk_;
  Random random_;
  std::deque<Job> queue_;
  bool busy_ = false;
};

}  // namespace conclave::sim
