// Writes, creates, reads and both mixed: C x O requests in flight (closed loop), or as many a second as --rate says
// (open loop, at most C x O in flight). The order: connect, prepare, warm up, measure, drain, check, close.
#include <algorithm>
#include <fmt/format.h>
#include <optional>

#include "app/bench/key_space.h"
#include "app/bench/pacer.h"
#include "app/bench/plot.h"
#include "app/bench/recorder.h"
#include "app/bench/sessions.h"
#include "app/bench/workload.h"
#include "base/random.h"

namespace conclave::app::bench {
namespace {

class Steady final : public Runner, private Listener {
 public:
  explicit Steady(const Options& options)
      : options_(options),
        sessions_(options, this),
        recorder_(options),
        random_(options.seed),
        payload_(make_payload(options)),
        run_name_(fmt::format("{:x}", monotonic_ns())) {}

  Result<Report> run() override {
    for (const auto step : {&Steady::prepare, &Steady::work})
      if (auto ok = (this->*step)(); !ok) return std::unexpected(ok.error());
    if (auto ok = recorder_.check_zxids(); !ok) return std::unexpected(ok.error());
    if (auto ok = sessions_.close_all(); !ok) return std::unexpected(ok.error());
    Report report;
    add_operations(&report, options_, recorder_, sessions_.verified());
    add_plot(&report, options_, recorder_.series(), {});
    return report;
  }

 private:
  Result<> prepare();
  Result<> work();
  Result<> start_operations();
  Result<> work_until(uint64_t end_ns, std::string_view what);
  Result<> issue_what_is_due();
  Result<> on_answer(Connection* connection, const Answer& answer) override;
  void issue(Connection* connection, uint64_t since_ns);
  bool wants_more() const { return issues_ && (options_.operations == 0 || issued_ < options_.operations); }
  bool all_done() const {
    return options_.operations != 0 && issued_ == options_.operations && sessions_.in_flight() == 0;
  }

  const Options& options_;
  Sessions sessions_;
  Recorder recorder_;
  Random random_;
  Bytes payload_;
  std::string run_name_;  // makes the paths of one run's creates its own
  std::optional<Pacer> pacer_;
  size_t next_connection_ = 0;  // to which the next paced operation goes
  bool issues_ = false;
  uint64_t issued_ = 0;
};

Result<> Steady::prepare() {
  if (auto ok = sessions_.connect(options_.connections); !ok) return ok;
  if (auto ok = make_base(options_, &sessions_); !ok) return ok;
  if (options_.workload != Workload::create) return make_keys(options_, options_.keys, &sessions_);
  for (Connection& connection : sessions_.connections())
    connection.create(sessions_.now_ns(), fmt::format("{}/c{}-{:05}", options_.base, run_name_, connection.number()),
                      "");
  if (auto ok = sessions_.flush_all(); !ok) return ok;
  return sessions_.drain("preparing");
}

Result<> Steady::work() {
  if (auto ok = start_operations(); !ok) return ok;
  if (options_.operations == 0) {
    const auto warm_ns = static_cast<uint64_t>(options_.warmup_seconds * 1e9);
    if (auto ok = work_until(sessions_.now_ns() + warm_ns, "warm-up "); !ok) return ok;
    recorder_.begin(sessions_.refresh_clock());
  }
  const auto measured_ns = static_cast<uint64_t>(options_.seconds * 1e9);
  const uint64_t end_ns = options_.operations == 0 ? recorder_.began_ns() + measured_ns : UINT64_MAX;
  if (auto ok = work_until(end_ns, "measuring"); !ok) return ok;
  recorder_.end(sessions_.now_ns());
  issues_ = false;
  return sessions_.drain("draining");
}

Result<> Steady::start_operations() {
  sessions_.refresh_clock();
  sessions_.progressed();
  if (options_.operations != 0) recorder_.begin(sessions_.now_ns());
  issues_ = true;
  if (options_.rate != 0) {
    pacer_.emplace(options_.rate, sessions_.now_ns());
    return {};
  }
  for (Connection& connection : sessions_.connections())
    for (uint32_t i = 0; i < options_.outstanding && wants_more(); ++i) issue(&connection, sessions_.now_ns());
  return sessions_.flush_all();
}

Result<> Steady::work_until(uint64_t end_ns, std::string_view what) {
  while (sessions_.now_ns() < end_ns && !all_done()) {
    if (auto ok = issue_what_is_due(); !ok) return ok;
    uint64_t wake_ns = sessions_.now_ns() + Sessions::kTurnNs;
    // What is overdue waits for an answer to make room.
    if (pacer_ && pacer_->due_ns() > sessions_.now_ns()) wake_ns = std::min(wake_ns, pacer_->due_ns());
    if (auto ok = sessions_.turn(std::min(wake_ns, end_ns)); !ok) return ok;
    sessions_.refresh_clock();
    if (auto ok = sessions_.check_progress(what); !ok) return ok;
    recorder_.tick(sessions_.now_ns(), what);
  }
  return {};
}

// What is due goes to the connections in turn. When all have as many in flight as they may, it waits and gets late, and
// its latency says so.
Result<> Steady::issue_what_is_due() {
  if (!pacer_) return {};
  size_t full = 0;
  while (full < options_.connections && wants_more() && pacer_->due_ns() <= sessions_.now_ns()) {
    Connection* connection = &sessions_[next_connection_];
    next_connection_ = (next_connection_ + 1) % options_.connections;
    if (connection->in_flight() >= options_.outstanding) {
      ++full;
      continue;
    }
    full = 0;
    issue(connection, pacer_->take());
    if (auto ok = sessions_.flush(connection); !ok) return ok;
  }
  return {};
}

void Steady::issue(Connection* connection, uint64_t since_ns) {
  const uint64_t number = issued_++;
  if (options_.workload == Workload::create) {
    std::memcpy(payload_.data(), &number, sizeof(number));
    connection->create(
        since_ns, fmt::format("{}/c{}-{:05}/n{:09}", options_.base, run_name_, connection->number(), number), payload_);
    return;
  }
  const Connection::Keys& keys = connection->keys();
  const auto key = static_cast<uint32_t>(random_.below(keys.paths.size()));
  const bool reads = options_.workload == Workload::read ||
                     (options_.workload == Workload::mixed &&
                      random_.chance(options_.mix_reads, uint64_t{options_.mix_reads} + options_.mix_writes));
  if (reads) {
    connection->get_data(since_ns, key);
  } else {
    std::memcpy(payload_.data(), &keys.stamps[key], sizeof(uint64_t));
    connection->set_data(since_ns, key, payload_);
  }
}

Result<> Steady::on_answer(Connection* connection, const Answer& answer) {
  if (issued_ == 0) return {};  // preparing
  const uint64_t now_ns = sessions_.now_ns();
  if (answer.request.opcode == Opcode::get_data)
    recorder_.read(now_ns, answer.request.sent_ns);
  else
    recorder_.write(now_ns, answer.request.sent_ns, answer.zxid);
  if (!pacer_ && wants_more()) issue(connection, now_ns);
  return {};
}

}  // namespace

std::unique_ptr<Runner> make_steady(const Options& options) {
  return std::make_unique<Steady>(options);
}

}  // namespace conclave::app::bench
