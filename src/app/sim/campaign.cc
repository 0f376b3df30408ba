#include "app/sim/campaign.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <map>
#include <sstream>

#include "app/sim/one_run.h"
#include "app/sim/summary.h"
#include "app/sim/workers.h"
#include "sim/cluster/shrink.h"

namespace conclave::app {
namespace {

volatile std::sig_atomic_t interrupted = 0;

class Stopwatch {
 public:
  double seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - began_).count(); }

 private:
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
};

SimExit exit_of(const Summary& summary) {
  if (summary.count(Ending::crashed) > 0) return SimExit::crashed;
  if (summary.count(Ending::unsafe) > 0) return SimExit::unsafe;
  if (summary.count(Ending::not_deterministic) > 0) return SimExit::not_deterministic;
  if (summary.count(Ending::no_liveness) > 0) return SimExit::no_liveness;
  if (summary.count(Ending::hung) > 0) return SimExit::hung;
  return SimExit::passed;
}

void print_violations(const SeedReport& report) {
  for (const auto& violation : report.violations) fmt::print("  {}: {}\n", violation.checker, violation.what);
}

class Campaign {
 public:
  explicit Campaign(const SimOptions& options)
      : options_(options), workers_(options.jobs, run_job, options.run_time_max), next_seed_(options.first_seed) {}

  SimExit run() {
    double progress_at = 5;
    while (more() || workers_.busy() > 0) {
      while (workers_.idle() > 0 && more()) give_next();
      for (Workers::Done& done : workers_.wait(Duration::millis(200))) take(std::move(done));
      if (watch_.seconds() >= progress_at) {
        print_progress();
        progress_at = watch_.seconds() + 5;
      }
    }
    const double wall = watch_.seconds();
    for (const SeedReport& failed : failures_) handle_failure(failed);
    fmt::print("{}", summary_.text(wall));
    write_json(wall);
    append_to_ledger(wall);
    return exit_of(summary_);
  }

 private:
  bool more() const {
    if (interrupted || failures_.size() >= options_.failures_max) return false;
    if (options_.minutes) return watch_.seconds() < *options_.minutes * 60;
    return next_seed_ <= options_.last_seed;
  }

  void give_next() {
    const uint64_t seed = next_seed_++;
    // Spread evenly, and the same seeds whatever the range.
    const bool repeat = seed * 37 % 100 < options_.repeat_percent;
    under_way_[seed] = sim::draw_plan(seed, options_.profile, options_.safety);
    workers_.give(seed, encode(Job{.plan = under_way_[seed], .repeat = repeat}));
  }

  void take(Workers::Done done) {
    SeedReport report = report_of(done);
    if (options_.hashes)
      fmt::print("seed {} hash {:016x} {}\n", report.seed, report.trace_hash, to_string(report.ending));
    summary_.add(report);
    if (report.ending != Ending::passed) {
      fmt::print("seed {}: {}\n", report.seed, to_string(report.ending));
      print_violations(report);
      std::fflush(stdout);
      plans_of_failures_[report.seed] = under_way_.at(report.seed);
      failures_.push_back(std::move(report));
    }
    under_way_.erase(done.ticket);
  }

  static SeedReport report_of(Workers::Done& done) {
    if (done.result) {
      if (auto report = decode_seed_report(*done.result)) return *std::move(report);
    }
    SeedReport report{.seed = done.ticket, .ending = done.overstayed ? Ending::hung : Ending::crashed};
    report.violations.push_back({.checker = "process", .what = done.overstayed ? "the run does not end" : done.why});
    return report;
  }

  // Writes the plan of a failed seed, and a smaller one that fails alike.
  void handle_failure(const SeedReport& failed) {
    const sim::Plan& plan = plans_of_failures_.at(failed.seed);
    std::error_code ignored;
    std::filesystem::create_directories(options_.failures_directory, ignored);
    const std::string name = fmt::format("{}/seed-{}", options_.failures_directory, failed.seed);
    write(name + ".plan", failed, plan);
    fmt::print("seed {}: {}; replay with: conclave sim --replay {}.plan\n", failed.seed, to_string(failed.ending),
               name);
    if (!options_.shrink || interrupted || failed.ending == Ending::not_deterministic) return;
    const sim::Shrunk shrunk = sim::shrink(
        plan, [&](const sim::Plan& smaller) { return fails_like(failed, smaller); }, options_.shrink_runs_max);
    write(name + ".small.plan", failed, shrunk.plan);
    fmt::print("  shrunk in {} runs to {} faults and {} clients: {}.small.plan\n{}", shrunk.runs,
               shrunk.plan.faults.size(), shrunk.plan.clients, name, to_text(shrunk.plan));
  }

  // The same ending, and found by the same checker first.
  bool fails_like(const SeedReport& failed, const sim::Plan& plan) {
    if (interrupted) return false;
    workers_.give(0, encode(Job{.plan = plan, .repeat = false}));
    for (;;) {
      auto results = workers_.wait(Duration::seconds(1));
      if (results.empty()) continue;
      const SeedReport report = report_of(results.front());
      const auto checker = [](const SeedReport& r) { return r.violations.empty() ? "" : r.violations.front().checker; };
      return report.ending == failed.ending && checker(report) == checker(failed);
    }
  }

