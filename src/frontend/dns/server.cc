#include "frontend/dns/server.h"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

#include "base/log.h"

namespace conclave::frontend::dns {
namespace {

using conclave::chubby::SessionEvent;

constexpr size_t kTcpBytesMax = 65'535;
constexpr size_t kPlainUdpBytesMax = 512;  // RFC 1035 4.2.1

size_t datagram_limit(const Query& query) {
  return std::clamp<size_t>(query.udp_size.value_or(0), kPlainUdpBytesMax, env::DatagramSocket::kBytesMax);
}

}  // namespace

Result<std::unique_ptr<Server>> Server::start(const Outside& outside, ServerOptions options) {
  std::unique_ptr<Server> server(new Server(outside, std::move(options)));
  auto responder = Responder::create(outside.service, outside.clock, server->options_.responder);
  if (!responder) return std::unexpected(std::move(responder.error()));
  server->responder_ = *std::move(responder);
  for (const env::Address& address : server->options_.listen) {
    if (auto listening = server->listen(address); !listening) return std::unexpected(std::move(listening.error()));
  }
  outside.service.on_session([raw = server.get(), alive = std::weak_ptr(server->alive_)](SessionEvent event) {
    if (!alive.expired()) raw->on_session(event);
  });
  return server;
}

Server::~Server() {
  outside_.executor.cancel(timer_);
}

Result<> Server::listen(const env::Address& address) {
  const size_t index = endpoints_.size();
  auto listener =
      outside_.network.listen(address, [this](std::unique_ptr<env::Stream> stream) { accept(std::move(stream)); });
  if (!listener) return std::unexpected(std::move(listener.error()));
  const env::Address same{.host = address.host, .port = (*listener)->local().port};
  auto datagrams = outside_.network.open_datagrams(
      same, [this, index](const env::Address& from, BytesView message) { on_datagram(index, from, message); });
  if (!datagrams) return std::unexpected(std::move(datagrams.error()));
  endpoints_.push_back({.datagrams = *std::move(datagrams), .listener = *std::move(listener)});
  return {};
}

std::vector<env::Address> Server::addresses() const {
  std::vector<env::Address> out;
  for (const Endpoint& endpoint : endpoints_) out.push_back(endpoint.datagrams->local());
  return out;
}

// --- in

void Server::on_datagram(size_t endpoint, const env::Address& from, BytesView message) {
  if (stopped_) return;
  ++figures_.udp_queries;
  take(message, true, [this, endpoint, from](Bytes answer) {
    const auto sent = endpoints_[endpoint].datagrams->send(from, answer);
    if (!sent) log::debug("dns", "cannot answer", {{"to", to_string(from)}, {"reason", sent.error().message}});
  });
}

void Server::accept(std::unique_ptr<env::Stream> stream) {
  if (stopped_) return;
  if (connections_.size() >= options_.connections_max) {
    ++figures_.connections_refused;
    return;
  }
  ++figures_.connections;
  const uint64_t number = ++last_connection_;
  connections_[number] = std::make_unique<TcpConnection>(static_cast<TcpHost&>(*this), number, std::move(stream),
                                                         outside_.clock, outside_.executor, options_.connection_idle);
}

void Server::on_message(uint64_t connection, BytesView message) {
  ++figures_.tcp_queries;
  const bool taken = take(message, false, [this, connection](Bytes answer) {
    const auto at = connections_.find(connection);
    if (at != connections_.end()) at->second->answer(std::move(answer));
  });
  if (!taken) connections_.at(connection)->abandon();
}

bool Server::take(BytesView message, bool datagram, Reply reply) {
  auto read = read_query(message);
  if (std::holds_alternative<Dropped>(read)) {
    ++figures_.dropped;
    return false;
  }
  if (const auto* refused = std::get_if<Refused>(&read)) {
    send(refused->query, {.rcode = refused->rcode}, kPlainUdpBytesMax, reply);
    return true;
  }
  auto& query = std::get<Query>(read);
  const size_t limit = datagram ? datagram_limit(query) : kTcpBytesMax;
  look_up(std::move(query), limit, std::move(reply));
  return true;
}

void Server::look_up(Query query, size_t limit, Reply reply) {
  if (look_ups_ >= options_.queries_max) {
    ++figures_.overloaded;
    return send(query, {.rcode = Rcode::server_failure}, limit, reply);
  }
  ++look_ups_;
  const uint64_t number = ++last_query_;
  const Question question = *query.question;
  pending_.emplace(number, Pending{.query = std::move(query),
                                   .limit = limit,
                                   .reply = std::move(reply),
                                   .deadline = outside_.clock.now() + options_.patience});
  arm_timer();
  responder_->respond(question, [this, number](Answer found) {
    --look_ups_;
    answer(number, std::move(found));
  });
}

// --- out

void Server::answer(uint64_t number, Answer answer) {
  auto taken = pending_.extract(number);
  if (taken.empty()) return;  // it came too late
  Pending& pending = taken.mapped();
  send(pending.query, answer, pending.limit, pending.reply);
  finish_if_idle();
}

void Server::send(const Query& query, const Answer& answer, size_t limit, Reply& reply) {
  Written written = write_answer(query, answer, limit);
  if (written.truncated && limit == kTcpBytesMax) {
    ++figures_.too_large;
    count(Rcode::server_failure);
    return reply(write_answer(query, {.rcode = Rcode::server_failure}, limit).message);
  }
  if (written.truncated) ++figures_.truncated;
  count(answer.rcode);
  reply(std::move(written.message));
}

void Server::count(Rcode rcode) {
  switch (rcode) {
    case Rcode::no_error:
      ++figures_.answered;
      return;
    case Rcode::format_error:
      ++figures_.malformed;
      return;
    case Rcode::server_failure:
      ++figures_.failed;
      return;
    case Rcode::no_such_name:
      ++figures_.no_such_name;
      return;
    case Rcode::not_implemented:
    case Rcode::refused:
    case Rcode::bad_version:
      ++figures_.refused;
      return;
  }
}

void Server::arm_timer() {
  if (timer_ != 0 || pending_.empty()) return;
  const Duration left = pending_.begin()->second.deadline - outside_.clock.now();
  timer_ = outside_.executor.schedule(std::max(left, Duration()), [this] { on_timer(); });
}

void Server::on_timer() {
  timer_ = 0;
  const Instant now = outside_.clock.now();
  while (!pending_.empty() && pending_.begin()->second.deadline <= now) {
    ++figures_.timed_out;
    answer(pending_.begin()->first, {.rcode = Rcode::server_failure});
  }
  arm_timer();
}

// --- the session, and the end

void Server::on_session(SessionEvent event) {
  switch (event) {
    case SessionEvent::jeopardy:
      return log::warning("dns", "the cell does not answer: what is asked waits, then is answered SERVFAIL",
                          {{"patience_ms", options_.patience.ms()}});
    case SessionEvent::safe:
      return log::info("dns", "the cell answers again");
    case SessionEvent::expired:
      log::error("dns", "the session has expired: a new one is opened by the next query");
      return outside_.service.restart();
  }
}

void Server::stop(Task done) {
  stopped_ = std::move(done);
  for (Endpoint& endpoint : endpoints_) endpoint.listener.reset();
  for (auto& [number, connection] : connections_) connection->finish();
  finish_if_idle();
}

void Server::finish_if_idle() {
  if (!stopped_ || !pending_.empty()) return;
  // Behind what was written in this turn.
  outside_.executor.post(std::exchange(stopped_, [] {}));
}

}  // namespace conclave::frontend::dns
