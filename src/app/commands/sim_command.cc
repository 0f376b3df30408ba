#include <fmt/format.h>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "app/commands/commands.h"
#include "app/sim/campaign.h"
#include "sim/cluster/run.h"

namespace conclave::app {
namespace {

struct SimArguments {
  SimOptions options;
  std::string seeds;
  std::vector<std::string> without;
  std::string safety = "120s";
  std::string profile = "swarm";
  std::string engine = "paxos";
  uint64_t seed = 0;
  double minutes = 0;
  bool no_shrink = false;
};

int usage(const std::string& why) {
  fmt::print(stderr, "conclave sim: {}\n", why);
  return static_cast<int>(SimExit::usage);
}

int run(SimArguments& arguments, const CLI::App& command) {
  SimOptions& options = arguments.options;
  const size_t chosen = command.count("--seed") + command.count("--seeds") + command.count("--replay");
  if (chosen > 1 || (chosen == 0 && arguments.minutes <= 0)) {
    return usage("give one of --seed, --seeds, --minutes and --replay");
  }
  if (command.count("--seed") > 0) options.first_seed = options.last_seed = arguments.seed;
  if (!arguments.seeds.empty()) {
    const size_t dots = arguments.seeds.find("..");
    try {
      options.first_seed = std::stoull(arguments.seeds.substr(0, dots));
      options.last_seed = dots == std::string::npos ? UINT64_MAX : std::stoull(arguments.seeds.substr(dots + 2));
    } catch (const std::exception&) {
      return usage(fmt::format("--seeds {}: expected FIRST..LAST", arguments.seeds));
    }
    if (dots == std::string::npos && arguments.minutes <= 0) return usage("--seeds FIRST needs --minutes");
    if (options.last_seed < options.first_seed) return usage(fmt::format("--seeds {}: no seeds", arguments.seeds));
  }
  if (arguments.minutes > 0) options.minutes = arguments.minutes;
  const auto safety = sim::parse_duration(arguments.safety);
  if (!safety) return usage("--safety " + safety.error().message);
  options.safety = *safety;
  options.profile = arguments.profile == "standard"  ? sim::Profile::standard
                    : arguments.profile == "locks"   ? sim::Profile::locks
                    : arguments.profile == "members" ? sim::Profile::members
                                                     : sim::Profile::swarm;
  options.engine = *consensus::parse_engine_kind(arguments.engine);
  options.shrink = !arguments.no_shrink;
  options.without = {arguments.without.begin(), arguments.without.end()};
  const bool one = command.count("--seed") > 0 || command.count("--replay") > 0;
  if ((options.trace || options.print_plan) && !one) return usage("--trace and --plan go with --seed or --replay");
  return static_cast<int>(run_campaign(options));
}

}  // namespace

void add_sim_command(CLI::App& app, int* exit_code) {
  CLI::App* command =
      app.add_subcommand("sim", "run whole cells and their clients through faults, in virtual time, from a seed");
  const auto arguments = std::make_shared<SimArguments>();
  SimOptions& options = arguments->options;
  options.label = CONCLAVE_VERSION;
  options.jobs = std::max(1u, std::thread::hardware_concurrency());
  command->add_option("--seed", arguments->seed, "run one seed");
  command->add_option("--seeds", arguments->seeds, "run seeds FIRST..LAST");
  command->add_option("--minutes", arguments->minutes, "run seeds until so much real time has passed");
  command->add_option("--replay", options.replay, "run the plan in this file");
  command->add_flag("--plan", options.print_plan, "print the plan of the seed and end");
  command->add_flag("--trace", options.trace, "print every event of the virtual world and every log line");
  command->add_option("--safety", arguments->safety, "virtual time under faults of a drawn plan")
      ->capture_default_str();
  command
      ->add_option("--profile", arguments->profile,
                   "what is drawn: swarm, everything; locks, the lock service; members, changes of the membership; "
                   "standard, five usual replicas")
      ->check(CLI::IsMember({"swarm", "locks", "members", "standard"}))
      ->capture_default_str();
  command->add_option("--engine", arguments->engine, "the algorithm behind the log of the cells that are drawn")
      ->check(CLI::IsMember({"paxos", "raft"}))
      ->capture_default_str();
  command->add_option("--jobs,-j", options.jobs, "worker processes")->check(CLI::Range(1, 256))->capture_default_str();
  command->add_option("--repeat", options.repeat_percent, "percent of the seeds to run twice and compare")
      ->check(CLI::Range(0, 100));
  command->add_option("--failures-max", options.failures_max, "stop after so many failed seeds")->capture_default_str();
  command->add_flag("--no-shrink", arguments->no_shrink, "do not look for a smaller plan that fails alike");
  command->add_option("--failures", options.failures_directory, "directory for the plans of failed seeds")
      ->capture_default_str();
  command->add_option("--without", arguments->without, "checkers not to listen to, to see what the others find")
      ->delimiter(',')
      ->check(CLI::IsMember(std::vector<std::string>(sim::kCheckers.begin(), sim::kCheckers.end())));
  command->add_flag("--hashes", options.hashes, "print the trace hash of every seed");
  command->add_option("--json", options.json, "write the figures to this file");
  command->add_option("--ledger", options.ledger, "append a row to this file");
  command->add_option("--label", options.label, "what the row calls this build, a commit for instance")
      ->capture_default_str();
  command->footer(
      "Exit codes: 0 all passed; 1 a checker found something; 2 wrong arguments; 3 no progress after the faults;\n"
      "4 two runs of one seed differ; 5 a run crashed; 6 a run does not end. docs/testing.md tells how to go on.");
  command->callback([arguments, command, exit_code] { *exit_code = run(*arguments, *command); });
}

}  // namespace conclave::app
