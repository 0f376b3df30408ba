// Writes by clients that go elsewhere when their server fails, as the clients of a real cell do, but faster: a client
// whose connection breaks starts a new session at the next server at once; one whose request is unanswered for
// --request-timeout gives up its server, which may be stopped; one that reached no session pauses shortly first.
//
// Each client owns one node. Its first requests at a new server are sync and getData: the version read back shows that
// no acknowledged write was lost and that nothing was applied but what was sent (node_version.h). The next writes
// follow in the same breath, so that checking costs no round trip. In the end every client reads its node once more.
#include <algorithm>
#include <csignal>
#include <cstring>
#include <fmt/format.h>
#include <optional>
#include <vector>

#include "app/bench/gap_meter.h"
#include "app/bench/key_space.h"
#include "app/bench/plot.h"
#include "app/bench/recorder.h"
#include "app/bench/sessions.h"
#include "app/bench/workload.h"

namespace conclave::app::bench {
namespace {

constexpr uint64_t kPauseNs = 20 * kMillisecondNs;  // after a connection that reached no session
constexpr uint64_t kRecoverNs = 30 * kSecondNs;     // for the last read-back of all clients

std::string_view signal_name(int signal) {
  return signal == SIGKILL ? "KILL" : signal == SIGSTOP ? "STOP" : "TERM";
}

class Failover final : public Runner, private Listener {
 public:
  explicit Failover(const Options& options)
      : options_(options), sessions_(options, this), recorder_(options), payload_(make_payload(options)) {}

  Result<Report> run() override {
    for (const auto step : {&Failover::prepare, &Failover::work, &Failover::read_back_all})
      if (auto ok = (this->*step)(); !ok) return std::unexpected(ok.error());
    if (auto ok = recorder_.check_zxids(); !ok) return std::unexpected(ok.error());
    if (auto ok = sessions_.close_all(); !ok) return std::unexpected(ok.error());
    return report();
  }

 private:
  // The client on the connection of the same number.
  struct Client {
    size_t server = 0;
    uint64_t retry_at_ns = 0;  // while it has no socket
    bool read_back = false;    // in this session
    GapMeter gaps;
  };
  enum class Phase { prepare, work, read_back };

  Result<> prepare();
  Result<> work();
  Result<> work_until(uint64_t end_ns, std::string_view what);
  Result<> read_back_all();
  // One turn of the loop, and what is due: reconnecting, giving up.
  Result<> step();
  Result<> strike_when_due();
  void give_up(Connection* connection);
  void write(Connection* connection);
  Report report() const;

  Result<> on_session(Connection* connection) override;
  Result<> on_answer(Connection* connection, const Answer& answer) override;
  Result<> on_broken(Connection* connection, const Error& why) override;

