#include "app/bench/bench.h"

#include <cstdio>
#include <fmt/format.h>
#include <fstream>

#include "app/bench/options.h"
#include "app/bench/workload.h"

namespace conclave::app::bench {
namespace {

std::unique_ptr<Runner> make_runner(const Options& options) {
  switch (options.workload) {
    case Workload::write:
    case Workload::create:
    case Workload::read:
    case Workload::mixed:
      return make_steady(options);
    case Workload::idle:
      return make_idle(options);
    case Workload::watch:
      return make_watch(options);
    case Workload::fill:
      return make_fill(options);
    case Workload::failover:
      return make_failover(options);
  }
  return nullptr;
}

}  // namespace

int run_bench(std::span<std::string> args) {
  const auto options = parse_options(args);
  if (!options) {
    fmt::print(stderr, "conclave bench: {}\n", options.error().message);
    return 2;
  }
  if (options->help) {
    fmt::print("{}", usage());
    return 0;
  }
  // Opened first: a path that cannot be written should not cost a run.
  std::ofstream svg;
  if (!options->svg_file.empty()) {
    svg.open(options->svg_file);
    if (!svg) {
      fmt::print(stderr, "conclave bench: --svg {}: must be a file that can be written\n", options->svg_file);
      return 2;
    }
  }
  const auto report = make_runner(*options)->run();
  if (!report) {
    fmt::print(stderr, "conclave bench: the run does not count: {}\n", report.error().message);
    return 1;
  }
  svg << report->svg;
  fmt::print("{}", options->json ? report->json() : report->table());
  return 0;
}

}  // namespace conclave::app::bench
