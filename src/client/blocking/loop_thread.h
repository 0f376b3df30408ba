// The thread on which sessions with the lock service live: one event loop, that runs callbacks one at a time. A Client
// makes its own unless it is given one; several Clients on one loop cost one thread.
#pragma once

#include <memory>

#include "base/task.h"

namespace conclave::blocking {

class LoopHandle;

class LoopThread {
 public:
  // Starts the thread. It takes no signals: those go to the threads of the program.
  LoopThread();
  // Runs what was posted, then ends the thread. REQUIRES: the Clients on it are gone; not on the loop thread.
  ~LoopThread();
  LoopThread(const LoopThread&) = delete;
  LoopThread& operator=(const LoopThread&) = delete;

  // Runs `task` on the loop, in the order posted. Any thread.
  void post(Task task);
  // The library's own way to it, which may outlive the thread.
  const std::shared_ptr<LoopHandle>& handle() const { return handle_; }

 private:
  std::shared_ptr<LoopHandle> handle_;
};

}  // namespace conclave::blocking
