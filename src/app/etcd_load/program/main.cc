// conclave_etcd_load: the load of `conclave bench` against etcd, for `./dev bench compare`.
#include <algorithm>
#include <cstdio>
#include <fmt/format.h>
#include <string>
#include <vector>

#include "app/etcd_load/program/load.h"

namespace {

using namespace conclave;
using namespace conclave::app;

constexpr std::string_view kUsage =
    "usage: conclave_etcd_load --servers HOST:PORT[,HOST:PORT...] [options]\n"
    "  --workload write|create|read|mixed   put on existing keys, put of new keys, range of one key (default write)\n"
    "  --serializable     reads are answered by the member asked, without asking the others\n"
    "  --mix, --connections, --outstanding, --size, --keys, --seconds, --warmup, --ops, --base, --seed,\n"
    "  --watch-pids and --json are those of `conclave bench`\n"
    "exit codes: 0 the run is valid; 1 an answer was wrong or a call failed; 2 bad arguments\n";

bool is_supported(bench::Workload workload) {
  using enum bench::Workload;
  return workload == write || workload == create || workload == read || workload == mixed;
}

void print_json(const bench::Options& options, const etcd_load::Figures& f) {
  const uint64_t operations = f.reads + f.writes;
  const double each = 1e6 / static_cast<double>(std::max<uint64_t>(operations, 1));
  const auto micros = [&](uint64_t per_mille) { return static_cast<double>(f.latency_ns->quantile(per_mille)) / 1e3; };
  fmt::print(
      "{{\"workload\": \"{}\", \"connections\": {}, \"outstanding\": {}, \"size_bytes\": {}, \"keys\": {}, "
      "\"operations\": {}, \"reads\": {}, \"writes\": {}, \"verified\": {}, \"elapsed_s\": {:.6f}, "
      "\"ops_per_s\": {:.1f}, \"p50_us\": {:.1f}, \"p90_us\": {:.1f}, \"p99_us\": {:.1f}, \"max_us\": {:.1f}, "
      "\"servers_cpu_us_per_op\": {:.3f}, \"generator_cpu_us_per_op\": {:.3f}, \"foreign_cores\": {:.3f}, "
      "\"steal_cores\": {:.3f}, \"kernel_thread_cores\": {:.3f}}}\n",
      to_string(options.workload), options.connections, options.outstanding, options.size_bytes, options.keys,
      operations, f.reads, f.writes, f.verified, f.elapsed_s, static_cast<double>(operations) / f.elapsed_s,
      micros(500), micros(900), micros(990), static_cast<double>(f.latency_ns->max()) / 1e3, f.cpu.servers_s * each,
      f.cpu.generator_s * each, f.cpu.foreign_s() / f.elapsed_s, f.cpu.steal_s / f.elapsed_s,
      f.cpu.kernel_threads_s / f.elapsed_s);
}

void print_text(const bench::Options& options, const etcd_load::Figures& f) {
  const uint64_t operations = f.reads + f.writes;
  fmt::print("{} of {} B at etcd, {} connections x {} outstanding\n", to_string(options.workload), options.size_bytes,
             options.connections, options.outstanding);
  fmt::print("  {:.0f} ops/s  ({} operations in {:.2f} s, {} answers verified)\n",
             static_cast<double>(operations) / f.elapsed_s, operations, f.elapsed_s, f.verified);
  fmt::print("  latency us: p50 {}  p99 {}  max {}\n", f.latency_ns->quantile(500) / 1000,
             f.latency_ns->quantile(990) / 1000, f.latency_ns->max() / 1000);
}

int refuse(int code, const Error& error) {
  fmt::print(stderr, "conclave_etcd_load: {}{}\n", code == 1 ? "the run does not count: " : "", error.message);
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> args(argv + 1, argv + argc);
  const bool serializable = std::erase(args, "--serializable") != 0;
  auto options = bench::parse_options(args);
  if (!options) return refuse(2, options.error());
  if (options->help) {
    fmt::print("{}", kUsage);
    return 0;
  }
  if (!is_supported(options->workload))
    return refuse(
        2, {ErrorKind::invalid_argument, fmt::format("--workload {}: not at etcd", to_string(options->workload))});
  const auto figures = etcd_load::Load(*options, serializable).run();
  if (!figures) return refuse(1, figures.error());
  options->json ? print_json(*options, *figures) : print_text(*options, *figures);
  return 0;
}
