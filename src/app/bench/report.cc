#include "app/bench/report.h"

#include <algorithm>
#include <fmt/format.h>

namespace conclave::app::bench {
namespace {

constexpr size_t kLabelWidth = 26;

double micros(uint64_t ns) {
  return static_cast<double>(ns) / 1e3;
}

void add_latencies(Report* report, const Histogram& latency_ns) {
  constexpr std::pair<std::string_view, uint64_t> kQuantiles[] = {
      {"p50", 500}, {"p90", 900}, {"p99", 990}, {"p99.9", 999}};
  std::string text;
  for (const auto& [name, per_mille] : kQuantiles) {
    const double us = micros(latency_ns.quantile(per_mille));
    report->number(name == "p99.9" ? "p999_us" : fmt::format("{}_us", name), us, 1);
    text += fmt::format("{} {:.0f}   ", name, us);
  }
  report->number("max_us", micros(latency_ns.max()), 1);
  report->row("latency, us", fmt::format("{}max {:.0f}", text, micros(latency_ns.max())));
}

}  // namespace

void Report::add(std::string_view key, std::string value) {
  fields_.emplace_back(key, std::move(value));
}

void Report::text(std::string_view key, std::string_view value) {
  std::string quoted = "\"";
  for (const char c : value) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  add(key, quoted + "\"");
}

void Report::integer(std::string_view key, uint64_t value) {
  add(key, fmt::format("{}", value));
}

void Report::number(std::string_view key, double value, int digits) {
  add(key, fmt::format("{:.{}f}", value, digits));
}

void Report::number(std::string_view key, std::optional<double> value, int digits) {
  value ? number(key, *value, digits) : add(key, "null");
}

void Report::list(std::string_view key, const std::vector<double>& values, int digits) {
  std::string text = "[";
  for (const double value : values) text += fmt::format("{}{:.{}f}", text.size() == 1 ? "" : ", ", value, digits);
  add(key, text + "]");
}

std::string Report::json() const {
  std::string out = "{";
  for (const auto& [key, value] : fields_) out += fmt::format("{}\"{}\": {}", out.size() == 1 ? "" : ", ", key, value);
  return out + "}\n";
}

std::string Report::table() const {
  std::string out = title_ + "\n";
  for (const auto& [label, text] : rows_) out += fmt::format("  {:<{}}{}\n", label, kLabelWidth, text);
  return out;
}

void add_operations(Report* report, const Options& options, const Recorder& recorder, uint64_t verified) {
  const auto operations = static_cast<double>(std::max<uint64_t>(recorder.operations(), 1));
  const double elapsed_s = recorder.elapsed_s();
  const CpuUsed& cpu = recorder.cpu();
  const double ops_per_s = static_cast<double>(recorder.operations()) / elapsed_s;

  report->title(fmt::format("{} of {} B, {} connections x {} outstanding, {}", to_string(options.workload),
                            options.size_bytes, options.connections, options.outstanding,
                            options.pinned ? fmt::format("all at server {}", *options.pinned + 1)
                                           : fmt::format("spread over {} server(s)", options.servers.size())));
  report->text("workload", to_string(options.workload));
  report->integer("connections", options.connections);
  report->integer("outstanding", options.outstanding);
  report->integer("size_bytes", options.size_bytes);
  report->integer("keys", options.keys);
  report->number("rate", options.rate == 0 ? std::nullopt : std::optional(options.rate), 1);
  report->integer("operations", recorder.operations());
  report->integer("reads", recorder.reads());
  report->integer("writes", recorder.writes());
  report->integer("verified", verified);
  report->number("elapsed_s", elapsed_s, 6);
  report->number("ops_per_s", ops_per_s, 1);
  report->row("throughput",
              fmt::format("{:.0f} ops/s ({} operations in {:.2f} s)", ops_per_s, recorder.operations(), elapsed_s));
  add_latencies(report, recorder.latency_ns());
  report->row("verified", fmt::format("{} replies", verified));

  report->number("servers_cpu_us_per_op", cpu.servers_s / operations * 1e6, 3);
  report->number("generator_cpu_us_per_op", cpu.generator_s / operations * 1e6, 3);
  report->number("foreign_cores", cpu.foreign_s() / elapsed_s, 3);
  report->number("steal_cores", cpu.steal_s / elapsed_s, 3);
  report->number("kernel_thread_cores", cpu.kernel_threads_s / elapsed_s, 3);
  std::string text = fmt::format("generator {:.2f}", cpu.generator_s / operations * 1e6);
  if (!options.watch_pids.empty())
    text += fmt::format(", watched servers {:.2f}; others used {:.2f} cores", cpu.servers_s / operations * 1e6,
                        cpu.foreign_s() / elapsed_s);
  report->row("CPU per operation, us", text);
}

}  // namespace conclave::app::bench
