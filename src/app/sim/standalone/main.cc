// The command `sim` alone: what another compiler has to build to run the simulator.
#include <CLI/CLI.hpp>

#include "app/commands/commands.h"

int main(int argc, char** argv) {
  CLI::App app("Conclave's simulator alone", "conclave_simulator");
  app.require_subcommand(1);
  int exit_code = 0;
  conclave::app::add_sim_command(app, &exit_code);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : conclave::app::kExitUsage;
  }
  return exit_code;
}
