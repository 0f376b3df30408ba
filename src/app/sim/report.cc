#include "app/sim/report.h"

#include "base/codec.h"

namespace conclave::app {
namespace {

// The counts of the figures, in one order for both directions.
template <class Figures, class Visit>
void visit_numbers(Figures& figures, Visit visit) {
  for (const auto number : sim::kRunNumbers) visit(figures.*number);
  for (const auto number : sim::kLockNumbers) visit(figures.locks.*number);
  for (auto& killed : figures.killed_at_steps) visit(killed);
  for (auto& most : figures.most) visit(most);
  for (auto& phases : figures.struck) {
    for (auto& count : phases) visit(count);
  }
}

}  // namespace

std::string_view to_string(Ending ending) {
  switch (ending) {
    case Ending::passed:
      return "passed";
    case Ending::unsafe:
      return "unsafe";
    case Ending::no_liveness:
      return "no liveness";
    case Ending::not_deterministic:
      return "not deterministic";
    case Ending::crashed:
      return "crashed";
    case Ending::hung:
      return "hung";
  }
  return "unknown";
}

Bytes encode(const SeedReport& report) {
  Bytes bytes;
  Encoder out(&bytes);
  out.varint(report.seed);
  out.u8(static_cast<uint8_t>(report.ending));
  out.varint(report.violations.size());
  for (const auto& violation : report.violations) {
    out.bytes(violation.checker);
    out.bytes(violation.what);
  }
  out.fixed(report.trace_hash);
  out.boolean(report.repeated);
  out.varint(report.core_us);
  out.zigzag(report.figures.simulated.us);
  visit_numbers(report.figures, [&out](const uint64_t& number) { out.varint(number); });
  out.varint(report.figures.points.size());
  for (const auto& [point, count] : report.figures.points) {
    out.bytes(point);
    out.varint(count.passed);
    out.varint(count.fired);
  }
  out.varint(report.probes.size());
  for (const auto& [probe, hits] : report.probes) {
    out.bytes(probe);
    out.varint(hits);
  }
  return bytes;
}

Result<SeedReport> decode_seed_report(BytesView bytes) {
  Decoder in(bytes);
  SeedReport report;
  report.seed = in.varint();
  report.ending = static_cast<Ending>(in.u8());
  for (size_t n = in.count(2); n > 0; --n) {
    sim::check::Violation violation{.checker = in.string(), .what = {}};
    violation.what = in.string();
    report.violations.push_back(std::move(violation));
  }
  report.trace_hash = in.fixed<uint64_t>();
  report.repeated = in.boolean();
  report.core_us = in.varint();
  report.figures.simulated = Duration::micros(in.zigzag());
  visit_numbers(report.figures, [&in](uint64_t& number) { number = in.varint(); });
  for (size_t n = in.count(3); n > 0; --n) {
    const std::string point = in.string();
    auto& count = report.figures.points[point];
    count.passed = in.varint();
    count.fired = in.varint();
  }
  for (size_t n = in.count(2); n > 0; --n) {
    const std::string probe = in.string();
    report.probes[probe] = in.varint();
  }
  if (!in.done() || report.ending > Ending::hung) {
    return fail(ErrorKind::corrupt, "a worker's report cannot be read");
  }
  return report;
}

}  // namespace conclave::app
