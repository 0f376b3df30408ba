#include <fmt/format.h>
#include <memory>
#include <utility>

#include "app/commands/commands.h"
#include "app/shell/command_line.h"
#include "app/shell/shell.h"

namespace conclave::app {
namespace {

struct ShellArguments {
  std::string servers;
  std::vector<std::string> command;
  int64_t session_timeout_ms = 10'000;
  int64_t patience_ms = 10'000;
  std::vector<std::string> auth;
  bool read_only = false;
};

int run(const ShellArguments& arguments) {
  auto servers = parse_servers(arguments.servers);
  if (!servers) {
    fmt::print(stderr, "conclave shell: {}\n", servers.error().message);
    return kExitUsage;
  }
  ShellOptions options;
  options.servers = *std::move(servers);
  options.command = arguments.command;
  options.session_timeout = Duration::millis(arguments.session_timeout_ms);
  options.connect_patience = Duration::millis(arguments.patience_ms);
  options.auth = arguments.auth;
  options.read_only = arguments.read_only;
  // A line that is wrong in itself is not worth a connection.
  if (!options.command.empty()) {
    if (const auto command = parse_command(options.command); !command) {
      fmt::print(stderr, "{}\n", command.error().message);
      return kExitUsage;
    }
  }
  return run_shell(options);
}

}  // namespace

void add_shell_command(CLI::App& app, int* exit_code) {
  CLI::App* command = app.add_subcommand("shell", "look at the tree and change it: [OPTIONS] SERVERS [COMMAND...]");
  const auto arguments = std::make_shared<ShellArguments>();
  command->add_option("servers", arguments->servers, "HOST:PORT[,HOST:PORT...]")->required();
  command->add_option("--session-timeout", arguments->session_timeout_ms, "of the session, in ms (default 10000)")
      ->check(CLI::Range(100, 3'600'000));
  command->add_option("--timeout", arguments->patience_ms, "for the first connection, in ms (default 10000)")
      ->check(CLI::Range(1, 3'600'000));
  command->add_option("--auth", arguments->auth, "scheme:credentials to show first; may be repeated")
      ->expected(1)
      ->take_all()
      ->allow_extra_args(false);
  command->add_flag("--read-only", arguments->read_only, "be content with a server that knows no master");
  // What follows the servers is a command of the shell, its options too.
  command->prefix_command();
  std::string commands = "Commands:\n";
  for (const CommandSpec& spec : shell_commands()) commands += fmt::format("  {:<46} {}\n", usage_of(spec), spec.help);
  command->footer(commands +
                  "\nOptions of conclave stand before the servers. Exit codes: 0 done; 1 the command failed; 2 it is "
                  "malformed; 3 no server could be reached.");
  command->callback([arguments, command, exit_code] {
    arguments->command = command->remaining();
    *exit_code = run(*arguments);
  });
}

}  // namespace conclave::app
