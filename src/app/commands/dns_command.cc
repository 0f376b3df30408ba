#include <fmt/format.h>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "app/commands/cell_arguments.h"
#include "app/commands/commands.h"
#include "app/dns/dns.h"
#include "app/log/log_line.h"
#include "app/log/log_sink.h"

namespace conclave::app {
namespace {

using frontend::dns::ServerOptions;

constexpr uint16_t kDnsPort = 53;
constexpr int64_t kTtlMax = 604'800;  // a week

struct DnsArguments {
  std::vector<std::string> listen;
  std::vector<std::string> zones;
  std::vector<std::string> name_servers = {"ns"};
  int64_t ttl_s = 0;
  int64_t patience_ms = 2'000;
  size_t queries_max = ServerOptions().queries_max;
  size_t connections_max = ServerOptions().connections_max;
  int64_t idle_ms = 10'000;
  std::string log_level = "info";
  std::string log_file;
};

Result<ServerOptions> server_options(const DnsArguments& arguments) {
  ServerOptions options;
  for (const std::string& text : arguments.listen) {
    auto addresses = parse_servers(text, kDnsPort);
    if (!addresses) return fail(ErrorKind::invalid_argument, fmt::format("--listen: {}", addresses.error().message));
    for (env::Address& address : *addresses) options.listen.push_back(std::move(address));
  }
  for (const std::string& text : arguments.zones) {
    auto zone = frontend::dns::parse_zone(text);
    if (!zone) return fail(ErrorKind::invalid_argument, fmt::format("--zone: {}", zone.error().message));
    options.responder.zones.push_back(*std::move(zone));
  }
  options.responder.name_servers = arguments.name_servers;
  options.responder.ttl = static_cast<uint32_t>(arguments.ttl_s);
  options.patience = Duration::millis(arguments.patience_ms);
  options.queries_max = arguments.queries_max;
  options.connections_max = arguments.connections_max;
  options.connection_idle = Duration::millis(arguments.idle_ms);
  return options;
}

int run(const DnsArguments& arguments, const CellArguments& cell) {
  const auto refuse = [](std::string_view why, int code) {
    fmt::print(stderr, "conclave dns: {}\n", why);
    return code;
  };
  CellOptions at;
  if (const int code = cell_options(cell, &at); code != 0) return code;
  at.keep_session = true;
  auto options = server_options(arguments);
  if (!options) return refuse(options.error().message, kExitUsage);
  auto file = LogFile::open(arguments.log_file);
  if (!file) return refuse(file.error().message, kDnsCannotStart);
  log::Level level = log::Level::info;
  parse_level_name(arguments.log_level, &level);
  install_log(*file, level);
  return run_on_cell(std::move(at), [&](CellRun& on) { return std::make_shared<DnsCommand>(on, *options, *file); });
}

}  // namespace

void add_dns_command(CLI::App& app, int* exit_code) {
  CLI::App* command = app.add_subcommand("dns", "lock service: a name server that answers from files of the cell");
  const auto arguments = std::make_shared<DnsArguments>();
  command
      ->add_option("--listen", arguments->listen,
                   fmt::format("ADDRESS[:PORT] for UDP and TCP (port {} if left out); may be repeated", kDnsPort))
      ->required()
      ->expected(1)
      ->take_all();
  command
      ->add_option("--zone", arguments->zones,
                   "NAME=PATH: names at and below NAME are nodes at and below PATH; may be repeated")
      ->required()
      ->expected(1)
      ->take_all();
  command
      ->add_option("--ns", arguments->name_servers,
                   "name of this server, relative to each zone unless it ends with a dot (default ns); may be repeated")
      ->expected(1)
      ->take_all();
  command
      ->add_option("--ttl", arguments->ttl_s,
                   "seconds for which resolvers may keep what says no other time (default 0: answers are never old)")
      ->check(CLI::Range(int64_t{0}, kTtlMax));
  command
      ->add_option("--patience", arguments->patience_ms, "ms after which a query is answered SERVFAIL (default 2000)")
      ->check(CLI::Range(1, 60'000));
  command->add_option("--queries-max", arguments->queries_max, "look-ups under way at a time (default 1000)")
      ->check(CLI::Range(1, 1'000'000));
  command->add_option("--connections-max", arguments->connections_max, "of TCP (default 100)")
      ->check(CLI::Range(0, 100'000));
  command->add_option("--idle", arguments->idle_ms, "ms without a query after which TCP is closed (default 10000)")
      ->check(CLI::Range(1, 3'600'000));
  command->add_option("--log-level", arguments->log_level, "lowest level to log (default info)")
      ->check(CLI::IsMember({"debug", "info", "warning", "error"}));
  command->add_option("--log-file", arguments->log_file, "file to log to, instead of standard error");
  const auto cell = add_cell_arguments(command);
  command->remove_option(command->get_option("--json"));
  command->remove_option(command->get_option("--timeout"));
  command->footer(
      "docs/dns.md tells how names map to files. Exit codes: 0 stopped by SIGINT or SIGTERM; 1 could not start; 2 bad\n"
      "arguments. SIGHUP reopens the log file.");
  command->callback([=] { *exit_code = run(*arguments, *cell); });
}

}  // namespace conclave::app
