// Sessions that only ping, at a third of their time-out and evenly spread: what they cost the servers in memory and
// CPU. None may be lost: no connection breaks, every ping is answered, and in the end every session can be closed,
// which an expired one cannot.
#include <chrono>
#include <fmt/format.h>
#include <thread>

#include "app/bench/processes.h"
#include "app/bench/progress.h"
#include "app/bench/sessions.h"
#include "app/bench/workload.h"

namespace conclave::app::bench {
namespace {

class Idle final : public Runner, private Listener {
 public:
  explicit Idle(const Options& options)
      : options_(options), sessions_(options, this), progress_(options.shows_progress()) {}

  Result<Report> run() override {
    measure_without_sessions();
    resident_before_ = sample_resident_kib(options_.watch_pids);
    const uint64_t began_ns = monotonic_ns();
    if (auto ok = sessions_.connect(options_.connections); !ok) return std::unexpected(ok.error());
    opening_s_ = static_cast<double>(sessions_.refresh_clock() - began_ns) / 1e9;
    if (auto ok = stay(options_.warmup_seconds, "settling"); !ok) return std::unexpected(ok.error());
    if (auto ok = measure(); !ok) return std::unexpected(ok.error());
    if (auto ok = sessions_.close_all(); !ok) return std::unexpected(ok.error());
    return report();
  }

 private:
  // A cell of servers is busy even when nobody is connected. Half as long as the sessions are measured.
  void measure_without_sessions() {
    if (options_.watch_pids.empty()) return;
    const CpuSample before = sample_cpu(options_.watch_pids);
    const std::chrono::duration<double> wait(options_.seconds / 2);
    std::this_thread::sleep_for(wait);
    cores_without_ = cpu_between(before, sample_cpu(options_.watch_pids)).servers_s / wait.count();
  }

  Result<> measure() {
    const CpuSample before = sample_cpu(options_.watch_pids);
    const uint64_t began_ns = sessions_.refresh_clock();
    const uint64_t verified_before = sessions_.verified();
    if (auto ok = stay(options_.seconds, "measuring"); !ok) return ok;
    elapsed_s_ = static_cast<double>(sessions_.now_ns() - began_ns) / 1e9;
    cpu_ = cpu_between(before, sample_cpu(options_.watch_pids));
    pings_ = sessions_.verified() - verified_before;
    resident_after_ = sample_resident_kib(options_.watch_pids);
    return {};
  }

  Result<> stay(double seconds, std::string_view what) {
    const uint64_t end_ns = sessions_.now_ns() + static_cast<uint64_t>(seconds * 1e9);
    while (sessions_.now_ns() < end_ns) {
      // More than a millisecond's pings at once would wake the servers less often than real clients do.
      if (auto ok = sessions_.turn(sessions_.now_ns() + kMillisecondNs); !ok) return ok;
      if (progress_.due(sessions_.refresh_clock()))
        progress_.tick(sessions_.now_ns(), fmt::format("{} {} sessions", what, options_.connections));
    }
    return {};
  }

  Report report() const;

  // Nobody asks anything.
  Result<> on_answer(Connection* connection, const Answer&) override {
    return connection->broken(ErrorKind::corrupt, "an answer that nobody asked for");
  }

  const Options& options_;
  Sessions sessions_;
  Progress progress_;
  std::vector<uint64_t> resident_before_;
  std::vector<uint64_t> resident_after_;
  double cores_without_ = 0;
  double opening_s_ = 0;
  double elapsed_s_ = 0;
  uint64_t pings_ = 0;
  CpuUsed cpu_;
};

Report Idle::report() const {
  Report report;
  report.title(
      fmt::format("idle, {} sessions with a time-out of {} ms", options_.connections, sessions_.granted_timeout_ms()));
  report.text("workload", "idle");
  report.integer("connections", options_.connections);
  report.integer("session_timeout_ms", static_cast<uint64_t>(sessions_.granted_timeout_ms()));
  report.number("opening_s", opening_s_, 3);
  report.number("elapsed_s", elapsed_s_, 3);
  report.integer("pings", pings_);
  report.integer("verified", sessions_.verified());
  report.integer("lost", 0);
  report.row("opened", fmt::format("in {:.2f} s, none lost", opening_s_));
  report.row("pings", fmt::format("{} answered in {:.1f} s", pings_, elapsed_s_));
  if (options_.watch_pids.empty()) return report;

  const double cores = cpu_.servers_s / elapsed_s_;
  report.number("servers_cores", cores, 4);
  report.number("servers_core_percent", cores * 100, 2);
  report.number("foreign_cores", cpu_.foreign_s() / elapsed_s_, 3);
  report.number("servers_core_percent_without", cores_without_ * 100, 2);
  report.row("CPU of watched servers", fmt::format("{:.4f} cores, {:.2f} % of one; before the sessions {:.2f} %", cores,
                                                   cores * 100, cores_without_ * 100));

  // Where the sessions of each watched process are is known only when the processes are the servers in order.
  std::vector<double> here(options_.watch_pids.size(), 0);
  if (here.size() == options_.servers.size())
    for (uint32_t i = 0; i < options_.connections; ++i) here[sessions_.server_of(i)] += 1;
  std::vector<double> before, after, each;
  double grown_kib = 0;
  for (size_t i = 0; i < here.size(); ++i) {
    const double grown = static_cast<double>(resident_after_[i]) - static_cast<double>(resident_before_[i]);
    grown_kib += grown;
    before.push_back(static_cast<double>(resident_before_[i]));
    after.push_back(static_cast<double>(resident_after_[i]));
    each.push_back(here[i] > 0 ? grown / here[i] : 0);
    report.row(fmt::format("memory of process {}", options_.watch_pids[i]),
               fmt::format("{:.0f} KiB before, {:.0f} after{}", before[i], after[i],
                           here[i] > 0 ? fmt::format("; {:.0f} sessions here, {:.2f} KiB each", here[i], each[i])
                                       : std::string()));
  }
  const double per_session_kib = grown_kib / options_.connections;
  report.list("resident_before_kib", before, 0);
  report.list("resident_after_kib", after, 0);
  report.list("sessions_at_server", here, 0);
  report.list("kib_per_session_at_server", each, 3);
  report.number("kib_per_session", per_session_kib, 3);
  report.row("memory per session", fmt::format("{:.2f} KiB, all watched processes together", per_session_kib));
  return report;
}

}  // namespace

std::unique_ptr<Runner> make_idle(const Options& options) {
  return std::make_unique<Idle>(options);
}

}  // namespace conclave::app::bench
