#include <memory>

#include "app/commands/commands.h"
#include "app/dev/dev.h"

namespace conclave::app {

void add_dev_command(CLI::App& app, int* exit_code) {
  CLI::App* command = app.add_subcommand("dev", "run a whole cell on this machine");
  const auto options = std::make_shared<DevOptions>();
  const auto port = std::make_shared<uint16_t>();
  command->add_option("--replicas,-n", options->replicas, "how many replicas (default 3)")->check(CLI::Range(1, 99));
  command->add_option("--data", options->data, "directory to keep the data in (default: a temporary one)");
  CLI::Option* base = command->add_option(
      "--base-port", *port,
      "first client port; peer ports begin 100 above, the lock service's 200 above (default: 2181, or the next "
      "usual one that is free)");
  base->check(CLI::Range(1, 65'000));
  command->add_option("--engine", options->engine, "algorithm behind the log: paxos (default) or raft")
      ->check(CLI::IsMember({"paxos", "raft"}));
  command->add_flag("--verbose,-v", options->verbose, "show every line of the replicas' logs");
  command->footer("Ctrl-C stops the cell. Exit codes: 0 stopped; 1 could not start, or every replica has died.");
  command->callback([options, port, base, exit_code] {
    if (base->count() > 0) options->base_port = *port;
    *exit_code = run_dev(*options);
  });
}

}  // namespace conclave::app
