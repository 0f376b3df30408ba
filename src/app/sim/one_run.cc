#include "app/sim/one_run.h"

#include <cstdio>
#include <ctime>
#include <fmt/format.h>

#include "base/assert.h"
#include "base/codec.h"
#include "base/log.h"
#include "base/probe.h"

namespace conclave::app {
namespace {

uint64_t core_us() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000 + static_cast<uint64_t>(now.tv_nsec) / 1000;
}

Ending ending_of(sim::Verdict verdict) {
  switch (verdict) {
    case sim::Verdict::passed:
      return Ending::passed;
    case sim::Verdict::unsafe:
      return Ending::unsafe;
    case sim::Verdict::no_liveness:
      return Ending::no_liveness;
  }
  return Ending::unsafe;
}

SeedReport report_of(const sim::Plan& plan, sim::RunResult result) {
  return {.seed = static_cast<uint64_t>(plan.seed),
          .ending = ending_of(result.verdict),
          .violations = std::move(result.violations),
          .trace_hash = result.trace_hash,
          .figures = std::move(result.figures)};
}

}  // namespace

Bytes encode(const Job& job) {
  Bytes bytes;
  Encoder out(&bytes);
  out.boolean(job.repeat);
  out.varint(job.without.size());
  for (const std::string& checker : job.without) out.bytes(checker);
  out.raw(to_text(job.plan));
  return bytes;
}

Bytes run_job(BytesView job) {
  Decoder in(job);
  const bool repeat = in.boolean();
  sim::RunOptions options;
  for (uint64_t n = in.varint(); n > 0 && in.ok(); --n) options.without.insert(in.string());
  const auto plan = sim::parse_plan(in.rest());
  CONCLAVE_ASSERT(plan.has_value());  // we wrote it ourselves

  const uint64_t began = core_us();
  const auto probes_before = Probe::all();
  SeedReport report = report_of(*plan, sim::run(*plan, options));
  report.core_us = core_us() - began;
  for (const auto& [name, hits] : Probe::all()) report.probes[name] = hits - probes_before.at(name);
  if (repeat) {
    report.repeated = true;
    const uint64_t again = sim::run(*plan, options).trace_hash;
    if (again != report.trace_hash) {
      report.ending = Ending::not_deterministic;
      report.violations.push_back(
          {.checker = "determinism",
           .what = fmt::format("trace hash {:016x}, the second time {:016x}", report.trace_hash, again)});
    }
  }
  return encode(report);
}

SeedReport run_traced(const sim::Plan& plan, std::set<std::string> without) {
  Instant now;
  log::set_sink(
      [&now](log::Level level, std::string_view module, std::string_view message, log::Fields fields) {
        std::string line =
            fmt::format("{:12.6f}   {} {}: {}", static_cast<double>(now.us) / 1e6, to_string(level), module, message);
        for (const log::Field& field : fields) line += fmt::format(" {}={}", field.key, field.value);
        fmt::print("{}\n", line);
      },
      log::Level::debug);
  sim::RunOptions options{.listener = {}, .without = std::move(without), .on_history = {}};
  options.listener = [&now](Instant when, std::string_view what, uint64_t a, uint64_t b, uint64_t c) {
    now = when;
    fmt::print("{:12.6f} {} {} {} {:x}\n", static_cast<double>(when.us) / 1e6, what, a, b, c);
  };
  const SeedReport report = report_of(plan, sim::run(plan, std::move(options)));
  log::set_sink({});
  return report;
}

}  // namespace conclave::app
