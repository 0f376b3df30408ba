#include <fmt/format.h>
#include <memory>

#include "app/commands/commands.h"
#include "app/status/ask.h"
#include "app/status/report.h"

namespace conclave::app {
namespace {

struct StatusArguments {
  std::vector<std::string> servers;
  int64_t timeout_ms = 2'000;
  bool json = false;
};

int run(const StatusArguments& arguments) {
  std::vector<env::Address> addresses;
  for (const std::string& text : arguments.servers) {
    const auto servers = parse_servers(text);
    if (!servers) {
      fmt::print(stderr, "conclave status: {}\n", servers.error().message);
      return kExitUsage;
    }
    addresses.insert(addresses.end(), servers->begin(), servers->end());
  }
  const auto cell = ask_replicas(addresses, Duration::millis(arguments.timeout_ms));
  if (!cell) {
    fmt::print(stderr, "conclave status: {}\n", cell.error().message);
    return 1;
  }
  fmt::print("{}", arguments.json ? json_text(*cell) : table_text(*cell));
  return cell->healthy() ? 0 : 1;
}

}  // namespace

void add_status_command(CLI::App& app, int* exit_code) {
  CLI::App* command = app.add_subcommand("status", "ask replicas who is master and how far each one is");
  const auto arguments = std::make_shared<StatusArguments>();
  command->add_option("servers", arguments->servers, "HOST:PORT of every replica, separated by spaces or commas")
      ->required();
  command->add_option("--timeout", arguments->timeout_ms, "for each answer, in ms (default 2000)")
      ->check(CLI::Range(1, 600'000));
  command->add_flag("--json", arguments->json, "for programs");
  command->footer("Exit codes: 0 there is one master and a quorum; 1 there is not; 2 bad arguments.");
  command->callback([arguments, exit_code] { *exit_code = run(*arguments); });
}

}  // namespace conclave::app
