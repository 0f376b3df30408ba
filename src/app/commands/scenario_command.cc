#include <fmt/format.h>
#include <memory>
#include <string>
#include <vector>

#include "app/commands/commands.h"
#include "app/scenario/files.h"
#include "sim/scenario/command.h"

namespace conclave::app {
namespace {

struct ScenarioArguments {
  std::vector<std::string> paths;
  bool rewrite = false;
  std::string seeds;   // empty: as in the files
  std::string engine;  // empty: as in the files
};

int run(const ScenarioArguments& arguments) {
  const auto seeds = sim::scenario::parse_numbers(arguments.seeds.empty() ? "0" : arguments.seeds);
  if (!seeds) {
    fmt::print(stderr, "conclave scenario: --seeds: {}\n", seeds.error().message);
    return kExitUsage;
  }
  const auto engine = consensus::parse_engine_kind(arguments.engine.empty() ? "paxos" : arguments.engine);
  if (!engine) {
    fmt::print(stderr, "conclave scenario: --engine: {}\n", engine.error().message);
    return kExitUsage;
  }
  const bool as_written = arguments.seeds.empty() && arguments.engine.empty();
  size_t failed = 0, passed = 0;
  for (const std::string& path : arguments.paths) {
    const auto files = scenario_files(path);
    if (!files) {
      fmt::print(stderr, "conclave scenario: {}\n", files.error().message);
      return kExitUsage;
    }
    for (const auto& file : *files) {
      const ScenarioResult result =
          as_written ? run_scenario(file, arguments.rewrite) : run_under(file, *seeds, *engine);
      ++(result.passed ? passed : failed);
      if (result.rewritten) fmt::print("{}: rewritten\n", file.string());
      fmt::print("{}", result.message);
    }
  }
  fmt::print("{} passed, {} failed\n", passed, failed);
  return failed == 0 ? 0 : 1;
}

}  // namespace

void add_scenario_command(CLI::App& app, int* exit_code) {
  CLI::App* command = app.add_subcommand("scenario", "run scripts of tests/scenarios and compare what they print");
  const auto arguments = std::make_shared<ScenarioArguments>();
  command->add_option("paths", arguments->paths, "files, or folders of *.txt files")->required();
  CLI::Option* rewrite = command->add_flag("--rewrite", arguments->rewrite, "write into the files what is printed now");
  command
      ->add_option("--engine", arguments->engine,
                   "run cells that name no engine with this one, and look only for what is wrong")
      ->excludes(rewrite);
  command
      ->add_option("--seeds", arguments->seeds,
                   "run each cell with its seed higher by each of these (1..20), and look only for what is wrong")
      ->excludes(rewrite);
  command->footer("Exit codes: 0 all as written; 1 some differ or tell of something wrong; 2 bad arguments.");
  command->callback([arguments, exit_code] { *exit_code = run(*arguments); });
}

}  // namespace conclave::app
