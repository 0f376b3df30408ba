#include <chrono>
#include <fmt/format.h>
#include <memory>
#include <string>
#include <sys/resource.h>

#include "app/commands/commands.h"
#include "sim/explore/explore.h"

namespace conclave::app {
namespace {

using sim::explore::ExploreEnd;
using sim::explore::ExploreFigures;
using sim::explore::ExploreOptions;
using sim::explore::ExploreResult;
using sim::explore::ExploreStart;
using Clock = std::chrono::steady_clock;

struct ExploreArguments {
  ExploreOptions options{.bounds = {.timeouts = 1, .crashes = 1, .proposals = 1}};
  std::string engine = "paxos";
  bool led = false;
  uint32_t first = 0;
  double seconds = 0;  // 0: no limit
};

double since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

int64_t peak_memory_mib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss / 1024;
}

void print_progress(const ExploreFigures& figures, double seconds) {
  fmt::print("{:6.0f} s  {:>11} states  {:>12} transitions  depth {:>3}  queue {:>10}  {:>9.0f} states/s\n", seconds,
             figures.states, figures.transitions, figures.depth, figures.queue,
             static_cast<double>(figures.states) / seconds);
  fflush(stdout);
}

std::string ended(const ExploreResult& result, const ExploreArguments& arguments) {
  switch (result.end) {
    case ExploreEnd::complete:
      return "complete: every state within these bounds was seen";
    case ExploreEnd::depth:
      return fmt::format("complete up to depth {}: every state that so many actions reach was seen; there are more",
                         arguments.options.depth);
    case ExploreEnd::states:
      return fmt::format("CUT by --states {}: there are states within these bounds that were not seen",
                         arguments.options.states);
    case ExploreEnd::stopped:
      return fmt::format("CUT by --seconds {}: there are states within these bounds that were not seen",
                         arguments.seconds);
    case ExploreEnd::violation:
      break;
  }
  return "VIOLATION: " + result.violation;
}

void print_result(const ExploreResult& result, const ExploreArguments& arguments, double seconds) {
  const ExploreFigures& f = result.figures;
  for (const std::string& line : result.trace) fmt::print("{}\n", line);
  fmt::print("{}\n", ended(result, arguments));
  fmt::print("states {}, transitions {}, depth {}, longest queue {}\n", f.states, f.transitions, f.depth, f.queue_peak);
  fmt::print("states of single replicas {}, steps of engines {}, messages {}\n", f.replica_states, f.engine_steps,
             f.messages);
  fmt::print("reached: {} rounds led, {} entries committed, {} reads granted\n", f.rounds_led, f.given,
             f.reads_granted);
  fmt::print("{:.1f} s, {:.0f} states/s, peak memory {} MiB\n", seconds, static_cast<double>(f.states) / seconds,
             peak_memory_mib());
}

int usage(const std::string& what) {
  fmt::print(stderr, "conclave explore: {}\n", what);
  return kExitUsage;
}

int run(ExploreArguments arguments) {
  ExploreOptions& options = arguments.options;
  const auto engine = consensus::parse_engine_kind(arguments.engine);
  if (!engine) return usage(engine.error().message);
  options.engine = *engine;
  if (arguments.first > sim::explore::kReplicasMax) return usage("first candidate: no such replica");
  options.first_candidate = ReplicaId(static_cast<uint8_t>(arguments.first));
  if (arguments.led) options.start = ExploreStart::led;
  if (const std::string wrong = check(options); !wrong.empty()) return usage(wrong);

  const auto begin = Clock::now();
  double told = 0;
  const ExploreResult result = explore(options, [&](const ExploreFigures& figures) {
    const double now = since(begin);
    if (now - told >= 3) {
      print_progress(figures, now);
      told = now;
    }
    return arguments.seconds == 0 || now < arguments.seconds;
  });
  print_result(result, arguments, since(begin));
  return result.end == ExploreEnd::violation ? 1 : 0;
}

}  // namespace

void add_explore_command(CLI::App& app, int* exit_code) {
  CLI::App* command = app.add_subcommand("explore", "go through every order of events of a small cell");
  command->footer(
      "Without --states and --seconds it runs until every state within the bounds was seen; each state takes about "
      "100\n"
      "bytes of memory. Exit codes: 0 no invariant is broken in what was seen; 1 one is; 2 bad arguments.");
  const auto arguments = std::make_shared<ExploreArguments>();
  ExploreOptions& options = arguments->options;
  const auto bound = [&](const std::string& name, uint8_t& value, const std::string& what) {
    command->add_option("--" + name, value, what)->check(CLI::Range(0, 255))->default_str(std::to_string(value));
  };
  command->add_option("--engine", arguments->engine, "the engine to run")->capture_default_str();
  command->add_option("--replicas", options.replicas, "replicas of the cell, 2 to 5")
      ->check(CLI::Range(2, static_cast<int>(sim::explore::kReplicasMax)))
      ->default_str(std::to_string(options.replicas));
  bound("timeouts", options.bounds.timeouts, "election timeouts that pass");
  bound("resends", options.bounds.resends, "times after which something is sent again, at most 8");
  bound("crashes", options.bounds.crashes, "crashes, each with every prefix of what was being written");
  bound("proposals", options.bounds.proposals, "values proposed at a replica that believes to be master");
  bound("reads", options.bounds.reads, "read barriers");
  bound("transfers", options.bounds.transfers, "transfers of the lead");
  bound("drops", options.bounds.drops,
        "messages taken from the network; one that never arrives needs none, so this adds states and no behaviour");
  bound("duplicates", options.bounds.duplicates, "messages that arrive once more");
  command->add_option("--depth", options.depth, "actions in a row");
  command->add_option("--states", options.states, "stop when so many states are known");
  command->add_option("--seconds", arguments->seconds, "stop after this time");
  command->add_option("--first", arguments->first, "only runs whose first election timeout is at this replica");
  command->add_flag("--led", arguments->led, "begin when replica 1, or --first, has been elected");
  command->add_flag("--leases", options.leases, "reads under the master lease");
  command->add_flag("--instant-writes", options.instant_writes, "restrict: every write is durable at once");
  command->add_flag("--lose-idle", options.lose_idle, "restrict: messages that would change nothing now are lost");
  command->callback([arguments, exit_code] { *exit_code = run(*arguments); });
}

}  // namespace conclave::app
