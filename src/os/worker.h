// A thread that runs blocking work in order. The queue is bounded: a loop that submits faster than the disk works waits
// in submit() for room, rather than letting the queue grow without end.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <thread>

#include "env/executor.h"
#include "os/loop.h"

namespace conclave::os {

class Worker final : public env::Worker {
 public:
  // `name` shows in ps and in a debugger; at most 15 characters.
  Worker(Loop& loop, std::string name, size_t queue_max = 4096);
  // Runs what is queued, then ends the thread. The completions are posted, whether or not the loop still runs them.
  ~Worker() override;
  void submit(Task work, Task done) override;

 private:
  struct Job {
    Task work;
    Task done;
  };
  void run();

  Loop& loop_;
  const size_t queue_max_;
  std::mutex mutex_;
  std::condition_variable work_ready_;
  std::condition_variable room_;
  std::deque<Job> queue_;  // guarded by mutex_, as is:
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace conclave::os
