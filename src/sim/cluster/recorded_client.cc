#include "sim/cluster/recorded_client.h"

#include <algorithm>
#include <utility>

namespace conclave::sim {
namespace {

using check::Action;
using check::Call;
using check::Code;

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

}  // namespace

RecordedClient::RecordedClient(const env::World& world, client::Options options, Recorder& recorder,
                               const Scheduler& scheduler, Hooks hooks)
    : clock_(world.clock),
      recorder_(recorder),
      scheduler_(scheduler),
      hooks_(std::move(hooks)),
      id_(recorder.new_client()),
      client_(std::make_unique<client::Client>(world.clock, world.executor, world.network, std::move(options))) {}

RecordedClient::~RecordedClient() = default;

void RecordedClient::start() {
  client_->start([this](client::SessionState state) { on_state(state); });
}

void RecordedClient::on_state(client::SessionState state) {
  if (state == client::SessionState::connected) read_only_ = false;
  if (state == client::SessionState::connected_read_only) read_only_ = true;
  note_contact();
  const auto change = [state] {
    switch (state) {
      case client::SessionState::connected:
        return check::SessionChange::connected;
      case client::SessionState::connected_read_only:
        return check::SessionChange::connected_read_only;
      case client::SessionState::connecting:
        return check::SessionChange::disconnected;
      case client::SessionState::expired:
      case client::SessionState::auth_failed:
        return check::SessionChange::expired;
      case client::SessionState::closed:
        break;
    }
    return check::SessionChange::closed;
  }();
  recorder_.session(id_, client_->session(), change, client_->session_timeout());
  if (hooks_.on_state) hooks_.on_state(state);
}

void RecordedClient::close(Duration patience, Task done) {
  recorder_.begin({.client = id_, .session = client_->session(), .call = {.action = Action::close_session}});
  client_->close(patience, std::move(done));
}

void RecordedClient::ask(const Call& call, bool watch, const std::vector<Call>& parts) {
  ++under_way_;
  const size_t place =
      recorder_.begin({.client = id_, .session = client_->session(), .call = call, .parts = parts, .watch = watch});
  if (call.action == Action::multi) {
    send_multi(place, parts);
  } else {
    send(place, call, watch);
  }
}

client::WatchFunction RecordedClient::watch_function(bool wanted, size_t place) {
  if (!wanted) return {};
  return [this, place](const client::WatchEvent& event) {
    const auto kind = event_kind(event.type);
    if (!kind) return;
    recorder_.watch_event(place, *kind, event.path);
    if (hooks_.on_watch) hooks_.on_watch(*kind, event.path);
  };
}

template <class T, class Take>
client::Completion<T> RecordedClient::recording(size_t place, Take take) {
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

void RecordedClient::done(const check::Operation& operation) {
  --under_way_;
  note_contact();
  if (hooks_.on_answer) hooks_.on_answer(operation);
}

void RecordedClient::send(size_t place, const Call& call, bool watch) {
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
      return;  // asked for by send_multi and close
  }
}

void RecordedClient::send_multi(size_t place, const std::vector<Call>& parts) {
  std::vector<client::Operation> operations;
  operations.reserve(parts.size());
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
void RecordedClient::note_contact() {
  const auto& contact = client_->last_contact();
  if (!contact || contact == noted_) return;
  noted_ = contact;
  if (read_only_) return;  // the replica that heard us cannot tell the cell
  const Duration to_true = scheduler_.now() - clock_.now();
  recorder_.sign_of_life(id_, client_->session(), contact->sent + to_true, contact->answered + to_true);
}

}  // namespace conclave::sim
