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

sim::Plan drawn(const SimOptions& options, uint64_t seed) {
  sim::Plan plan = sim::draw_plan(seed, options.profile, options.safety);
  plan.engine = static_cast<int64_t>(options.engine);
  return plan;
}

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

  // Of a single plan, drawn or read from a file.
  Campaign(const SimOptions& options, sim::Plan only) : Campaign(options) { only_ = std::move(only); }

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
    if (options_.shrink) {
      for (const SeedReport& failed : failures_) shrink(failed);
    }
    if (!only_) fmt::print("{}", summary_.text(wall));
    write_json(wall);
    append_to_ledger(wall);
    return exit_of(summary_);
  }

 private:
  bool more() const {
    if (interrupted || failures_.size() >= options_.failures_max) return false;
    if (only_) return !only_given_;
    if (options_.minutes) return watch_.seconds() < *options_.minutes * 60;
    return next_seed_ <= options_.last_seed;
  }

  void give_next() {
    if (only_) {
      only_given_ = true;
      const auto seed = static_cast<uint64_t>(only_->seed);
      under_way_[seed] = *only_;
      workers_.give(seed,
                    encode(Job{.plan = *only_, .repeat = options_.repeat_percent > 0, .without = options_.without}));
      return;
    }
    const uint64_t seed = next_seed_++;
    // Spread evenly, and the same seeds whatever the range.
    const bool repeat = seed * 37 % 100 < options_.repeat_percent;
    under_way_[seed] = drawn(options_, seed);
    workers_.give(seed, encode(Job{.plan = under_way_[seed], .repeat = repeat, .without = options_.without}));
  }

  void take(Workers::Done done) {
    SeedReport report = report_of(done);
    if (options_.hashes || only_) {
      fmt::print("seed {} hash {:016x} {}, {:.1f} simulated seconds\n", report.seed, report.trace_hash,
                 to_string(report.ending), static_cast<double>(report.figures.simulated.us) / 1e6);
    }
    summary_.add(report);
    if (report.ending != Ending::passed) keep_failure(std::move(report));
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

  // At once: an interrupted run has the plans of its failures too.
  void keep_failure(SeedReport report) {
    fmt::print("seed {}: {}\n", report.seed, to_string(report.ending));
    print_violations(report);
    plans_of_failures_[report.seed] = under_way_.at(report.seed);
    if (options_.replay.empty()) {
      std::error_code ignored;
      std::filesystem::create_directories(options_.failures_directory, ignored);
      const std::string path = plan_path(report.seed, ".plan");
      write(path, report, plans_of_failures_[report.seed]);
      fmt::print("  replay with: conclave sim --replay {}\n", path);
    }
    std::fflush(stdout);
    failures_.push_back(std::move(report));
  }

  std::string plan_path(uint64_t seed, std::string_view ending) const {
    return fmt::format("{}/seed-{}{}", options_.failures_directory, seed, ending);
  }

  // Looks for a smaller plan that fails alike, and writes it.
  void shrink(const SeedReport& failed) {
    if (interrupted || failed.ending == Ending::not_deterministic) return;
    const sim::Shrunk shrunk = sim::shrink(
        plans_of_failures_.at(failed.seed), [&](const sim::Plan& smaller) { return fails_like(failed, smaller); },
        options_.shrink_runs_max);
    const std::string path = plan_path(failed.seed, ".small.plan");
    std::error_code ignored;
    std::filesystem::create_directories(options_.failures_directory, ignored);
    write(path, failed, shrunk.plan);
    fmt::print("seed {}: shrunk in {} runs to {} faults and {} clients: {}\n{}", failed.seed, shrunk.runs,
               shrunk.plan.faults.size(), shrunk.plan.clients, path, to_text(shrunk.plan));
    std::fflush(stdout);
  }

  // The same ending, and found by the same checker first.
  bool fails_like(const SeedReport& failed, const sim::Plan& plan) {
    if (interrupted) return false;
    workers_.give(0, encode(Job{.plan = plan, .without = options_.without}));
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
  std::optional<sim::Plan> only_;
  bool only_given_ = false;
  Workers workers_;
  Stopwatch watch_;
  uint64_t next_seed_;
  std::map<uint64_t, sim::Plan> under_way_;
  std::map<uint64_t, sim::Plan> plans_of_failures_;
  std::vector<SeedReport> failures_;
  Summary summary_;
};

SimExit report_traced(const SeedReport& report) {
  fmt::print("{}: hash {:016x}, {:.1f} simulated seconds\n", to_string(report.ending), report.trace_hash,
             static_cast<double>(report.figures.simulated.us) / 1e6);
  print_violations(report);
  Summary summary;
  summary.add(report);
  return exit_of(summary);
}

SimExit run_one(sim::Plan plan, const SimOptions& options) {
  if (options.print_plan) {
    fmt::print("{}", to_text(plan));
    return SimExit::passed;
  }
  if (options.trace) return report_traced(run_traced(plan, options.without));
  return Campaign(options, std::move(plan)).run();  // in a worker, where a broken invariant is a result
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
    auto plan = sim::parse_plan(text.str());
    if (!plan) {
      fmt::print(stderr, "conclave sim: {}: {}\n", options.replay, plan.error().message);
      return SimExit::usage;
    }
    return run_one(*std::move(plan), options);
  }
  const bool one = !options.minutes && options.first_seed == options.last_seed;
  if (one) return run_one(drawn(options, options.first_seed), options);
  return Campaign(options).run();
}

}  // namespace conclave::app
