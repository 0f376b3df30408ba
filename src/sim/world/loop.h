// Executor, workers and entropy of one life of a host. Timers run by the host's own clock: when that changes its rate
// or jumps, those that wait are moved.
//
// A worker runs each piece of work inline at a virtual instant, and reports it done after the virtual time that its
// disk calls took; a crash in between leaves work done but never reported, which is what a crash between a sync and its
// acknowledgement is. While the process is paused or the disk stands still, no work begins and none is reported.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "base/random.h"
#include "env/entropy.h"
#include "env/executor.h"
#include "sim/world/clock.h"
#include "sim/world/disk.h"
#include "sim/world/life.h"
#include "sim/world/scheduler.h"
#include "sim/world/trace.h"

namespace conclave::sim {

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
  Executor(Scheduler& scheduler, Trace& trace, const HostClock& clock, std::shared_ptr<Life> life)
      : scheduler_(scheduler), trace_(trace), clock_(clock), life_(std::move(life)) {}
  void post(Task task) override;
  env::TimerId schedule(Duration delay, Task task) override;
  void cancel(env::TimerId timer) override;

  // The host's clock runs differently now.
  void clock_changed();
  void crash();

 private:
  struct Timer {
    Duration due;       // on the host's clock
    EventId event = 0;  // 0: it fired, and waits for the loop
    Task task;
  };
  EventId arm(env::TimerId id, Duration due);
  void run_turn();
  void run_timer(env::TimerId id);

  Scheduler& scheduler_;
  Trace& trace_;
  const HostClock& clock_;
  std::shared_ptr<Life> life_;
  std::vector<Task> queue_;
  std::vector<Task> turn_;  // the tasks of the turn that runs
  bool turn_pending_ = false;
  std::map<env::TimerId, Timer> timers_;
  env::TimerId last_timer_ = 0;
};

class Worker final : public env::Worker {
 public:
  Worker(Scheduler& scheduler, Trace& trace, std::shared_ptr<Life> life, Executor& executor, Disk& disk, uint64_t seed)
      : scheduler_(scheduler), trace_(trace), life_(std::move(life)), executor_(executor), disk_(disk), random_(seed) {}
  void submit(Task work, Task done) override;
  void crash();

 private:
  struct Job {
    Task work;
    Task done;
  };
  void start();
  void run();
  void report();
  // Has `again` run later, if the process or the disk stands still.
  bool stands_still(void (Worker::*again)());

  Scheduler& scheduler_;
  Trace& trace_;
  std::shared_ptr<Life> life_;
  Executor& executor_;
  Disk& disk_;
  Random random_;
  std::deque<Job> queue_;  // the first is under way while busy
  bool busy_ = false;
};

}  // namespace conclave::sim
