#include "sim/cluster/client_program.h"

#include <algorithm>
#include <utility>

#include "base/checksum.h"

namespace conclave::sim {
namespace {

using check::Action;
using check::Call;
using check::Code;

constexpr Duration kNewSessionPause = Duration::millis(100);
constexpr Duration kClosePatience = Duration::seconds(2);

Code code_of(client::ErrorCode error) {
  return static_cast<Code>(error);
}

check::NodeStat stat_of(const client::Stat& stat) {
  return {.czxid = stat.czxid,
          .mzxid = stat.mzxid,
          .pzxid = stat.pzxid,
          .version = stat.version,
          .cversion = stat.cversion,
          .data_length = stat.data_length,
          .num_children = stat.num_children,
          .ephemeral_owner = SessionId(stat.ephemeral_owner)};
}

std::optional<check::EventKind> event_kind(client::EventType type) {
  switch (type) {
    case client::EventType::node_created:
      return check::EventKind::created;
    case client::EventType::node_deleted:
      return check::EventKind::deleted;
    case client::EventType::node_data_changed:
      return check::EventKind::data_changed;
    case client::EventType::node_children_changed:
      return check::EventKind::children_changed;
    default:
      return std::nullopt;
  }
}

client::CreateOptions create_options(const Call& call) {
  client::CreateOptions options;
  if (call.sequential) {
    options.mode =
        call.ephemeral ? client::CreateMode::ephemeral_sequential : client::CreateMode::persistent_sequential;
  } else {
    options.mode = call.ephemeral ? client::CreateMode::ephemeral : client::CreateMode::persistent;
  }
  return options;
}

client::Operation part_of(const Call& call) {
  switch (call.action) {
    case Action::create:
      return client::CreateOperation{.path = call.path, .data = call.data, .options = create_options(call)};
    case Action::remove:
      return client::RemoveOperation{.path = call.path, .version = call.version};
    case Action::set:
      return client::SetOperation{.path = call.path, .data = call.data, .version = call.version};
    default:
      return client::CheckOperation{.path = call.path, .version = call.version};
  }
}

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

void ClientProgram::open_session() {
  if (client_ != nullptr) note_contact();
  id_ = recorder_.new_client();
  noted_.reset();
  ended_ = std::move(client_);
  client_ = std::make_unique<client::Client>(
      world_.clock, world_.executor, world_.network,
      client::Options{.servers = servers_, .session_timeout = plan_.session_timeout, .seed = random_.u64()});
  client_->start([this, id = id_](client::SessionState state) {
    if (id == id_) on_state(state);  // else a late word about a session that we have ended
  });
}

void ClientProgram::on_state(client::SessionState state) {
  note_contact();
  const auto note = [&](check::SessionChange change) {
    recorder_.session(id_, client_->session(), change, client_->session_timeout());
  };
  switch (state) {
    case client::SessionState::connected:
    case client::SessionState::connected_read_only:
      note(check::SessionChange::connected);
      if (!std::exchange(set_up_, true)) {
        for (const Workload::Next& next : workload_.setup()) ask(next);
      }
      break;
    case client::SessionState::connecting:
      note(check::SessionChange::disconnected);
      break;
    case client::SessionState::expired:
    case client::SessionState::auth_failed:
      note(check::SessionChange::expired);
      world_.executor.schedule(kNewSessionPause, [this] { open_session(); });
      break;
    case client::SessionState::closed:
      note(check::SessionChange::closed);
      break;
  }
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
  const client::SessionState state = client_->state();
  const bool alive = state == client::SessionState::connected || state == client::SessionState::connecting;
  if (!asking_ || !set_up_ || !alive) return;
  if (probing_) ask({.call = {.action = Action::sync, .path = "/r"}});
  const auto most = static_cast<size_t>(plan_.pipelined);
  for (uint64_t n = random_.between(1, most); n > 0 && under_way_ < most; --n) {
    const Workload::Next next = workload_.next();
    if (next.end_session) return end_session();
    ask(next);
  }
}

void ClientProgram::ask(const Workload::Next& next) {
  if (next.sync_first) {
    const Call sync{.action = Action::sync, .path = next.call.path};
    send(begin(sync), sync, false);
  }
  const size_t place = begin(next.call, next.watch, next.parts);
  if (next.call.action == Action::multi) {
    send_multi(place, next.parts);
  } else {
    send(place, next.call, next.watch);
  }
}

void ClientProgram::end_session() {
  if (client_->state() != client::SessionState::connected) return;
  begin({.action = Action::close_session});
  --under_way_;  // nobody is told of it
  client_->close(kClosePatience, [this] { world_.executor.schedule(kNewSessionPause, [this] { open_session(); }); });
}

size_t ClientProgram::begin(const Call& call, bool watch, const std::vector<Call>& parts) {
  ++under_way_;
  return recorder_.begin({.client = id_, .session = client_->session(), .call = call, .parts = parts, .watch = watch});
}

client::WatchFunction ClientProgram::watch_function(bool wanted, size_t place) {
  if (!wanted) return {};
  return [this, place](const client::WatchEvent& event) {
    if (const auto kind = event_kind(event.type)) recorder_.watch_event(place, *kind, event.path);
  };
}

template <class T, class Take>
client::Completion<T> ClientProgram::recording(size_t place, Take take) {
  return [this, place, take = std::move(take), from = client_.get()](client::Outcome<T> outcome) {
    check::Operation& operation =
        recorder_.answer(place, outcome ? Code::ok : code_of(outcome.error()), from->reply_zxid());
    if constexpr (std::is_void_v<T>) {
      take(operation);
    } else if (outcome) {
      take(operation, *outcome);
    }
    done(operation);
  };
}

void ClientProgram::done(const check::Operation& operation) {
  --under_way_;
  const bool needs_master = check::is_write(operation.call.action) || operation.call.action == Action::sync;
  if (needs_master && operation.answered) last_progress_ = std::max(last_progress_, operation.invoked);
  workload_.learn(operation);
  note_contact();
}

void ClientProgram::send(size_t place, const Call& call, bool watch) {
  switch (call.action) {
    case Action::create:
      return client_->create(call.path, call.data, create_options(call),
                             recording<client::Created>(place, [](auto& operation, const client::Created& created) {
                               operation.answer.created = created.path;
                               operation.answer.stat = stat_of(created.stat);
                             }));
    case Action::remove:
      return client_->remove(call.path, call.version, recording<void>(place, [](auto&) {}));
    case Action::set:
      return client_->set(call.path, call.data, call.version,
                          recording<client::Stat>(place, [](auto& operation, const client::Stat& stat) {
                            operation.answer.stat = stat_of(stat);
                          }));
    case Action::get:
      return client_->get(call.path, watch_function(watch, place),
                          recording<client::NodeData>(place, [](auto& operation, client::NodeData& node) {
                            operation.answer.data = std::move(node.data);
                            operation.answer.stat = stat_of(node.stat);
                          }));
    case Action::exists:
      return client_->exists(call.path, watch_function(watch, place),
                             recording<client::Stat>(place, [](auto& operation, const client::Stat& stat) {
                               operation.answer.stat = stat_of(stat);
                             }));
    case Action::children:
      return client_->children(call.path, watch_function(watch, place),
                               recording<client::Children>(place, [](auto& operation, client::Children& children) {
                                 operation.answer.children = std::move(children.names);
                                 std::ranges::sort(operation.answer.children);
                                 operation.answer.stat = stat_of(children.stat);
                               }));
    case Action::sync:
      return client_->sync(call.path, recording<void>(place, [](auto&) {}));
    case Action::check:
    case Action::multi:
    case Action::close_session:
      return;  // asked for by send_multi and end_session
  }
}

void ClientProgram::send_multi(size_t place, const std::vector<Call>& parts) {
  std::vector<client::Operation> operations;
  for (const Call& part : parts) operations.push_back(part_of(part));
  client_->multi(operations, recording<client::MultiOutcome>(place, [](auto& operation, const client::MultiOutcome& m) {
                   operation.answer.code = code_of(m.error);
                   for (const client::OperationResult& result : m.parts) {
                     check::Answer answer{.code = code_of(result.error), .created = result.path};
                     if (result.stat) answer.stat = stat_of(*result.stat);
                     operation.part_answers.push_back(std::move(answer));
                   }
                 }));
}

// The newest proof that the cell heard of us, in true time: the clock of a client host runs at the true rate.
void ClientProgram::note_contact() {
  const auto& contact = client_->last_contact();
  if (!contact || contact == noted_) return;
  noted_ = contact;
  const Duration to_true = scheduler_.now() - world_.clock.now();
  recorder_.sign_of_life(id_, client_->session(), contact->sent + to_true, contact->answered + to_true);
}

}  // namespace conclave::sim
