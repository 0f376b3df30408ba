#include "app/bench/bench.h"

#include <cstdio>
#include <fmt/format.h>

#include "app/bench/load.h"
#include "app/bench/options.h"

namespace conclave::app::bench {
namespace {

double micros(uint64_t ns) {
  return static_cast<double>(ns) / 1e3;
}

struct Figures {
  double ops_per_s, p50_us, p90_us, p99_us, max_us, servers_us_per_op, generator_us_per_op, foreign_cores;
};

Figures figures_of(const Measured& m) {
  const auto operations = static_cast<double>(std::max<uint64_t>(m.operations, 1));
  return {.ops_per_s = static_cast<double>(m.operations) / m.elapsed_s,
          .p50_us = micros(m.latency_ns->quantile(500)),
          .p90_us = micros(m.latency_ns->quantile(900)),
          .p99_us = micros(m.latency_ns->quantile(990)),
          .max_us = micros(m.latency_ns->max()),
          .servers_us_per_op = m.cpu.servers_s / operations * 1e6,
          .generator_us_per_op = m.cpu.generator_s / operations * 1e6,
          .foreign_cores =
              (m.cpu.machine_s - m.cpu.servers_s - m.cpu.generator_s - m.cpu.kernel_threads_s + m.cpu.steal_s) /
              m.elapsed_s};
}

void print_json(const Options& options, const Measured& m) {
  const Figures f = figures_of(m);
  fmt::print(
      "{{\"workload\": \"{}\", \"connections\": {}, \"outstanding\": {}, \"size_bytes\": {}, \"keys\": {}, "
      "\"operations\": {}, \"reads\": {}, \"writes\": {}, \"verified\": {}, \"elapsed_s\": {:.6f}, "
      "\"ops_per_s\": {:.1f}, \"p50_us\": {:.1f}, \"p90_us\": {:.1f}, \"p99_us\": {:.1f}, \"max_us\": {:.1f}, "
      "\"servers_cpu_us_per_op\": {:.3f}, \"generator_cpu_us_per_op\": {:.3f}, \"foreign_cores\": {:.3f}, "
      "\"steal_cores\": {:.3f}, \"kernel_thread_cores\": {:.3f}}}\n",
      to_string(options.workload), options.connections, options.outstanding, options.size_bytes, options.keys,
      m.operations, m.reads, m.writes, m.verified, m.elapsed_s, f.ops_per_s, f.p50_us, f.p90_us, f.p99_us, f.max_us,
      f.servers_us_per_op, f.generator_us_per_op, f.foreign_cores, m.cpu.steal_s / m.elapsed_s,
      m.cpu.kernel_threads_s / m.elapsed_s);
}

void print_text(const Options& options, const Measured& m) {
  const Figures f = figures_of(m);
  fmt::print("{} of {} B, {} connections x {} outstanding, {} server(s)\n", to_string(options.workload),
             options.size_bytes, options.connections, options.outstanding, options.servers.size());
  fmt::print("  {:.0f} ops/s  ({} operations in {:.2f} s, {} replies verified)\n", f.ops_per_s, m.operations,
             m.elapsed_s, m.verified);
  fmt::print("  latency us: p50 {:.0f}  p90 {:.0f}  p99 {:.0f}  max {:.0f}\n", f.p50_us, f.p90_us, f.p99_us, f.max_us);
  fmt::print("  CPU us per operation: generator {:.2f}", f.generator_us_per_op);
  if (!options.watch_pids.empty())
    fmt::print(", watched servers {:.2f}; others used {:.2f} cores", f.servers_us_per_op, f.foreign_cores);
  fmt::print("\n");
}

}  // namespace

int run_bench(std::span<std::string> args) {
  auto options = parse_options(args);
  if (!options) {
    fmt::print(stderr, "conclave bench: {}\n", options.error().message);
    return 2;
  }
  if (options->help) {
    fmt::print("{}", usage());
    return 0;
  }
  auto measured = Load(*options).run();
  if (!measured) {
    fmt::print(stderr, "conclave bench: the run does not count: {}\n", measured.error().message);
    return 1;
  }
  options->json ? print_json(*options, *measured) : print_text(*options, *measured);
  return 0;
}

}  // namespace conclave::app::bench
