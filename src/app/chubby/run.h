// What a command that uses the lock service works with: the service, where its output goes, and its end. `cell_run.h`
// has the one of real life; tests give another one.
#pragma once

#include <string>
#include <string_view>

#include "client/chubby/lock_service.h"
#include "env/executor.h"

namespace conclave::app {

// Exit codes of all commands of the lock service; docs/tools.md.
inline constexpr int kCellDone = 0;
inline constexpr int kCellRefused = 1;
inline constexpr int kCellUnreachable = 3;
// Of those that hold a lock for a command, whose own exit code they pass on otherwise.
inline constexpr int kLockNotGot = 123;
inline constexpr int kLockLost = 124;
inline constexpr int kLockFailed = 125;
inline constexpr int kCommandNotRun = 126;
inline constexpr int kCommandNotFound = 127;

class Run {
 public:
  virtual ~Run() = default;
  virtual chubby::LockService& service() = 0;
  virtual env::Executor& executor() = 0;
  virtual bool json() const = 0;
  // Standard output, as it is, and at once.
  virtual void print(std::string_view text) = 0;
  // One line of standard error.
  virtual void complain(std::string_view text) = 0;
  // The cell has answered: from now on the command may take as long as it likes.
  virtual void reached() = 0;
  // Ends the session, and the program with this code. Once.
  virtual void finish(int code) = 0;

  // Says why and ends.
  void fail(std::string_view what, const chubby::CallError& error) {
    complain(text_of(what, error));
    const bool unreachable = error.code == chubby::CallCode::session_expired;
    finish(unreachable ? kCellUnreachable : kCellRefused);
  }
  static std::string text_of(std::string_view what, const chubby::CallError& error) {
    std::string text(what);
    text += ": ";
    text += chubby::to_string(error.code);
    if (!error.message.empty()) text += " (" + error.message + ")";
    return text;
  }
};

}  // namespace conclave::app
