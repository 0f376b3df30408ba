#include "app/commands/cell_arguments.h"

#include <fmt/format.h>

#include "app/commands/commands.h"

namespace conclave::app {

std::shared_ptr<CellArguments> add_cell_arguments(CLI::App* command) {
  const auto arguments = std::make_shared<CellArguments>();
  arguments->command = command->get_name();
  command
      ->add_option("--servers", arguments->servers,
                   fmt::format("HOST[:PORT],... of the replicas' lock service (port {} if left out)", kChubbyPort))
      ->envname("CONCLAVE_SERVERS");
  command->add_option("--user", arguments->users, "user:password whose rights the session has; may be repeated")
      ->expected(1)
      ->take_all()
      ->allow_extra_args(false);
  command->add_option("--cell", arguments->cell, "name that the cell must have");
  command->add_option("--timeout", arguments->timeout_ms, "how long to wait, in ms (default 10000)")
      ->check(CLI::Range(1, 86'400'000));
  command->add_flag("--json", arguments->json, "for programs");
  return arguments;
}

int cell_options(const CellArguments& arguments, CellOptions* options) {
  const auto refuse = [&](std::string_view why) {
    fmt::print(stderr, "conclave {}: {}\n", arguments.command, why);
    return kExitUsage;
  };
  if (arguments.servers.empty()) return refuse("name the replicas by --servers or in CONCLAVE_SERVERS");
  auto servers = parse_servers(arguments.servers, kChubbyPort);
  if (!servers) return refuse(servers.error().message);
  for (const std::string& user : arguments.users) {
    const size_t colon = user.find(':');
    if (colon == std::string::npos || colon == 0) return refuse("--user is not of the form user:password");
  }
  options->command = arguments.command;
  options->servers = *std::move(servers);
  options->users = arguments.users;
  options->cell = arguments.cell;
  if (arguments.timeout_ms > 0) options->patience = Duration::millis(arguments.timeout_ms);
  options->json = arguments.json;
  return 0;
}

int run_with(const CellArguments& arguments, const std::function<void(CellRun&)>& start) {
  CellOptions options;
  if (const int code = cell_options(arguments, &options); code != 0) return code;
  return run_on_cell(std::move(options), [&](CellRun& run) {
    start(run);
    return nullptr;
  });
}

}  // namespace conclave::app