  static void write(const std::string& path, const SeedReport& failed, const sim::Plan& plan) {
    std::ofstream file(path);
    file << "# " << to_string(failed.ending) << "\n";
    for (const auto& violation : failed.violations) {
      std::istringstream lines(violation.checker + ": " + violation.what);
      for (std::string line; std::getline(lines, line);) file << "# " << line << "\n";
    }
    file << to_text(plan);
    if (!file) fmt::print(stderr, "conclave sim: cannot write {}\n", path);
  }

  void print_progress() {
    const double wall = watch_.seconds();
    const std::string total =
        options_.minutes ? "" : fmt::format(" of {}", options_.last_seed - options_.first_seed + 1);
    fmt::print(
        "{:6.0f} s: {}{} seeds, {} failed, {:.1f} simulated hours, {:.1f} seeds/s, {:.0f} simulated s per "
        "core-second\n",
        wall, summary_.seeds(), total, summary_.failed(), summary_.simulated_hours(),
        static_cast<double>(summary_.seeds()) / wall,
        summary_.core_seconds() > 0 ? summary_.simulated_hours() * 3600 / summary_.core_seconds() : 0.0);
    std::fflush(stdout);
  }

  void write_json(double wall) {
    if (options_.json.empty()) return;
    std::ofstream file(options_.json);
    file << summary_.json(wall) << "\n";
    if (!file) fmt::print(stderr, "conclave sim: cannot write {}\n", options_.json);
  }

  void append_to_ledger(double wall) {
    if (options_.ledger.empty()) return;
    std::ofstream file(options_.ledger, std::ios::app);
    file << fmt::format("| {} | {} | {} .. {} | {} | {:.1f} | {:.2f} | {} | {} | {} | {} |\n", date_today(),
                        options_.label, options_.first_seed, next_seed_ - 1, sim::to_text(options_.safety), wall / 3600,
                        summary_.simulated_hours(), summary_.total().operations, summary_.total().recoveries,
                        summary_.fault_kinds_struck(), summary_.failed());
    if (!file) fmt::print(stderr, "conclave sim: cannot write {}\n", options_.ledger);
  }

  static std::string date_today() {
    const std::time_t now = std::time(nullptr);
    char text[16];
    std::strftime(text, sizeof(text), "%Y-%m-%d", std::gmtime(&now));
    return text;
  }

  const SimOptions& options_;
  Workers workers_;
  Stopwatch watch_;
  uint64_t next_seed_;
  std::map<uint64_t, sim::Plan> under_way_;
  std::map<uint64_t, sim::Plan> plans_of_failures_;
  std::vector<SeedReport> failures_;
  Summary summary_;
};

SimExit report_one(const SeedReport& report) {
  fmt::print("{}: hash {:016x}, {:.1f} simulated seconds\n", to_string(report.ending), report.trace_hash,
             static_cast<double>(report.figures.simulated.us) / 1e6);
  print_violations(report);
  Summary summary;
  summary.add(report);
  return exit_of(summary);
}

// One plan, in this process when traced, else in a worker, where a broken invariant is a result.
SimExit run_one(const sim::Plan& plan, const SimOptions& options) {
  if (options.print_plan) {
    fmt::print("{}", to_text(plan));
    return SimExit::passed;
  }
  if (options.trace) return report_one(run_traced(plan));
  Workers workers(1, run_job, options.run_time_max);
  workers.give(0, encode(Job{.plan = plan, .repeat = options.repeat_percent > 0}));
  for (;;) {
    auto results = workers.wait(Duration::seconds(1));
    if (results.empty()) continue;
    Workers::Done& done = results.front();
    if (done.result) {
      if (const auto report = decode_seed_report(*done.result)) return report_one(*report);
    }
    fmt::print("{}\n{}\n", done.overstayed ? "hung" : "crashed", done.why);
    return done.overstayed ? SimExit::hung : SimExit::crashed;
  }
}

}  // namespace

SimExit run_campaign(const SimOptions& options) {
  std::signal(SIGINT, [](int) { interrupted = 1; });
  if (!options.replay.empty()) {
    std::ifstream file(options.replay);
    std::ostringstream text;
    text << file.rdbuf();
    if (!file) {
      fmt::print(stderr, "conclave sim: cannot read {}\n", options.replay);
      return SimExit::usage;
    }
    const auto plan = sim::parse_plan(text.str());
    if (!plan) {
      fmt::print(stderr, "conclave sim: {}: {}\n", options.replay, plan.error().message);
      return SimExit::usage;
    }
    return run_one(*plan, options);
  }
  const bool one = !options.minutes && options.first_seed == options.last_seed;
  if (one) return run_one(sim::draw_plan(options.first_seed, options.profile, options.safety), options);
  return Campaign(options).run();
}

}  // namespace conclave::app
