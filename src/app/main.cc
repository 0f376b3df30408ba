// The one binary. What it can do is in commands/; docs/tools.md is the manual.
#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <signal.h>
#include <string>
#include <string_view>
#include <vector>

#include "app/commands/commands.h"
#include "app/server/memory.h"

int main(int argc, char** argv) {
  using namespace conclave::app;
  if (argc > 1 && std::string_view(argv[1]) == "server") begin_with_huge_pages(argv);
  // A peer or a pipe that goes away is an error of the write, not the end of the program.
  signal(SIGPIPE, SIG_IGN);

  // Its command lines are those of the load generator, which is a program of its own too, and of what it is beside.
  if (argc > 1 && std::string_view(argv[1]) == "bench") return run_bench_command({argv + 2, argv + argc});

  // What follows `--` of a command that runs another one is not ours to understand.
  std::vector<std::string> behind;
  const std::string_view name = argc > 1 ? argv[1] : "";
  for (int i = 2; (name == "lock" || name == "elect") && i < argc; ++i) {
    if (std::string_view(argv[i]) != "--") continue;
    behind.assign(argv + i + 1, argv + argc);
    argc = i;
  }

  CLI::App app("Conclave: a coordination service with ZooKeeper's protocol and a lock service on Multi-Paxos",
               "conclave");
  app.set_version_flag("--version,-V", "conclave " CONCLAVE_VERSION);
  app.require_subcommand(1);
  int exit_code = 0;
  add_server_command(app, &exit_code);
  add_dev_command(app, &exit_code);
  add_shell_command(app, &exit_code);
  add_status_command(app, &exit_code);
  add_member_command(app, &exit_code);
  add_journal_command(app, &exit_code);
  add_snapshot_command(app, &exit_code);
  add_sim_command(app, &exit_code);
  add_explore_command(app, &exit_code);
  add_scenario_command(app, &exit_code);
  add_chubby_file_commands(app, &exit_code);
  add_chubby_lock_commands(app, behind, &exit_code);
  add_chubby_watch_commands(app, &exit_code);
  add_dns_command(app, &exit_code);
  app.add_subcommand("bench",
                     "drive load at servers of ZooKeeper's protocol, or compare engines (conclave bench --help)");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kExitUsage;
  }
  return exit_code;
}
