// The commands that hold a lock while a command of the user runs: lock and elect.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/chubby/cell_run.h"
#include "app/chubby/held_command.h"

namespace conclave::app {

// What becomes of the command while the session is in jeopardy: the lock may have been lost, or not.
enum class InJeopardy { go_on, pause, stop };

struct HoldOptions {
  std::string name;
  std::vector<std::string> command;  // not empty
  int64_t lock_delay_ms = 0;
  InJeopardy in_jeopardy = InJeopardy::go_on;
  Duration kill_after = Duration::seconds(5);  // from TERM to KILL, when the lock is lost
};

struct LockOptions {
  HoldOptions hold;
  bool shared = false;
  bool attempt = false;              // only if it is free now
  std::optional<Duration> patience;  // until it is got, the cell included
};

// Keeps the user's command in step with the lock that it is to run under.
class Holder {
 public:
  Holder(CellRun& run, HoldOptions options);

  // `give_up` is called when the command has ended with the lock held; the session ends behind what it asks for.
  void give_up_by(std::function<void()> give_up) { give_up_ = std::move(give_up); }
  // The lock is ours.
  void got(const std::string& sequencer);
  // It is not any more, or may not be.
  void lost(const std::string& why);
  // Could not be got.
  void failed(const chubby::CallError& error);
  bool over() const { return over_; }
  // The command runs under the lock.
  bool holds() const { return command_ != nullptr && !lost_ && !over_; }
  // Ends the run with this code, before there was a lock.
  void stop(int code);

 private:
  void on_session(chubby::SessionEvent event);
  void on_signal(int number);
  void on_exit(int code);

  CellRun& run_;
  HoldOptions options_;
  std::function<void()> give_up_;
  std::unique_ptr<HeldCommand> command_;
  bool paused_ = false;
  bool lost_ = false;
  bool over_ = false;
};

// REQUIRES: the objects live until the run is over.
class LockCommand {
 public:
  LockCommand(CellRun& run, LockOptions options);

 private:
  void acquire();
  void on_acquired(const chubby::Outcome<chubby::Acquired>& acquired);

  CellRun& run_;
  LockOptions options_;
  Holder holder_;
  chubby::HandleId handle_;
};

}  // namespace conclave::app