  const Options& options_;
  Sessions sessions_;
  Recorder recorder_;
  Bytes payload_;
  Phase phase_ = Phase::prepare;
  std::vector<Client> clients_;
  GapMeter gaps_;  // of all clients together
  std::optional<double> struck_at_s_;
  uint64_t broken_ = 0;    // sessions that ended without being closed
  uint64_t attempts_ = 0;  // connections that reached no session
  uint64_t gave_up_ = 0;   // of both, those that were left because an answer did not come in time
  uint64_t in_doubt_ = 0;
};

Result<> Failover::prepare() {
  if (auto ok = sessions_.connect(options_.connections); !ok) return ok;
  if (auto ok = make_base(options_, &sessions_); !ok) return ok;
  if (auto ok = make_keys(options_, options_.connections, &sessions_); !ok) return ok;
  clients_.resize(options_.connections);
  for (uint32_t i = 0; i < options_.connections; ++i) {
    clients_[i].server = sessions_.server_of(i);
    clients_[i].read_back = true;
  }
  return {};
}

Result<> Failover::work() {
  phase_ = Phase::work;
  sessions_.refresh_clock();
  for (Connection& connection : sessions_.connections())
    for (uint32_t i = 0; i < options_.outstanding; ++i) write(&connection);
  if (auto ok = sessions_.flush_all(); !ok) return ok;
  const auto warm_ns = static_cast<uint64_t>(options_.warmup_seconds * 1e9);
  if (auto ok = work_until(sessions_.now_ns() + warm_ns, "warm-up "); !ok) return ok;

  const uint64_t began_ns = sessions_.refresh_clock();
  recorder_.begin(began_ns);
  gaps_.begin(began_ns);
  for (Client& client : clients_) client.gaps.begin(began_ns);
  if (auto ok = work_until(began_ns + static_cast<uint64_t>(options_.seconds * 1e9), "measuring"); !ok) return ok;
  recorder_.end(sessions_.now_ns());
  gaps_.end(sessions_.now_ns());
  for (Client& client : clients_) client.gaps.end(sessions_.now_ns());
  return {};
}

Result<> Failover::work_until(uint64_t end_ns, std::string_view what) {
  while (sessions_.now_ns() < end_ns) {
    if (auto ok = strike_when_due(); !ok) return ok;
    if (auto ok = step(); !ok) return ok;
    recorder_.tick(sessions_.now_ns(), what);
  }
  return {};
}

Result<> Failover::strike_when_due() {
  if (!options_.blow || struck_at_s_ || !recorder_.measures()) return {};
  const auto at_ns = recorder_.began_ns() + static_cast<uint64_t>(options_.blow->at_s * 1e9);
  if (monotonic_ns() < at_ns) return {};
  const uint64_t now_ns = sessions_.refresh_clock();
  if (::kill(options_.blow->victim, options_.blow->signal) != 0)
    return fail(ErrorKind::invalid_argument, fmt::format("--victim {}: {}", options_.blow->victim, errno_text()));
  gaps_.mark(now_ns);
  struck_at_s_ = static_cast<double>(now_ns - recorder_.began_ns()) / 1e9;
  return {};
}

Result<> Failover::step() {
  if (auto ok = sessions_.turn(sessions_.now_ns() + kMillisecondNs); !ok) return ok;
  const uint64_t now_ns = sessions_.refresh_clock();
  for (Connection& connection : sessions_.connections()) {
    const Client& client = clients_[connection.number()];
    if (connection.waits() && now_ns > connection.waiting_since_ns() + options_.request_timeout_ms * kMillisecondNs) {
      ++gave_up_;
      give_up(&connection);
    }
    if (connection.has_socket() || client.retry_at_ns > now_ns) continue;
    if (const auto ok = sessions_.start(&connection, client.server); !ok && ok.error().kind == ErrorKind::closed)
      give_up(&connection);
    else if (!ok)
      return ok;
  }
  return {};
}

void Failover::give_up(Connection* connection) {
  Client& client = clients_[connection->number()];
  const bool had_session = connection->has_session();
  ++(had_session ? broken_ : attempts_);
  in_doubt_ += sessions_.abandon(connection);
  if (!options_.pinned) client.server = (client.server + 1) % sessions_.servers();
  client.read_back = false;
  client.retry_at_ns = sessions_.now_ns() + (had_session ? 0 : kPauseNs);
}

Result<> Failover::on_broken(Connection* connection, const Error& why) {
  if (phase_ == Phase::prepare) return std::unexpected(why);
  give_up(connection);
  return {};
}

Result<> Failover::on_session(Connection* connection) {
  if (phase_ == Phase::prepare) return {};
  const uint64_t now_ns = sessions_.now_ns();
  connection->sync(now_ns, connection->keys().paths[0]);
  connection->get_data(now_ns, 0);
  for (uint32_t i = 0; phase_ == Phase::work && i < options_.outstanding; ++i) write(connection);
  return {};
}

void Failover::write(Connection* connection) {
  std::memcpy(payload_.data(), connection->keys().stamps.data(), sizeof(uint64_t));
  connection->set_data(sessions_.now_ns(), 0, payload_);
}

Result<> Failover::on_answer(Connection* connection, const Answer& answer) {
  if (phase_ == Phase::prepare) return {};
  Client& client = clients_[connection->number()];
  if (answer.request.opcode == Opcode::get_data) client.read_back = true;
  if (answer.request.opcode != Opcode::set_data) return {};

  const uint64_t now_ns = sessions_.now_ns();
  recorder_.write(now_ns, answer.request.sent_ns, answer.zxid);
  if (recorder_.measures()) {
    gaps_.acknowledged(answer.request.sent_ns, now_ns);
    client.gaps.acknowledged(answer.request.sent_ns, now_ns);
  }
  if (phase_ == Phase::work) write(connection);
  return {};
}

Result<> Failover::read_back_all() {
  phase_ = Phase::read_back;
  const uint64_t deadline_ns = sessions_.refresh_clock() + kRecoverNs;
  for (Connection& connection : sessions_.connections()) {
    Client& client = clients_[connection.number()];
    client.read_back = false;
    if (!connection.has_session()) continue;  // its next session begins with it
    if (auto ok = on_session(&connection); !ok) return ok;
    if (auto ok = sessions_.flush(&connection); !ok) return ok;
  }
  while (!std::ranges::all_of(clients_, &Client::read_back) || sessions_.in_flight() > 0) {
    if (auto ok = step(); !ok) return ok;
    if (sessions_.now_ns() > deadline_ns)
      return fail(ErrorKind::timed_out, fmt::format("{} of {} clients could not read their node for {} s after the run",
                                                    std::ranges::count(clients_, false, &Client::read_back),
                                                    clients_.size(), kRecoverNs / kSecondNs));
  }
  return {};
}

Report Failover::report() const {
  const auto millis = [](uint64_t ns) { return static_cast<double>(ns) / 1e6; };
  uint64_t longest_client_ns = 0;
  for (const Client& client : clients_) longest_client_ns = std::max(longest_client_ns, client.gaps.longest_ns());
  std::optional<double> recovered_ms;
  if (const auto ns = gaps_.recovered_ns()) recovered_ms = millis(*ns);

  Report report;
  add_operations(&report, options_, recorder_, sessions_.verified());
  report.number("longest_gap_ms", millis(gaps_.longest_ns()), 1);
  report.number("longest_client_gap_ms", millis(longest_client_ns), 1);
  report.number("signal_at_s", struck_at_s_, 3);
  report.number("signal_to_write_ms", recovered_ms, 1);
  report.integer("broken_connections", broken_);
  report.integer("failed_connects", attempts_);
  report.integer("unanswered", gave_up_);
  report.integer("in_doubt", in_doubt_);

  report.row("longest gap of writes",
             fmt::format("{:.1f} ms; of one client {:.1f} ms", millis(gaps_.longest_ns()), millis(longest_client_ns)));
  if (struck_at_s_)
    report.row("signal to first write",
               fmt::format("{} ({} at {:.3f} s)", recovered_ms ? fmt::format("{:.1f} ms", *recovered_ms) : "never",
                           signal_name(options_.blow->signal), *struck_at_s_));
  report.row("connections", fmt::format("{} broken, {} reached no session, {} of both left without an answer", broken_,
                                        attempts_, gave_up_));
  report.row("writes in doubt", fmt::format("{}; no acknowledged write is missing", in_doubt_));
  std::optional<Mark> mark;
  if (struck_at_s_)
    mark = Mark{.at_s = *struck_at_s_, .label = fmt::format("SIG{}", signal_name(options_.blow->signal))};
  add_plot(&report, options_, recorder_.series(), mark);
  return report;
}

}  // namespace

std::unique_ptr<Runner> make_failover(const Options& options) {
  return std::make_unique<Failover>(options);
}

}  // namespace conclave::app::bench
