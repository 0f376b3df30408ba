#include <fmt/format.h>
#include <memory>
#include <string>
#include <utility>

#include "app/commands/commands.h"
#include "app/config/load.h"
#include "app/config/settings.h"
#include "app/log/log_line.h"
#include "app/log/log_sink.h"
#include "app/server/server.h"

namespace conclave::app {
namespace {

struct ServerArguments {
  std::string config;
  std::string zoo_cfg;
  std::string engine;
  std::string log_level;
  std::string log_file;
  bool check = false;
  bool list_settings = false;
};

void print_settings() {
  for (const Setting& setting : settings()) {
    fmt::print("{:<42} {:<9} default {}{}\n    {}\n", setting.name, type_of(setting), default_of(setting),
               setting.zoo_name.empty() ? "" : fmt::format("  zoo.cfg: {}", setting.zoo_name), setting.meaning);
  }
}

int run(const ServerArguments& arguments) {
  if (arguments.list_settings) {
    print_settings();
    return 0;
  }
  if (arguments.config.empty() == arguments.zoo_cfg.empty()) {
    fmt::print(stderr, "conclave server: give either --config or --zoo-cfg\n");
    return kExitUsage;
  }
  Problems problems;
  Configuration configuration = arguments.config.empty() ? load_zoo_cfg(arguments.zoo_cfg, read_whole_file, &problems)
                                                         : load_toml(arguments.config, read_whole_file, &problems);
  if (!arguments.engine.empty()) configuration.consensus.engine = arguments.engine;
  if (!arguments.log_level.empty()) configuration.log.level = arguments.log_level;
  if (!arguments.log_file.empty()) configuration.log.file = arguments.log_file;

  if (problems.has_errors() || arguments.check) {
    for (const Problem& problem : problems.sorted()) fmt::print(stderr, "{}\n", to_string(problem));
    if (problems.has_errors()) {
      const size_t count = problems.error_count();
      fmt::print(stderr, "the configuration is refused: {} error{}\n", count, count == 1 ? "" : "s");
      return static_cast<int>(ServerExit::configuration);
    }
    fmt::print("the configuration is good: replica {} of {}, cell \"{}\", engine {}\n", configuration.replica.id,
               configuration.cell.members.size(), configuration.cell.name, configuration.consensus.engine);
    return 0;
  }

  auto file = LogFile::open(configuration.log.file);
  if (!file) {
    fmt::print(stderr, "conclave server: {}\n", file.error().message);
    return static_cast<int>(ServerExit::cannot_start);
  }
  log::Level level = log::Level::info;
  parse_level_name(configuration.log.level, &level);
  install_log(*file, level);
  for (const Problem& problem : problems.sorted()) {
    log::warning("config", problem.reason, {{"file", problem.where.file}, {"line", problem.where.line}});
  }
  return static_cast<int>(run_server(configuration, *file));
}

}  // namespace

void add_server_command(CLI::App& app, int* exit_code) {
  CLI::App* command = app.add_subcommand("server", "run one replica");
  const auto arguments = std::make_shared<ServerArguments>();
  command->add_option("--config,-c", arguments->config, "configuration in TOML (docs/configuration.md)");
  command->add_option("--zoo-cfg", arguments->zoo_cfg, "configuration in ZooKeeper's format");
  command->add_flag("--check", arguments->check, "check the configuration and exit");
  command->add_flag("--settings", arguments->list_settings, "list every setting and exit");
  command->add_option("--engine", arguments->engine, "algorithm behind the log, instead of consensus.engine")
      ->check(CLI::IsMember({"paxos", "raft"}));
  command->add_option("--log-level", arguments->log_level, "lowest level to log, instead of log.level")
      ->check(CLI::IsMember({"debug", "info", "warning", "error"}));
  command->add_option("--log-file", arguments->log_file, "file to log to, instead of log.file");
  command->footer(
      "Exit codes: 0 stopped by SIGINT or SIGTERM; 1 could not start; 2 the configuration is refused;\n"
      "3 the disk failed and the replica stopped. SIGHUP reopens the log file.");
  command->callback([arguments, exit_code] { *exit_code = run(*arguments); });
}

}  // namespace conclave::app
