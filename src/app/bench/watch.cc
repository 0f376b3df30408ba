// Watch fan-out: every connection but one watches a node, the last one changes it; measured is the time from sending
// the change until the event was at each watcher's socket, as the kernel stamps it: the watchers of a real cell are
// many machines, and here one thread would take longer to read five thousand sockets than a server to write to them.
// For the same reason it keeps out of the servers' way, and looks what came only now and then. Verified: each watcher
// is told exactly once a round, and what it reads when it watches again is the version just written. A first round is
// not measured.
#include <algorithm>
#include <array>
#include <cstring>
#include <fmt/format.h>
#include <thread>

#include "app/bench/key_space.h"
#include "app/bench/processes.h"
#include "app/bench/progress.h"
#include "app/bench/sessions.h"
#include "app/bench/workload.h"

namespace conclave::app::bench {
namespace {

constexpr size_t kArmingBatch = 1024;  // watches set at once
constexpr std::chrono::milliseconds kListenPause(20);

double millis(uint64_t ns) {
  return static_cast<double>(ns) / 1e6;
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

class Watch final : public Runner, private Listener {
 public:
  explicit Watch(const Options& options)
      : options_(options),
        sessions_(options, this),
        progress_(options.shows_progress()),
        payload_(make_payload(options)),
        path_(options.base + "/watched"),
        told_(options.connections, 0) {}

  Result<Report> run() override {
    if (auto ok = prepare(); !ok) return std::unexpected(ok.error());
    CpuSample cpu_before;
    for (uint32_t round = 0; round <= options_.rounds; ++round) {
      if (round == 1) cpu_before = sample_cpu(options_.watch_pids);
      if (round == 1) measuring_since_ns_ = sessions_.now_ns();
      if (auto ok = one_round(round); !ok) return std::unexpected(ok.error());
    }
    cpu_ = cpu_between(cpu_before, sample_cpu(options_.watch_pids));
    elapsed_s_ = static_cast<double>(sessions_.refresh_clock() - measuring_since_ns_) / 1e9;
    if (auto ok = check_told(options_.rounds + 1); !ok) return std::unexpected(ok.error());
    if (auto ok = sessions_.close_all(); !ok) return std::unexpected(ok.error());
    return report();
  }

 private:
  Result<> prepare();
  Result<> one_round(uint32_t round);
  Result<> read_all();
  Result<> arm_all();
  Result<> check_told(uint32_t times);
  bool watches(const Connection& connection) const { return connection.number() < options_.connections; }
  Connection& changer() { return sessions_[options_.connections]; }
  Report report() const;

  Result<> on_answer(Connection* connection, const Answer& answer) override;
  Result<> on_data_changed(Connection* connection, BytesView path) override;

  const Options& options_;
  Sessions sessions_;
  Progress progress_;
  Bytes payload_;
  std::string path_;
  std::vector<uint32_t> told_;       // how often each watcher was
  std::vector<uint64_t> delays_ns_;  // of this round
  uint64_t changed_ns_ = 0;          // in realtime_ns()
  // Of each measured round.
  std::vector<double> first_ms_, p50_ms_, p99_ms_, last_ms_;
  std::vector<double> listening_ms_;  // CPU time of the generator from the change until the last was told
  uint64_t measuring_since_ns_ = 0;
  double elapsed_s_ = 0;
  CpuUsed cpu_;
};

Result<> Watch::prepare() {
  sessions_.stamp_arrivals();
  if (auto ok = sessions_.connect(options_.connections + 1); !ok) return ok;
  if (auto ok = make_base(options_, &sessions_); !ok) return ok;
  std::memset(payload_.data(), 0, sizeof(uint64_t));
  for (Connection& connection : sessions_.connections())
    connection.keys() = {.paths = {path_}, .versions = std::vector<NodeVersion>(1), .stamps = {0}};
  changer().create(sessions_.refresh_clock(), path_, payload_, true);
  changer().set_data(sessions_.now_ns(), 0, payload_);
  if (auto ok = sessions_.flush(&changer()); !ok) return ok;
  if (auto ok = sessions_.drain("preparing"); !ok) return ok;
  for (Connection& connection : sessions_.connections())
    if (watches(connection)) connection.sync(sessions_.now_ns(), path_);  // its server may lag behind that write
  return arm_all();
}

// Each watcher reads the node, at the version that the changer knows, and watches it.
Result<> Watch::arm_all() {
  const NodeVersion current = changer().keys().versions[0];
  for (Connection& connection : sessions_.connections()) {
    if (!watches(connection)) break;
    connection.keys().versions[0] = current;
    connection.get_data(sessions_.now_ns(), 0, true);
    if (auto ok = sessions_.flush(&connection); !ok) return ok;
    if (connection.number() % kArmingBatch != kArmingBatch - 1) continue;
    if (auto ok = sessions_.drain("setting watches"); !ok) return ok;
  }
  return sessions_.drain("setting watches");
}

Result<> Watch::one_round(uint32_t round) {
  // An event precedes every later answer on its connection, so a second one would have come by now.
  if (auto ok = check_told(round); !ok) return ok;
  delays_ns_.clear();
  const uint64_t cpu_before_ns = own_cpu_ns();
  changer().set_data(sessions_.refresh_clock(), 0, payload_);
  sessions_.progressed();
  changed_ns_ = realtime_ns();
  if (auto ok = sessions_.flush(&changer()); !ok) return ok;
  while (delays_ns_.size() < options_.connections || changer().in_flight() > 0) {
    std::this_thread::sleep_for(kListenPause);
    if (auto ok = read_all(); !ok) return ok;
    if (auto ok = sessions_.check_progress(
            fmt::format("round {}, {} of {} watchers told", round, delays_ns_.size(), options_.connections));
        !ok)
      return ok;
  }
  const uint64_t cpu_ns = own_cpu_ns() - cpu_before_ns;
  std::ranges::sort(delays_ns_);
  const auto at = [&](size_t percent) { return millis(delays_ns_[(delays_ns_.size() * percent + 99) / 100 - 1]); };
  if (round > 0) {
    first_ms_.push_back(millis(delays_ns_.front()));
    p50_ms_.push_back(at(50));
    p99_ms_.push_back(at(99));
    last_ms_.push_back(millis(delays_ns_.back()));
    listening_ms_.push_back(millis(cpu_ns));
  }
  if (progress_.due(sessions_.now_ns()))
    progress_.tick(sessions_.now_ns(), fmt::format("round {} of {}: the last of {} told after {:.1f} ms", round,
                                                   options_.rounds, options_.connections, millis(delays_ns_.back())));
  return arm_all();
}

// Everything that is there.
Result<> Watch::read_all() {
  for (uint64_t before = UINT64_MAX; before != sessions_.verified();) {
    before = sessions_.verified();
    if (auto ok = sessions_.turn(0); !ok) return ok;
  }
  return {};
}

Result<> Watch::check_told(uint32_t times) {
  for (size_t i = 0; i < told_.size(); ++i)
    if (told_[i] != times)
      return sessions_[i].broken(ErrorKind::corrupt, fmt::format("told {} times of {} changes", told_[i], times));
  return {};
}

Result<> Watch::on_answer(Connection*, const Answer&) {
  return {};
}

Result<> Watch::on_data_changed(Connection* connection, BytesView path) {
  if (path != path_ || !watches(*connection)) return Listener::on_data_changed(connection, path);
  ++told_[connection->number()];
  delays_ns_.push_back(sessions_.arrived_ns() - changed_ns_);
  return {};
}

Report Watch::report() const {
  Report report;
  const auto tell = std::to_array<std::pair<std::string_view, const std::vector<double>*>>(
      {{"first", &first_ms_}, {"p50", &p50_ms_}, {"p99", &p99_ms_}, {"last", &last_ms_}});
  report.title(fmt::format("watch, {} watchers of one node of {} B, {} rounds", options_.connections,
                           options_.size_bytes, options_.rounds));
  report.text("workload", "watch");
  report.integer("connections", options_.connections);
  report.integer("size_bytes", options_.size_bytes);
  report.integer("rounds", options_.rounds);
  report.integer("verified", sessions_.verified());
  report.row("ms until told", "median [range] over the rounds");
  for (const auto& [name, values] : tell) {
    const auto [low, high] = std::ranges::minmax(*values);
    report.number(fmt::format("{}_ms", name), median(*values), 2);
    report.row(fmt::format("  {}", name), fmt::format("{:.2f} [{:.2f}-{:.2f}]", median(*values), low, high));
  }
  report.list("last_ms_each", last_ms_, 2);
  const double rounds = options_.rounds;
  report.number("servers_cpu_ms_per_round", cpu_.servers_s / rounds * 1e3, 2);
  report.number("generator_cpu_ms_per_round", cpu_.generator_s / rounds * 1e3, 2);
  report.number("generator_cpu_ms_listening", median(listening_ms_), 2);
  report.number("foreign_cores", cpu_.foreign_s() / elapsed_s_, 3);
  report.row("CPU per round, ms",
             fmt::format("watched servers {:.1f}, generator {:.1f}, setting the watches again included; {:.1f} of the "
                         "generator's while it is told",
                         cpu_.servers_s / rounds * 1e3, cpu_.generator_s / rounds * 1e3, median(listening_ms_)));
  report.row("verified", "each watcher told exactly once a round");
  return report;
}

}  // namespace

std::unique_ptr<Runner> make_watch(const Options& options) {
  return std::make_unique<Watch>(options);
}

}  // namespace conclave::app::bench
