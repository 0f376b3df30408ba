#include "gateway/gateway.h"

#include <charconv>
#include <fmt/format.h>

#include "base/log.h"
#include "base/secret.h"

namespace conclave::gateway {
namespace {

// Of silence, at most that much is not noticed.
constexpr Duration kSweepInterval = Duration::millis(100);
// A sweep that is late by more than this shows that the process stood still.
constexpr Duration kStoodStill = Duration::millis(300);
constexpr size_t kSecretBytes = 16;

std::string hexadecimal(BytesView bytes) {
  std::string out;
  for (const char byte : bytes) out += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  return out;
}

void close_stream(ClientStream& stream, const Failure& why) {
  stream.closed = true;
  stream.close(&why);
}

void send_ended(ClientStream& stream, const Failure& why) {
  api::SessionReply reply;
  reply.mutable_ended()->set_reason(why.code);
  reply.mutable_ended()->set_message(why.message);
  stream.send(std::move(reply));
  stream.closed = true;
  stream.close(nullptr);
}

}  // namespace

Gateway::Gateway(const env::Clock& clock, env::Executor& executor, env::Entropy& entropy, OpenCellSession open_cell,
                 const Settings& settings)
    : clock_(clock),
      executor_(executor),
      entropy_(entropy),
      open_cell_(std::move(open_cell)),
      settings_(settings),
      swept_(clock.now()) {
  arm_sweep();
}

Gateway::~Gateway() {
  executor_.cancel(sweep_timer_);
}

// --- calls

Session* Gateway::find(const std::string& token) {
  uint64_t number = 0;
  std::from_chars(token.data(), token.data() + token.size(), number);
  const auto at = sessions_.find(number);
  if (at == sessions_.end() || !same_secret(at->second->token(), token)) return nullptr;
  return at->second.get();
}

CallRef Gateway::begin(const api::Call& header, CallOptions options, StartOnSession start_call, Done done) {
  Session* const session = find(header.session());
  if (session == nullptr || !session->opened) {
    done(std::unexpected(Failure{.code = api::NO_SESSION, .message = "no such session"}));
    return {};
  }
  session->calls().acknowledge(header.answered_below());
  options.number = header.number();
  const WaiterId waiter = session->calls().call(
      options, [&](CallTable::Finish finish) { return start_call(*session, std::move(finish)); }, std::move(done));
  return {.session = session->number(), .waiter = waiter};
}

void Gateway::abandon(const CallRef& call) {
  const auto at = sessions_.find(call.session);
  if (at != sessions_.end()) at->second->calls().abandon(call.waiter);
}

// --- streams

void Gateway::on_request(ClientStream& stream, const api::SessionRequest& request) {
  if (stream.closed) return;
  if (stream.session == 0) {
    if (request.has_begin()) return on_begin(stream, request.begin());
    return close_stream(stream, {.code = api::BAD_STREAM, .message = "a stream starts with Begin"});
  }
  Session& session = *sessions_.at(stream.session);
  if (request.has_keep_alive()) return on_keep_alive(stream, session, request.keep_alive());
  if (request.has_end()) return on_end(session);
  session.attach(nullptr);
  stream.session = 0;
  close_stream(stream, {.code = api::BAD_STREAM, .message = "neither KeepAlive nor End"});
}

void Gateway::on_stream_lost(ClientStream& stream) {
  stream.closed = true;
  const auto at = sessions_.find(std::exchange(stream.session, 0));
  if (at == sessions_.end()) return;
  at->second->attach(nullptr);
  // Nobody knows its token yet.
  if (!at->second->opened) sessions_.erase(at);
}

void Gateway::on_begin(ClientStream& stream, const api::Begin& begin) {
  if (stopping_) return close_stream(stream, {.code = api::STOPPING, .message = "the gateway stops"});
  if (begin.session().empty()) return open_session(stream, begin);
  Session* const session = find(begin.session());
  if (session == nullptr || !session->opened) {
    return close_stream(stream, {.code = api::NO_SESSION, .message = "no such session"});
  }
  resume(stream, *session);
}

void Gateway::open_session(ClientStream& stream, const api::Begin& begin) {
  if (sessions_.size() + ending_.size() >= settings_.sessions_max) {
    return close_stream(stream, {.code = api::TOO_MANY_SESSIONS,
                                 .message = fmt::format("{} sessions are open", settings_.sessions_max)});
  }
  std::vector<chubby::Credential> credentials;
  for (const api::Credential& credential : begin.credentials()) {
    credentials.push_back({.scheme = credential.scheme(), .secret = credential.secret()});
  }
  const uint64_t number = ++last_session_;
  auto& session = sessions_[number];
  session = std::make_unique<Session>(number, hexadecimal(entropy_.bytes(kSecretBytes)),
                                      open_cell_(std::move(credentials)), settings_);
  session->heard(clock_.now());
  session->attach(&stream);
  stream.session = number;
  session->service().on_session([this, number](chubby::SessionEvent event) {
    if (event != chubby::SessionEvent::expired) return;  // the client sees the rest by its lease
    let_go(number, {.code = api::SESSION_EXPIRED, .message = "the cell has ended the session"});
  });
  // Any call opens it; this one needs no right.
  session->service().check_sequencer("", [this, number](const chubby::Outcome<bool>& outcome) {
    const auto at = sessions_.find(number);
    if (at == sessions_.end()) return;
    if (!outcome) {
      let_go(number, {.code = api::CELL_UNREACHABLE, .message = outcome.error().message});
      return;
    }
    at->second->opened = true;
    at->second->greet(false);
    log::info("gateway", "session opened", {{"session", number}, {"sessions", sessions_.size()}});
  });
}

void Gateway::resume(ClientStream& stream, Session& session) {
  if (ClientStream* const former = session.stream()) {
    former->session = 0;
    close_stream(*former, {.code = api::TAKEN_OVER, .message = "another stream goes on with the session"});
  }
  stream.session = session.number();
  session.attach(&stream);
  session.heard(clock_.now());
  session.greet(true);
}

void Gateway::on_keep_alive(ClientStream& stream, Session& session, const api::KeepAlive& request) {
  if (!session.opened) {
    on_stream_lost(stream);
    return close_stream(stream, {.code = api::BAD_STREAM, .message = "a KeepAlive before Begun"});
  }
  const Instant now = clock_.now();
  session.heard(now);
  session.acknowledge_events(request.acknowledged_event());
  api::SessionReply reply;
  reply.mutable_lease()->set_number(request.number());
  reply.mutable_lease()->set_lease_us(static_cast<uint64_t>(session.lease(now).us));
  stream.send(std::move(reply));
}

void Gateway::on_end(Session& session) {
  const uint64_t number = session.number();
  std::unique_ptr<Session> ended = std::move(sessions_.at(number));
  sessions_.erase(number);
  ended->calls().fail_all({.code = api::SESSION_EXPIRED, .message = "the session was ended"});
  ClientStream* const stream = ended->stream();
  stream->session = 0;
  send_ended(*stream, {});
  ended->attach(nullptr);
  CellSession& cell = ended->cell();
  cell.service().on_session(nullptr);
  ending_[number] = std::move(ended);
  cell.end([this, number] { ending_.erase(number); });
  log::info("gateway", "session ended by its client", {{"session", number}});
}

void Gateway::let_go(uint64_t number, const Failure& why) {
  const auto at = sessions_.find(number);
  if (at == sessions_.end()) return;
  std::unique_ptr<Session> session = std::move(at->second);
  sessions_.erase(at);
  log::info("gateway", "session let go", {{"session", number}, {"reason", why.message}});
  Failure answer = why;
  if (session->opened) answer.code = api::SESSION_EXPIRED;
  session->calls().fail_all(answer);
  if (ClientStream* const stream = session->stream()) {
    stream->session = 0;
    if (session->opened) {
      send_ended(*stream, why);
    } else {
      close_stream(*stream, why);
    }
  }
}

// --- time

void Gateway::arm_sweep() {
  sweep_timer_ = executor_.schedule(kSweepInterval, [this] { sweep(); });
}

void Gateway::sweep() {
  const Instant now = clock_.now();
  const Duration late = now - swept_ - kSweepInterval;
  swept_ = now;
  for (auto at = sessions_.begin(); at != sessions_.end();) {
    Session& session = *(at++)->second;
    if (late > kStoodStill) session.forgive(late);
    // One that is being opened ends by the patience of the client library.
    if (session.opened && session.silent(now)) {
      let_go(session.number(), {.code = api::SESSION_EXPIRED, .message = "its client was not heard from"});
    }
  }
  arm_sweep();
}

void Gateway::stop() {
  stopping_ = true;
  while (!sessions_.empty()) {
    let_go(sessions_.begin()->first, {.code = api::STOPPING, .message = "the gateway stops"});
  }
}

}  // namespace conclave::gateway
