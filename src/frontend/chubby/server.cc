#include "frontend/chubby/server.h"

#include <algorithm>
#include <fmt/format.h>

#include "base/base64.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/sha1.h"
#include "wire/chubby/datagram.h"

namespace conclave::frontend::chubby {
namespace {

constexpr Duration kTick = Duration::millis(50);
constexpr size_t kPasswordBytes = 16;
constexpr size_t kCredentialsMax = 16;

// ZooKeeper's scheme `digest`, so that one list of principals serves both front ends: "user:password" becomes
// "user:" + base64(SHA-1("user:password")).
std::optional<state::Identity> identity_of(const wire::Credential& credential) {
  const BytesView secret = credential.secret();
  const size_t colon = secret.find(':');
  if (credential.scheme() != "digest" || colon == BytesView::npos || colon == 0) return std::nullopt;
  const auto digest = sha1(secret);
  return state::Identity{"digest", std::string(secret.substr(0, colon)) + ':' +
                                       base64_encode({reinterpret_cast<const char*>(digest.data()), digest.size()})};
}

}  // namespace

Server::Server(env::Clock& clock, env::Executor& executor, env::Entropy& entropy, replica::Gateway& gateway,
               Settings settings)
    : clock_(clock), executor_(executor), entropy_(entropy), gateway_(gateway), settings_(std::move(settings)) {
  gateway_.add_observer(this);
  gateway_.set_gate(this);
}

Server::~Server() {
  *alive_ = false;
  executor_.cancel(timer_);
  gateway_.set_gate(nullptr);
  gateway_.remove_observer(this);
}

Result<> Server::listen(env::Network& network) {
  for (const env::Address& address : settings_.listen) {
    if (auto bound = listen_at(network, address); !bound) {
      listeners_.clear();
      sockets_.clear();
      return fail(bound.error().kind,
                  "cannot listen for Chubby clients on " + env::to_string(address) + ": " + bound.error().message);
    }
  }
  tick();
  return {};
}

// Datagrams have the port of the streams.
Result<> Server::listen_at(env::Network& network, const env::Address& address) {
  auto listener = network.listen(address, [this, alive = std::weak_ptr(alive_)](std::unique_ptr<env::Stream> stream) {
    if (const auto live = alive.lock(); live && *live) accept(std::move(stream));
  });
  if (!listener) return std::unexpected(listener.error());
  auto socket = network.open_datagrams(
      {.host = address.host, .port = (*listener)->local().port},
      [this, place = sockets_.size()](const env::Address& from, BytesView bytes) { on_datagram(place, from, bytes); });
  if (!socket) return std::unexpected(socket.error());
  listeners_.push_back(*std::move(listener));
  sockets_.push_back(*std::move(socket));
  return {};
}

std::vector<env::Address> Server::addresses() const {
  std::vector<env::Address> out;
  for (const auto& listener : listeners_) out.push_back(listener->local());
  return out;
}

void Server::stop() {
  listeners_.clear();
  sockets_.clear();
  for (auto& [number, connection] : connections_) connection->finish();
}

void Server::accept(std::unique_ptr<env::Stream> stream) {
  if (connections_.size() >= settings_.limits.connections_max) {
    log::warning("chubby", "too many connections",
                 {{"client", env::to_string(stream->peer())}, {"max", settings_.limits.connections_max}});
    return;
  }
  const uint64_t number = ++last_number_;
  auto connection = std::make_unique<Connection>(static_cast<ConnectionHost*>(this), number, std::move(stream),
                                                 settings_.limits.unsent_bytes_max, clock_.now());
  Connection* const started = connection.get();
  connections_.emplace(number, std::move(connection));
  started->start();
}

void Server::gone(Connection* connection) {
  const uint64_t number = connection->number();
  waiting_.erase(number);
  if (connection->session() == SessionId()) {  // it may be coming back
    std::erase_if(holders_, [number](const auto& holder) { return holder.second == number; });
  } else if (const auto holder = holders_.find(connection->session());
             holder != holders_.end() && holder->second == number) {
    holders_.erase(holder);
  }
  if (master_ != nullptr && connection->session() != SessionId()) master_->detach(connection->session(), connection);
  const auto self = connections_.find(number);
  buried_.push_back(std::move(self->second));
  connections_.erase(self);
  executor_.post([this, alive = alive_] {
    if (*alive) buried_.clear();
  });
}

// --- the replica speaks

void Server::on_mastership(std::optional<Epoch> epoch) {
  master_.reset();
  holders_.clear();
  if (epoch) master_ = std::make_unique<Master>(clock_, executor_, gateway_, settings_, unsettled_, alive_, *epoch);
  // Whoever was served by the former master, here or elsewhere, comes again.
  std::vector<Connection*> greeted;
  for (auto& [number, connection] : connections_) {
    if (connection->greeted() && !waiting_.contains(number)) greeted.push_back(connection.get());
  }
  for (Connection* connection : greeted) send_elsewhere(connection, "the master has changed");
  if (epoch) return;
  for (auto& [number, hello] : std::exchange(waiting_, {})) {
    send_elsewhere(connections_.at(number).get(), "this replica is not the master");
  }
}

void Server::on_applied(const state::Applied& applied) {
  if (master_ == nullptr) return;
  const bool was_ready = master_->ready();
  master_->on_applied(applied);
  if (was_ready || !master_->ready()) return;
  for (auto& [number, hello] : std::exchange(waiting_, {})) answer_hello(connections_.at(number).get(), hello);
}

bool Server::admit(const state::Transaction& txn, uint64_t ticket) {
  return master_ == nullptr || master_->admit(txn, ticket);
}

// --- connections speak

void Server::on_hello(Connection* connection, const wire::Hello& hello) {
  if (hello.protocol() != wire::kProtocol) {
    return refuse(connection, fmt::format("this server speaks version {} of the protocol", wire::kProtocol));
  }
  if (!hello.cell().empty() && hello.cell() != settings_.cell) {
    return refuse(connection, "this is the cell " + settings_.cell);
  }
  if (master_ == nullptr) return send_elsewhere(connection, "this replica is not the master");
  if (!master_->ready()) {
    master_->reach(FailOverStep::locating);
    waiting_.emplace(connection->number(), hello);
    return;
  }
  answer_hello(connection, hello);
}

void Server::answer_hello(Connection* connection, const wire::Hello& hello) {
  state::Identities who = {{"ip", connection->host_name()}};
  if (static_cast<size_t>(hello.credentials_size()) > kCredentialsMax) {
    return refuse(connection, "too many credentials");
  }
  for (const wire::Credential& credential : hello.credentials()) {
    auto identity = identity_of(credential);
    if (!identity) return refuse(connection, "credentials of a scheme that is not known, or malformed");
    who.push_back(*std::move(identity));
  }
  if (hello.session() == 0) return open_session(connection, std::move(who));
  resume_session(connection, SessionId(hello.session()), hello.password(), std::move(who));
}

Connection* Server::still_here(uint64_t number, Epoch epoch) const {
  const auto found = connections_.find(number);
  if (found == connections_.end() || master_ == nullptr || master_->epoch() != epoch) return nullptr;
  return found->second.get();
}

void Server::open_session(Connection* connection, state::Identities who) {
  const SessionId session = gateway_.new_session_id();
  const Bytes password = entropy_.bytes(kPasswordBytes);
  const Duration lease = settings_.lease_beside(master_->sessions().size());
  state::Request request{
      .session = SessionId(),
      .identities = who,
      .body =
          state::CreateSessionRequest{.id = session, .password = password, .timeout_ms = lease.ms(), .caching = true},
      .guard = std::nullopt,
      .call = {}};
  gateway_.submit(std::move(request), [this, alive = alive_, number = connection->number(), epoch = master_->epoch(),
                                       session, password, who = std::move(who)](const replica::Reply& reply) mutable {
    if (!*alive) return;
    Connection* const here = still_here(number, epoch);
    if (here == nullptr) return;
    if (reply.outcome.code != state::Code::ok) return send_elsewhere(here, "the session cannot be opened now");
    holders_[session] = number;
    welcome(here, session, password, std::move(who));
  });
}

// The older connection is closed before the request to resume is made (ADR 10).
void Server::resume_session(Connection* connection, SessionId session, const Bytes& password, state::Identities who) {
  const auto known = gateway_.state().session(session);
  if (known && (!known->caching || !same_secret(known->password, password))) {
    return refuse(connection, "the session is another client's");
  }
  const auto holder = holders_.find(session);
  const uint64_t before = holder == holders_.end() ? 0 : holder->second;
  holders_[session] = connection->number();
  if (const auto older = connections_.find(before); older != connections_.end()) {
    older->second->fail("the client came back on another connection");
  }
  state::Request request{.session = session,
                         .identities = who,
                         .body = state::ResumeSessionRequest{password},
                         .guard = std::nullopt,
                         .call = {}};
  gateway_.submit(std::move(request), [this, alive = alive_, number = connection->number(), epoch = master_->epoch(),
                                       session, password, who = std::move(who)](const replica::Reply& reply) mutable {
    if (!*alive) return;
    Connection* const here = still_here(number, epoch);
    if (here == nullptr) return;
    const auto now_at = holders_.find(session);
    if (now_at == holders_.end() || now_at->second != number) return here->fail("the client came back elsewhere");
    if (reply.outcome.code == state::Code::session_expired) return refuse(here, "the session has expired");
    if (reply.outcome.code != state::Code::ok) return send_elsewhere(here, "the session cannot be resumed now");
    welcome(here, session, password, std::move(who));
  });
}

void Server::welcome(Connection* connection, SessionId session, BytesView password, state::Identities who) {
  // It may have ended since the request was answered.
  const auto known = gateway_.state().session(session);
  if (!known) return refuse(connection, "the session has expired");
  connection->welcome(session);
  wire::ServerMessage message;
  wire::Welcome& welcome = *message.mutable_welcome();
  welcome.set_session(session.value);
  welcome.set_password(std::string(password));
  welcome.set_epoch(master_->epoch().value);
  welcome.set_lease_ms(static_cast<uint32_t>(known->timeout_ms));
  welcome.set_cell(settings_.cell);
  connection->send(message);
  master_->attach(session, connection, std::move(who));
}

void Server::refuse(Connection* connection, std::string reason) {
  log::info("chubby", "refused a client", {{"client", connection->peer()}, {"reason", reason}});
  wire::ServerMessage message;
  message.mutable_session_over()->set_reason(std::move(reason));
  connection->send(message);
  connection->finish();
}

// CH-14.
void Server::send_elsewhere(Connection* connection, std::string reason) {
  wire::ServerMessage message;
  wire::Elsewhere& elsewhere = *message.mutable_elsewhere();
  elsewhere.set_reason(std::move(reason));
  const replica::Status status = gateway_.status();
  const auto master = std::ranges::find(status.peers, status.master, &replica::PeerStatus::id);
  if (master != status.peers.end() && master->id != gateway_.id() && master->lock_service_address.port != 0) {
    elsewhere.set_master_host(master->lock_service_address.host);
    elsewhere.set_master_port(master->lock_service_address.port);
  }
  connection->send(message);
  connection->finish();
}

void Server::on_message(Connection* connection, wire::ClientMessage message) {
  const SessionId session = connection->session();
  // Its session has ended, or its master: the connection is about to be closed.
  if (master_ == nullptr || master_->session(session) == nullptr) return;
  switch (message.body_case()) {
    case wire::ClientMessage::kKeepAlive:
      return master_->on_keep_alive(session, message.keep_alive());
    case wire::ClientMessage::kCall:
      return master_->on_call(session, std::move(*message.mutable_call()));
    case wire::ClientMessage::kCancel:
      return master_->on_cancel(session, message.cancel().number());
    case wire::ClientMessage::kHello:
    case wire::ClientMessage::BODY_NOT_SET:
      return connection->fail("unexpected message");
  }
}

// What cannot be believed, or is another master's business, is not answered.
void Server::on_datagram(size_t socket, const env::Address& from, BytesView bytes) {
  const auto request = wire::open_request(bytes);
  if (!request || master_ == nullptr || !master_->ready() || request->message.epoch() != master_->epoch().value) return;
  const auto session = gateway_.state().session(SessionId(request->message.session()));
  if (!session || !is_genuine(*request, session->password)) return;
  master_->on_lease_request(session->id, request->message.number(),
                            [this, socket, from, password = Bytes(session->password)](const wire::LeaseAnswer& answer) {
                              if (socket < sockets_.size()) (void)sockets_[socket]->send(from, seal(answer, password));
                            });
}

void Server::tick() {
  timer_ = executor_.schedule(kTick, [this, alive = alive_] {
    if (*alive) tick();
  });
  if (master_ != nullptr) master_->on_tick();
  const Instant late = clock_.now() - settings_.limits.hello_timeout;
  std::vector<Connection*> silent;
  for (auto& [number, connection] : connections_) {
    if (!connection->greeted() && connection->opened() < late) silent.push_back(connection.get());
  }
  for (Connection* connection : silent) connection->fail("no Hello came");
}

ServerFigures Server::figures() const {
  ServerFigures figures{.connections = connections_.size(), .waiting = waiting_.size(), .master = {}};
  if (master_ != nullptr) figures.master = master_->figures();
  return figures;
}

}  // namespace conclave::frontend::chubby
