// One replica process under the eyes of `conclave dev`: started from this very program, its standard error read line by
// line, its end noticed. It dies with us, even if we are killed. Loop thread only.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <sys/types.h>
#include <vector>

#include "app/dev/plan.h"
#include "base/result.h"
#include "os/fd.h"
#include "os/loop.h"

namespace conclave::app {

class Child {
 public:
  struct Callbacks {
    std::function<void(const std::string& line)> on_line;
    std::function<void(const std::string& how)> on_exit;  // "exit code 1", "signal 9 (Killed)"; after its last line
  };

  // Runs /proc/self/exe with the arguments, in a process group of its own so that Ctrl-C reaches us alone.
  static Result<std::unique_ptr<Child>> start(os::Loop& loop, std::vector<std::string> arguments, Callbacks callbacks);
  ~Child();  // kills what still runs

  pid_t pid() const { return pid_; }
  bool running() const { return running_; }
  void signal(int number);

 private:
  class PipeWatcher;
  class ExitWatcher;
  Child(os::Loop& loop, pid_t pid, os::Fd pipe, os::Fd pidfd, Callbacks callbacks);
  void read_pipe();
  void reap();

  os::Loop& loop_;
  pid_t pid_;
  bool running_ = true;
  os::Fd pipe_;
  os::Fd pidfd_;
  Callbacks callbacks_;
  LineSplitter lines_;
  std::unique_ptr<PipeWatcher> pipe_watcher_;
  std::unique_ptr<ExitWatcher> exit_watcher_;
};

}  // namespace conclave::app
