#include "sim/cluster/client_program.h"

#include <algorithm>
#include <utility>

#include "base/checksum.h"

namespace conclave::sim {
namespace {

using check::Action;

constexpr Duration kNewSessionPause = Duration::millis(100);
constexpr Duration kClosePatience = Duration::seconds(2);

uint64_t seed_of(const Plan& plan, uint32_t number, uint64_t life) {
  return xxh3_64("client", static_cast<uint64_t>(plan.seed)) + (uint64_t{number} << 32) + life;
}

}  // namespace

ClientProgram::ClientProgram(const env::World& world, const Plan& plan, std::vector<env::Address> servers,
                             uint32_t number, uint64_t life, Recorder& recorder, const Scheduler& scheduler)
    : world_(world),
      plan_(plan),
      servers_(std::move(servers)),
      recorder_(recorder),
      scheduler_(scheduler),
      random_(seed_of(plan, number, life)),
      workload_(plan, "c" + std::to_string(number) + (life == 1 ? "" : "." + std::to_string(life)), random_.u64()) {
  open_session();
  pause_then_ask();
}

ClientProgram::~ClientProgram() = default;

void ClientProgram::note_contact() {
  if (session_ != nullptr) session_->note_contact();
}

void ClientProgram::open_session() {
  note_contact();
  ended_ = std::move(session_);
  client::Options options{.servers = servers_, .session_timeout = plan_.session_timeout, .seed = random_.u64()};
  options.read_only =
      plan_.read_only_percent > 0 && random_.chance(static_cast<uint64_t>(plan_.read_only_percent), 100);
  session_ = std::make_unique<RecordedClient>(
      world_, std::move(options), recorder_, scheduler_,
      RecordedClient::Hooks{.on_state = [this](client::SessionState state) { on_state(state); },
                            .on_answer = [this](const check::Operation& operation) { done(operation); },
                            .on_watch = {}});
  session_->start();
}

void ClientProgram::on_state(client::SessionState state) {
  if (state == client::SessionState::connected && !std::exchange(set_up_, true)) {
    for (const Workload::Next& next : workload_.setup()) ask(next);
  }
  if (state == client::SessionState::expired) world_.executor.schedule(kNewSessionPause, [this] { open_session(); });
}

// ---------------------------------------------------------------- asking

void ClientProgram::pause_then_ask() {
  const auto twice = static_cast<uint64_t>(plan_.pause_between_operations.us) * 2;
  world_.executor.schedule(Duration::micros(static_cast<int64_t>(random_.between(1, twice))), [this] {
    note_contact();
    ask_burst();
    pause_then_ask();
  });
}

void ClientProgram::ask_burst() {
  const client::SessionState state = session_->library().state();
  const bool alive = state == client::SessionState::connected || state == client::SessionState::connecting ||
                     state == client::SessionState::connected_read_only;
  if (!asking_ || !set_up_ || !alive) return;
  if (probing_) session_->ask({.action = Action::sync, .path = "/r"});
  const auto most = static_cast<size_t>(plan_.pipelined);
  for (uint64_t n = random_.between(1, most); n > 0 && under_way() < most; --n) {
    const Workload::Next next = workload_.next();
    if (next.end_session) return end_session();
    ask(next);
  }
}

void ClientProgram::ask(const Workload::Next& next) {
  if (next.sync_first) session_->ask({.action = Action::sync, .path = next.call.path});
  session_->ask(next.call, next.watch, next.parts);
}

void ClientProgram::end_session() {
  if (session_->library().state() != client::SessionState::connected) return;
  session_->close(kClosePatience, [this] { world_.executor.schedule(kNewSessionPause, [this] { open_session(); }); });
}

void ClientProgram::done(const check::Operation& operation) {
  const bool needs_master = check::is_write(operation.call.action) || operation.call.action == Action::sync;
  if (needs_master && operation.answered && operation.answer.code != check::Code::not_read_only)
    last_progress_ = std::max(last_progress_, operation.invoked);
  workload_.learn(operation);
}

}  // namespace conclave::sim
