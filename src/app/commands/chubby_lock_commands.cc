#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "app/chubby/elect.h"
#include "app/chubby/holding.h"
#include "app/commands/cell_arguments.h"
#include "app/commands/commands.h"

namespace conclave::app {
namespace {

constexpr char kHeldCodes[] =
    "The command finds CONCLAVE_SEQUENCER, CONCLAVE_LOCK (the name) and CONCLAVE_SERVERS in its environment, gets the\n"
    "signals that come here, and is ended (TERM, then KILL) when the lock is lost. Exit codes: that of the command "
    "(128\n"
    "and the signal if one ended it); 2 bad arguments; 123 the lock was not got; 124 it was lost; 125 refused, or the\n"
    "cell did not answer; 126 the command cannot be run; 127 there is no such command.";

void add_hold_options(CLI::App* command, HoldOptions* hold) {
  command->add_option("name", hold->name, "of the file that is locked; it is made if there is none")->required();
  command
      ->add_option("--lock-delay", hold->lock_delay_ms,
                   "how long nobody gets the lock if we are lost with it, in ms (default 0)")
      ->check(CLI::Range(0, 60'000));
  command
      ->add_option("--jeopardy", hold->in_jeopardy,
                   "what the command does while no master answers and the lock may be lost: go (default), pause, stop")
      ->transform(CLI::CheckedTransformer(
          std::map<std::string, InJeopardy>{
              {"go", InJeopardy::go_on}, {"pause", InJeopardy::pause}, {"stop", InJeopardy::stop}},
          CLI::ignore_case))
      ->option_text("go|pause|stop");
}

CLI::Option* add_kill_after(CLI::App* command, int64_t* kill_after_ms) {
  return command->add_option("--kill-after", *kill_after_ms, "from TERM to KILL, in ms (default 5000)")
      ->check(CLI::Range(0, 600'000));
}

void add_lock(CLI::App& app, const std::vector<std::string>& behind, int* exit_code) {
  struct Arguments {
    LockOptions lock;
    int64_t kill_after_ms = 5'000;
  };
  CLI::App* command = app.add_subcommand("lock", "lock service: hold a lock while a command runs: NAME -- COMMAND...");
  const auto arguments = std::make_shared<Arguments>();
  add_hold_options(command, &arguments->lock.hold);
  add_kill_after(command, &arguments->kill_after_ms);
  command->add_flag("--shared", arguments->lock.shared, "with others who want it shared");
  command->add_flag("--try", arguments->lock.attempt, "only if it is free now");
  command->footer(std::string("--timeout is the time within which the lock must be got (default: 10 s for the cell to "
                              "answer, then as long as it takes).\n") +
                  kHeldCodes);
  const auto cell = add_cell_arguments(command);
  command->callback([=] {
    LockOptions options = arguments->lock;
    options.hold.command = behind;
    options.hold.kill_after = Duration::millis(arguments->kill_after_ms);
    if (behind.empty()) {
      fmt::print(stderr, "conclave lock: give the command behind --\n");
      *exit_code = kExitUsage;
      return;
    }
    CellOptions at;
    if (*exit_code = cell_options(*cell, &at); *exit_code != 0) return;
    at.unreachable = kLockFailed;
    if (cell->timeout_ms > 0) options.patience = at.patience;
    at.patience = std::min(at.patience, CellOptions().patience);
    *exit_code = run_on_cell(std::move(at), [&](CellRun& run) { return std::make_shared<LockCommand>(run, options); });
  });
}

void add_elect(CLI::App& app, const std::vector<std::string>& behind, int* exit_code) {
  struct Arguments {
    HoldOptions hold;
    std::string id;
    int64_t kill_after_ms = 5'000;
    bool follow = false;
  };
  CLI::App* command = app.add_subcommand(
      "elect", "lock service: be primary while a command runs: NAME --id TEXT -- COMMAND..., or say who is");
  const auto arguments = std::make_shared<Arguments>();
  add_hold_options(command, &arguments->hold);
  add_kill_after(command, &arguments->kill_after_ms);
  command->add_option("--id", arguments->id, "who we are, for others to read: an address, say");
  command->add_flag("--follow", arguments->follow, "without a command: and every later primary, until interrupted");
  command->footer(std::string("Without a command: prints the primary; exits with 1 if there is none, 3 if the cell did "
                              "not answer.\n") +
                  kHeldCodes);
  const auto cell = add_cell_arguments(command);
  command->callback([=] {
    const auto refuse = [&](std::string_view why) {
      fmt::print(stderr, "conclave elect: {}\n", why);
      *exit_code = kExitUsage;
    };
    if (behind.empty() != arguments->id.empty()) return refuse("--id and a command behind -- go together");
    if (!behind.empty() && arguments->follow) return refuse("--follow is for looking on, without a command");
    CellOptions at;
    if (*exit_code = cell_options(*cell, &at); *exit_code != 0) return;
    if (behind.empty()) {
      *exit_code = run_on_cell(std::move(at), [&](CellRun& run) {
        return std::make_shared<PrimaryCommand>(run, arguments->hold.name, arguments->follow);
      });
      return;
    }
    at.unreachable = kLockFailed;
    HoldOptions hold = arguments->hold;
    hold.command = behind;
    hold.kill_after = Duration::millis(arguments->kill_after_ms);
    *exit_code = run_on_cell(std::move(at),
                             [&](CellRun& run) { return std::make_shared<ElectCommand>(run, hold, arguments->id); });
  });
}

}  // namespace

void add_chubby_lock_commands(CLI::App& app, const std::vector<std::string>& command, int* exit_code) {
  add_lock(app, command, exit_code);
  add_elect(app, command, exit_code);
}

}  // namespace conclave::app
