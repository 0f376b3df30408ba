#include <memory>

#include "app/chubby/watching.h"
#include "app/commands/cell_arguments.h"
#include "app/commands/commands.h"

namespace conclave::app {

void add_chubby_watch_commands(CLI::App& app, int* exit_code) {
  CLI::App* events = app.add_subcommand("events", "lock service: print what happens to a node until interrupted");
  const auto name = std::make_shared<std::string>();
  events->add_option("name", *name, "of the node")->required();
  events->footer(
      "Exit codes: 0 interrupted; 1 refused, or the node was removed; 2 bad arguments; 3 the cell did not "
      "answer, or the session has expired.");
  const auto events_cell = add_cell_arguments(events);
  events->callback([=] { *exit_code = run_with(*events_cell, [&](CellRun& run) { run_events(run, *name); }); });

  CLI::App* locks =
      app.add_subcommand("locks", "lock service: who holds which lock, who waits, and who for each other");
  locks->footer("Exit codes: 0 done; 1 there is a deadlock; 2 bad arguments; 3 the cell did not answer.");
  const auto locks_cell = add_cell_arguments(locks);
  locks->callback([=] { *exit_code = run_with(*locks_cell, run_locks); });

  CLI::App* sessions =
      app.add_subcommand("sessions", "lock service: who is connected, and what the master keeps of them");
  sessions->footer("Exit codes: 0 done; 2 bad arguments; 3 the cell did not answer.");
  const auto sessions_cell = add_cell_arguments(sessions);
  sessions->callback([=] { *exit_code = run_with(*sessions_cell, run_sessions); });
}

}  // namespace conclave::app
