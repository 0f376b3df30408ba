#include "frontend/zookeeper/server.h"

#include <algorithm>

#include "base/log.h"
#include "base/probe.h"
#include "frontend/zookeeper/authentication.h"
#include "frontend/zookeeper/event_frame.h"
#include "frontend/zookeeper/four_letter_words.h"

namespace conclave::frontend::zookeeper {
namespace {

constexpr Duration kSweepEvery = Duration::millis(250);
constexpr Duration kUnsentCheckEvery = Duration::millis(5);

WatchEvent to_watch_event(state::NodeEventKind kind) {
  switch (kind) {
    case state::NodeEventKind::created:
      return WatchEvent::created;
    case state::NodeEventKind::deleted:
      return WatchEvent::deleted;
    case state::NodeEventKind::data_changed:
      return WatchEvent::data_changed;
    case state::NodeEventKind::children_changed:
      return WatchEvent::children_changed;
  }
  return WatchEvent::data_changed;
}

}  // namespace

Server::Server(env::Clock& clock, env::Executor& executor, env::Entropy& entropy, replica::Gateway& gateway,
               Settings settings)
    : hub_{.clock = clock,
           .executor = executor,
           .entropy = entropy,
           .gateway = gateway,
           .settings = std::move(settings)},
      self_(std::make_shared<Server*>(this)),
      started_(clock.now()) {
  gateway.add_observer(this);
}

Server::~Server() {
  *self_ = nullptr;
  hub_.gateway.remove_observer(this);
  hub_.executor.cancel(sweep_timer_);
  hub_.executor.cancel(check_timer_);
}

Result<> Server::listen(env::Network& network) {
  for (const env::Address& address : hub_.settings.listen) {
    auto listener = network.listen(address, [self = std::weak_ptr(self_)](std::unique_ptr<env::Stream> stream) {
      if (const auto alive = self.lock(); alive && *alive != nullptr) (*alive)->accept(std::move(stream));
    });
    if (!listener) {
      listeners_.clear();
      return fail(listener.error().kind,
                  "cannot listen for ZooKeeper clients on " + to_string(address) + ": " + listener.error().message);
    }
    listeners_.push_back(std::move(*listener));
  }
  return {};
}

std::vector<env::Address> Server::addresses() const {
  std::vector<env::Address> out;
  for (const auto& listener : listeners_) out.push_back(listener->local());
  return out;
}

bool Server::admit(const env::Address& peer) {
  const Limits& limits = hub_.settings.limits;
  const auto known = per_address_.find(peer.host);
  const size_t here = known == per_address_.end() ? 0 : known->second;
  const bool address_full = limits.connections_per_address_max > 0 && here >= limits.connections_per_address_max;
  const bool full = limits.connections_max > 0 && connections_.size() >= limits.connections_max;
  if (!address_full && !full) return true;
  ++hub_.statistics.connections_rejected;
  if (const auto left_out = hub_.refusals.admit(Refusal::too_many, hub_.clock.now())) {
    log::warning("zookeeper", address_full ? "too many connections from one address" : "too many connections",
                 {{"client", to_string(peer)},
                  {"max", address_full ? limits.connections_per_address_max : limits.connections_max},
                  {"left_out", *left_out}});
  }
  return false;
}

void Server::accept(std::unique_ptr<env::Stream> stream) {
  if (!admit(stream->peer())) return;  // destroying the stream closes it
  ++per_address_[stream->peer().host];
  const WatcherId number = ++last_number_;
  auto connection = std::make_unique<Connection>(&hub_, static_cast<ConnectionHost*>(this), number, std::move(stream));
  Connection* started = connection.get();
  connections_.emplace(number, std::move(connection));
  started->start();
  if (sweep_timer_ == 0) schedule(kSweepEvery, &Server::sweep, &sweep_timer_);
}

ServerFigures Server::figures() const {
  ServerFigures figures{.connections = connections_.size(),
                        .closing = buried_.size(),
                        .sessions = sessions_.size(),
                        .local_sessions = hub_.local_sessions.size(),
                        .addresses = per_address_.size(),
                        .watches = hub_.watches.watch_count(),
                        .watchers = hub_.watches.watcher_count(),
                        .outstanding = hub_.statistics.outstanding};
  for (const auto& [number, connection] : connections_) {
    if (connection->is_closed()) ++figures.closing;
    figures.requests += connection->outstanding();
    figures.requests_most = std::max(figures.requests_most, connection->outstanding());
    figures.unread_bytes_most = std::max(figures.unread_bytes_most, connection->unread_bytes());
    figures.unsent_bytes_most = std::max(figures.unsent_bytes_most, connection->unsent_bytes());
  }
  for (const auto& connection : buried_) figures.requests += connection->outstanding();
  return figures;
}

void Server::stop() {
  listeners_.clear();
  for (Connection* connection : all()) connection->close_now("the server stops");
}

std::vector<Connection*> Server::all() {
  std::vector<Connection*> out;
  out.reserve(connections_.size());
  for (const auto& [number, connection] : connections_) out.push_back(connection.get());
  return out;
}

// --- the replica speaks

void Server::on_applied(const state::Applied& applied) {
  for (const state::NodeEvent& event : applied.events) {
    const WatchEvent kind = to_watch_event(event.kind);
    const std::vector<WatcherId>& watchers = hub_.watches.fire(kind, event.path);
    if (watchers.empty()) continue;
    event_frame_.clear();
    write_event(kind, event.path, &event_frame_);
    for (const WatcherId number : watchers) connections_.at(number)->send_event(event_frame_, *event.acl);
  }
  for (const SessionId id : applied.closed_sessions) {
    Connection* connection = connection_of(id);
    // One that asked for this itself still has its reply to get.
    if (connection != nullptr && !connection->is_closing_session()) connection->finish_expired();
  }
  for (const state::MoveSessionTxn& moved : applied.moved_sessions) {
    // Its client has gone, and we do not know it yet: half-open, or what it sent is still on its way. A connection that
    // the session moves to is established only behind this.
    if (Connection* connection = connection_of(moved.id)) {
      connection->close_now("the session moved to another replica", log::Level::info);
    }
  }
}

Connection* Server::connection_of(SessionId session) const {
  const auto found = sessions_.find(session);
  return found != sessions_.end() && found->second->is_established() ? found->second : nullptr;
}

// What fired in between cannot be told from two states alone, so do as ZooKeeper's followers do after a snapshot: let
// the clients come again and tell us, with setWatches, what they have seen.
void Server::on_state_replaced() {
  size_t closed = 0;
  for (Connection* connection : all()) {
    if (!connection->is_established()) continue;
    const bool watching = hub_.watches.watch_count(connection->number()) > 0;
    const auto session = hub_.gateway.state().session(connection->session());
    const bool orphan = !connection->is_local() && (!session || session->owner != hub_.gateway.id());
    if (!watching && !orphan) continue;
    ++closed;
    connection->close_now("the state was replaced by a snapshot");
  }
  if (closed > 0) {
    CONCLAVE_PROBE("zookeeper.watches-dropped-for-a-snapshot");
    log::info("zookeeper", "closed connections with watches: the state was replaced by a snapshot",
              {{"connections", closed}});
  }
}

void Server::on_serving_changed(bool serving) {
  size_t closed = 0;
  for (Connection* connection : all()) {
    if (connection->is_closed()) continue;
    // Read-only clients look for a replica that serves again; all others for one that still does.
    if (serving && !connection->is_read_only()) continue;
    ++closed;
    connection->close_now(serving ? "read-only mode is over" : "this replica is no longer part of a serving cell");
  }
  if (closed > 0) {
    log::info("zookeeper", serving ? "closed read-only connections: serving again" : "closed connections: not serving",
              {{"connections", closed}});
  }
}

// --- the connections speak

void Server::holds_session(Connection* connection) {
  Connection*& holder = sessions_[connection->session()];
  Connection* before = std::exchange(holder, connection);
  if (before != nullptr && before != connection && !before->is_closed()) {
    before->close_now("the client came back on another connection");
  }
}

void Server::gone(Connection* connection) {
  if (const auto held = sessions_.find(connection->session()); held != sessions_.end() && held->second == connection) {
    sessions_.erase(held);
  }
  const auto at = per_address_.find(connection->peer().host);
  if (--at->second == 0) per_address_.erase(at);
  const auto self = connections_.find(connection->number());
  buried_.push_back(std::move(self->second));
  connections_.erase(self);
  if (burial_posted_) return;
  burial_posted_ = true;
  later(&Server::bury);
}

void Server::needs_flush(Connection* connection) {
  to_flush_.push_back(connection->number());
  if (to_flush_.size() == 1) later(&Server::flush_all);
}

void Server::needs_unsent_check(Connection* connection) {
  to_check_.push_back(connection->number());
  if (check_timer_ == 0) schedule(kUnsentCheckEvery, &Server::check_unsent_all, &check_timer_);
}

bool Server::read_only_mode() const {
  return hub_.settings.read_only_mode_enabled && !hub_.gateway.serving();
}

std::optional<Bytes> Server::four_letter_word(std::string_view word) {
  return answer_four_letter_word(word, ServerView{.hub = hub_,
                                                  .connections = all(),
                                                  .addresses = addresses(),
                                                  .started = started_,
                                                  .read_only = read_only_mode()});
}

// --- turns and timers

void Server::later(void (Server::*task)()) {
  hub_.executor.post([self = std::weak_ptr(self_), task] {
    if (const auto alive = self.lock(); alive && *alive != nullptr) ((*alive)->*task)();
  });
}

void Server::schedule(Duration delay, void (Server::*task)(), env::TimerId* timer) {
  *timer = hub_.executor.schedule(delay, [this, task, timer] {  // cancelled when we are destroyed
    *timer = 0;
    (this->*task)();
  });
}

void Server::flush_all() {
  for (const WatcherId number : std::exchange(to_flush_, {})) {
    if (const auto found = connections_.find(number); found != connections_.end()) found->second->flush();
  }
}

void Server::check_unsent_all() {
  for (const WatcherId number : std::exchange(to_check_, {})) {
    if (const auto found = connections_.find(number); found != connections_.end()) found->second->check_unsent();
  }
}

void Server::bury() {
  burial_posted_ = false;
  buried_.clear();
}

void Server::sweep() {
  const Instant now = hub_.clock.now();
  for (Connection* connection : all()) connection->check_deadlines(now);
  for (const SessionId id : hub_.local_sessions.take_expired(now)) {
    if (Connection* connection = connection_of(id)) connection->finish_expired();
  }
  if (!connections_.empty() || hub_.local_sessions.size() > 0) schedule(kSweepEvery, &Server::sweep, &sweep_timer_);
}

}  // namespace conclave::frontend::zookeeper
