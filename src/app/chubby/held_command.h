// The command that runs while a lock is held: a process group of its own, in front of the terminal if there is one, so
// that signals reach it whole. It does not outlive us. Loop thread only.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <sys/types.h>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "os/fd.h"
#include "os/loop.h"

namespace conclave::app {

class HeldCommand {
 public:
  struct Setup {
    std::vector<std::string> arguments;                            // not empty; found along the PATH
    std::vector<std::pair<std::string, std::string>> environment;  // beside or instead of ours
  };
  // Called once, when it has ended, with what a shell would say: its code, or 128 and the signal.
  using OnExit = std::function<void(int code)>;

  // The error says why it cannot be run; ErrorKind::not_found: there is no such program.
  static Result<std::unique_ptr<HeldCommand>> start(os::Loop& loop, Setup setup, OnExit on_exit);
  ~HeldCommand();  // kills what still runs

  pid_t pid() const { return pid_; }
  bool running() const { return running_; }
  // To the whole group.
  void signal(int number) const;
  // TERM, and KILL if it has not ended then.
  void end(Duration patience);
  // After SIGCHLD: who holds a lock must not be suspended, since nobody would take it from a sleeper in time.
  void wake_if_stopped() const;

 private:
  class ExitWatcher;
  HeldCommand(os::Loop& loop, pid_t pid, os::Fd pidfd, OnExit on_exit);
  void reap();

  os::Loop& loop_;
  pid_t pid_;
  bool running_ = true;
  bool in_front_;  // of the terminal
  os::Fd pidfd_;
  OnExit on_exit_;
  env::TimerId kill_timer_ = 0;
  std::unique_ptr<ExitWatcher> watcher_;
};

}  // namespace conclave::app
