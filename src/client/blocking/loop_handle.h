// The way to a loop on its thread. It may outlive the thread; then nothing is run any more. Not for users of the
// library: it shows os/.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "base/task.h"
#include "base/time.h"
#include "os/clock.h"
#include "os/loop.h"
#include "os/network.h"

namespace conclave::blocking {

class LoopHandle {
 public:
  struct World {
    os::Entropy entropy;
    os::Loop loop;
    os::Network network{loop};
  };

  void start();
  // Runs what was posted, then ends the thread, and destroys what was not run. Not on the loop thread.
  void end();

  // Any thread. After the end the task is destroyed without being run.
  void post(Task task);
  // The same, and waits. On the loop thread it is run at once. False: not run.
  bool run(const std::function<void()>& task);
  bool on_loop_thread() const { return std::this_thread::get_id() == thread_id_; }
  const os::Clock& clock() const { return clock_; }

  // Loop thread only.
  World& world() { return *world_; }

 private:
  os::Clock clock_;
  std::mutex mutex_;
  bool ended_ = false;  // guarded by mutex_
  std::unique_ptr<World> world_ = std::make_unique<World>();
  std::thread thread_;
  std::thread::id thread_id_;
};

}  // namespace conclave::blocking
