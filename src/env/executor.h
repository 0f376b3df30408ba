// The loop: runs tasks and timers one at a time, on one thread.
#pragma once

#include <cstdint>

#include "base/task.h"
#include "base/time.h"

namespace conclave::env {

using TimerId = uint64_t;  // 0 is never given out

class Executor {
 public:
  virtual ~Executor() = default;
  // Runs `task` on the loop after the current task returns, in the order posted. Safe from any thread.
  virtual void post(Task task) = 0;
  // Runs `task` once, not before `delay` has passed. Loop thread only.
  virtual TimerId schedule(Duration delay, Task task) = 0;
  // After cancel returns, the task will not run; cancelling one that ran or is unknown does nothing. Loop thread only.
  virtual void cancel(TimerId timer) = 0;
};

// Runs blocking work (disk) off the loop. Work given to one worker runs one at a time, in order.
class Worker {
 public:
  virtual ~Worker() = default;
  // Runs `work` on the worker, then posts `done` to the loop. Loop thread only.
  virtual void submit(Task work, Task done) = 0;
};

}  // namespace conclave::env
