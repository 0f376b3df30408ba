#include "app/sim/summary.h"

#include <algorithm>
#include <fmt/format.h>
#include <numeric>
#include <utility>

#include "base/probe.h"

namespace conclave::app {
namespace {

uint64_t sum(const std::array<uint64_t, sim::kPhases>& phases) {
  return std::accumulate(phases.begin(), phases.end(), uint64_t{0});
}

}  // namespace

void Summary::add(const SeedReport& report) {
  ++seeds_;
  ++endings_[report.ending];
  if (report.repeated) ++repeated_;
  core_us_ += report.core_us;
  total_.simulated = total_.simulated + report.figures.simulated;
  for (uint64_t sim::RunFigures::* number : sim::kRunNumbers) total_.*number += report.figures.*number;
  for (const auto number : sim::kLockNumbers) total_.locks.*number += report.figures.locks.*number;
  for (size_t step = 0; step < total_.killed_at_steps.size(); ++step) {
    total_.killed_at_steps[step] += report.figures.killed_at_steps[step];
  }
  sim::check::raise_to(total_.most, report.figures.most);
  for (size_t kind = 0; kind < total_.struck.size(); ++kind) {
    for (size_t phase = 0; phase < sim::kPhases; ++phase) {
      total_.struck[kind][phase] += report.figures.struck[kind][phase];
    }
  }
  for (const auto& [point, count] : report.figures.points) {
    total_.points[point].passed += count.passed;
    total_.points[point].fired += count.fired;
  }
  for (const auto& [probe, hits] : report.probes) probes_[probe] += hits;
}

uint64_t Summary::count(Ending ending) const {
  const auto found = endings_.find(ending);
  return found == endings_.end() ? 0 : found->second;
}

uint64_t Summary::failed() const {
  return seeds_ - count(Ending::passed);
}

size_t Summary::fault_kinds_struck() const {
  return static_cast<size_t>(std::ranges::count_if(total_.struck, [](const auto& phases) { return sum(phases) > 0; }));
}

std::vector<std::string> Summary::probes_never_reached() const {
  std::vector<std::string> names;
  for (const auto& [name, hits] : Probe::all()) {
    const auto reached = probes_.find(name);
    if (reached == probes_.end() || reached->second == 0) names.push_back(name);
  }
  return names;
}

std::string Summary::matrix() const {
  std::string text = fmt::format("{:<20}", "faults by phase");
  for (size_t phase = 0; phase < sim::kPhases; ++phase) {
    text += fmt::format(" {:>13}", sim::name_of(static_cast<sim::Phase>(phase)));
  }
  text += "\n";
  size_t cells = 0;
  size_t hit = 0;
  for (const sim::FaultType& type : sim::fault_types()) {
    const auto& phases = total_.struck[static_cast<size_t>(type.kind)];
    text += fmt::format("{:<20}", type.name);
    for (const uint64_t count : phases) {
      text += fmt::format(" {:>13}", count);
      ++cells;
      if (count > 0) ++hit;
    }
    text += "\n";
  }
  return text + fmt::format("{} of {} pairs of fault and phase hit\n", hit, cells);
}

void Summary::visit_most(const std::function<void(std::string_view, uint64_t)>& visit) const {
  for (size_t i = 0; i < sim::check::kResources; ++i) {
    visit(sim::check::name_of(static_cast<sim::check::Resource>(i)), total_.most[i]);
  }
}

std::string Summary::text(double wall_seconds) const {
  const double simulated_seconds = static_cast<double>(total_.simulated.us) / 1e6;
  std::string out = matrix() + "\n";
  out += "fault points        passed        fired\n";
  for (const auto& [point, count] : total_.points) {
    out += fmt::format("{:<20} {:>10} {:>10}\n", point, count.passed, count.fired);
  }
  const auto never = probes_never_reached();
  out += fmt::format("\ncode probes: {} of {} reached", Probe::all().size() - never.size(), Probe::all().size());
  for (size_t i = 0; i < never.size(); ++i) out += fmt::format("{}{}", i == 0 ? "; never: " : ", ", never[i]);
  out += fmt::format(
      "\n\nseeds {}: passed {}, unsafe {}, no liveness {}, not deterministic {}, crashed {}, hung {}; {} run twice\n"
      "simulated {:.1f} hours in {:.0f} s ({:.0f} core-seconds): {:.0f} simulated seconds a core-second, {:.1f} "
      "seeds/s\n"
      "{} kinds of faults struck, {} faults left out\n"
      "operations {}, answered {}; judged by the linear checker {}, order-blind {} (given up {}); watch events {}\n"
      "transactions {}, skipped by primary order {}; masters {}; memberships {}; recoveries from disk {}\n"
      "engine steps checked {}, digests compared {}, events {}\n",
      seeds_, count(Ending::passed), count(Ending::unsafe), count(Ending::no_liveness),
      count(Ending::not_deterministic), count(Ending::crashed), count(Ending::hung), repeated_, simulated_hours(),
      wall_seconds, core_seconds(), core_us_ > 0 ? simulated_seconds / core_seconds() : 0.0,
      wall_seconds > 0 ? static_cast<double>(seeds_) / wall_seconds : 0.0, fault_kinds_struck(), total_.faults_left_out,
      total_.operations, total_.answered, total_.linear_checked, total_.order_blind_checked,
      total_.order_blind_given_up, total_.watch_events, total_.transactions, total_.skipped_by_primary_order,
      total_.masters, total_.memberships, total_.recoveries, total_.engine_steps, total_.digests_compared,
      total_.events);
  if (const sim::LockFigures& locks = total_.locks; locks.files_judged > 0) {
    out += fmt::format(
        "lock service: grants {}; reads, writes and deletions of files judged {}, cached reads {}; fail-overs of "
        "sessions {}, leases by datagram {}, jeopardies {}, expired {}; calls sent again {}; writes under a verified "
        "lock {}, refused {}; lost without {}\n"
        "new masters killed at each of the nine steps of a fail-over: {}\n",
        locks.grants, locks.files_judged, locks.cached_reads, locks.fail_overs_seen, locks.datagram_leases,
        locks.jeopardies, locks.expired, locks.calls_sent_again, locks.guarded_writes, locks.guarded_refused,
        locks.unguarded_lost, fmt::join(total_.killed_at_steps, " "));
  }
  out += "a replica held at most:";
  std::string_view separator = " ";
  visit_most([&](std::string_view name, uint64_t amount) {
    if (amount > 0) out += fmt::format("{}{} {}", std::exchange(separator, ", "), name, amount);
  });
  out += "\n";
  return out;
}

std::string Summary::json(double wall_seconds) const {
  std::string most;
  visit_most([&](std::string_view name, uint64_t amount) {
    std::string key(name);
    std::ranges::replace(key, ' ', '_');
    most += fmt::format(R"({}"{}": {})", most.empty() ? "" : ", ", key, amount);
  });
  return fmt::format(
      R"({{"seeds": {}, "failed": {}, "unsafe": {}, "no_liveness": {}, "not_deterministic": {}, "crashed": {}, )"
      R"("hung": {}, "repeated": {}, "simulated_hours": {:.3f}, "wall_seconds": {:.1f}, "core_seconds": {:.1f}, )"
      R"("fault_kinds": {}, "operations": {}, "answered": {}, "linear_checked": {}, "order_blind_checked": {}, )"
      R"("order_blind_given_up": {}, "watch_events": {}, "transactions": {}, "recoveries": {}, "masters": {}, )"
      R"("memberships": {}, )"
      R"("grants": {}, "files_judged": {}, "cached_reads": {}, "fail_overs_seen": {}, "datagram_leases": {}, )"
      R"("jeopardies": {}, )"
      R"("guarded_writes": {}, "guarded_refused": {}, "unguarded_lost": {}, "killed_at_least_at_each_step": {}, )"
      R"("engine_steps": {}, "digests_compared": {}, "probes": {}, "probes_never_reached": {}, )"
      R"("at_most": {{{}}}}})",
      seeds_, failed(), count(Ending::unsafe), count(Ending::no_liveness), count(Ending::not_deterministic),
      count(Ending::crashed), count(Ending::hung), repeated_, simulated_hours(), wall_seconds, core_seconds(),
      fault_kinds_struck(), total_.operations, total_.answered, total_.linear_checked, total_.order_blind_checked,
      total_.order_blind_given_up, total_.watch_events, total_.transactions, total_.recoveries, total_.masters,
      total_.memberships, total_.locks.grants, total_.locks.files_judged, total_.locks.cached_reads,
      total_.locks.fail_overs_seen, total_.locks.datagram_leases, total_.locks.jeopardies, total_.locks.guarded_writes,
      total_.locks.guarded_refused, total_.locks.unguarded_lost, std::ranges::min(total_.killed_at_steps),
      total_.engine_steps, total_.digests_compared, Probe::all().size(), probes_never_reached().size(), most);
}

}  // namespace conclave::app
