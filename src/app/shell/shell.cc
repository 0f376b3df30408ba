#include "app/shell/shell.h"

#include <atomic>
#include <condition_variable>
#include <fmt/format.h>
#include <iostream>
#include <memory>
#include <mutex>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <utility>

#include "app/shell/command_line.h"
#include "app/shell/completion.h"
#include "app/shell/runner.h"
#include "app/shell/session_access.h"
#include "app/shell/terminal.h"
#include "app/shell/text.h"
#include "app/shell/words.h"

namespace conclave::app {
namespace {

enum Exit : int { kDone = 0, kFailed = 1, kMalformed = 2, kUnreachable = 3 };

std::string history_file() {
  const char* home = getenv("HOME");
  if (home == nullptr || *home == '\0') {
    const passwd* user = getpwuid(getuid());
    home = user == nullptr ? nullptr : user->pw_dir;
  }
  return home == nullptr ? "" : std::string(home) + "/.conclave_history";
}

class Shell {
 public:
  explicit Shell(const ShellOptions& options)
      : options_(options),
        interactive_(options.command.empty() && isatty(STDIN_FILENO) != 0),
        raw_(isatty(STDOUT_FILENO) == 0) {}

  int run() {
    if (const int code = connect(); code != kDone) return code;
    if (const int code = authenticate(); code != kDone) return code;
    if (!options_.command.empty()) return run_once();
    return interactive_ ? run_terminal() : run_pipe();
  }

 private:
  int connect() {
    client::Options options;
    options.servers = options_.servers;
    options.session_timeout = options_.session_timeout;
    options.read_only = options_.read_only;
    auto access = SessionAccess::open(std::move(options),
                                      {.on_event = [this](const client::WatchEvent& event) { on_event(event); },
                                       .on_state = [this](client::SessionState state) { on_state(state); }});
    if (!access) {
      fmt::print(stderr, "conclave shell: {}\n", access.error().message);
      return kUnreachable;
    }
    access_ = *std::move(access);
    if (access_->wait_connected(options_.connect_patience)) return kDone;
    fmt::print(stderr, "conclave shell: no server could be reached; the last one tried: {}\n", access_->last_failure());
    return kUnreachable;
  }

  int authenticate() {
    for (const std::string& identity : options_.auth) {
      const size_t colon = identity.find(':');
      if (colon == std::string::npos) {
        fmt::print(stderr, "conclave shell: --auth takes scheme:credentials\n");
        return kMalformed;
      }
      if (!access_->add_auth(identity.substr(0, colon), identity.substr(colon + 1))) {
        fmt::print(stderr, "conclave shell: the credentials were refused\n");
        return kFailed;
      }
    }
    return kDone;
  }

  // Events are shown at once, wherever the user is.
  void on_event(const client::WatchEvent& event) {
    const std::string line = event_text(event);
    if (Terminal* terminal = terminal_; terminal != nullptr) {
      terminal->show(line);
    } else {
      fmt::print("{}\n", line);
      fflush(stdout);
    }
    const std::lock_guard lock(mutex_);
    ++events_;
    changed_.notify_all();
  }

  void on_state(client::SessionState state) {
    {
      const std::lock_guard lock(mutex_);
      over_ = state == client::SessionState::expired || state == client::SessionState::auth_failed;
      changed_.notify_all();
    }
    if (Terminal* terminal = terminal_; terminal != nullptr)
      terminal->show(fmt::format("[{}]", client::to_string(state)));
  }

  int execute(const std::vector<std::string>& words, CommandResult* result) {
    const auto command = parse_command(words);
    if (!command) {
      fmt::print(stderr, "{}\n", command.error().message);
      return kMalformed;
    }
    *result = run_command(*command, *access_, raw_);
    fwrite(result->output.data(), 1, result->output.size(), stdout);
    fflush(stdout);
    if (result->ok()) return kDone;
    fmt::print(stderr, "{}\n", result->error);
    return kFailed;
  }

  // With a watch: one event is waited for; `watch` itself goes on until it is interrupted.
  int run_once() {
    CommandResult result;
    const int code = execute(options_.command, &result);
    if (code != kDone || !result.watching) return code;
    const bool forever = options_.command.front() == "watch";
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return over_ || (events_ > 0 && !forever); });
    if (over_) fmt::print(stderr, "the session has ended\n");
    return over_ ? kFailed : kDone;
  }

  int run_pipe() {
    int worst = kDone;
    for (std::string line; std::getline(std::cin, line);) {
      bool quit = false;
      worst = std::max(worst, run_line(line, &quit));
      if (quit) break;
    }
    return worst;
  }

  int run_terminal() {
    Terminal terminal(history_file(), [this](std::string_view before, std::string_view word) {
      return complete(before, word, *access_);
    });
    terminal_ = &terminal;
    fmt::print("{}Type help for the commands.\n", access_->describe());
    bool quit = false;
    while (!quit) {
      const auto line = terminal.read_line("conclave> ");
      if (!line) {
        fmt::print("\n");
        break;
      }
      run_line(*line, &quit);
    }
    access_.reset();  // before the terminal that its events would go to
    terminal_ = nullptr;
    return kDone;
  }

  int run_line(const std::string& line, bool* quit) {
    const auto words = split_words(line);
    if (!words) {
      fmt::print(stderr, "{}\n", words.error().message);
      return kMalformed;
    }
    if (words->empty() || words->front().starts_with('#')) return kDone;
    CommandResult result;
    const int code = execute(*words, &result);
    *quit = result.quit;
    return code;
  }

  const ShellOptions& options_;
  const bool interactive_;
  const bool raw_;
  std::mutex mutex_;
  std::condition_variable changed_;
  size_t events_ = 0;
  bool over_ = false;
  std::atomic<Terminal*> terminal_{nullptr};
  std::unique_ptr<SessionAccess> access_;  // last: its thread calls us until it is destroyed
};

}  // namespace

int run_shell(const ShellOptions& options) {
  return Shell(options).run();
}

}  // namespace conclave::app
