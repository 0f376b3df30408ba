// The life of the session: connecting, handshake, pings, loss, end. Operations are in requests.cc.
#include "client/client.h"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

#include "base/plant.h"
#include "base/probe.h"
#include "wire/zookeeper/requests.h"

namespace conclave::client {

using namespace wire::zookeeper;

namespace {

// One frame of setWatches2; ZooKeeper's own client cuts at the same size, well below every server's limit.
constexpr size_t kWatchBytesPerFrame = 128 << 10;

template <class... Parts>
Bytes frame_of(const Parts&... parts) {
  Bytes out;
  FrameWriter frame(&out);
  Writer writer(&out);
  (writer.put(parts), ...);
  frame.finish();
  return out;
}

}  // namespace

// One connection. It may outlive the client's interest in it by a turn of the loop, since a stream must not be
// destroyed while it calls us.
class Client::Link final : public env::StreamHandler {
 public:
  Link(Client* client, std::unique_ptr<env::Stream> stream) : client_(client), stream_(std::move(stream)) {}

  void start() { stream_->set_handler(this); }
  void write(Bytes bytes) { stream_->write(std::move(bytes)); }
  void forget() { client_ = nullptr; }

  void on_data(BytesView bytes) override {
    if (client_ != nullptr) client_->on_bytes(bytes);
  }
  void on_closed(const Error& reason) override {
    if (client_ != nullptr) client_->lose_connection(reason.message);
  }

 private:
  Client* client_;
  std::unique_ptr<env::Stream> stream_;
};

Client::Client(const env::Clock& clock, env::Executor& executor, env::Network& network, Options options)
    : clock_(clock),
      executor_(executor),
      network_(network),
      options_(std::move(options)),
      rotation_(options_.servers, options_.seed),
      password_(kPasswordBytes, '\0'),
      timeout_(options_.session_timeout),
      frames_(options_.frame_bytes_max) {}

Client::~Client() {
  executor_.cancel(timer_);
  executor_.cancel(close_timer_);
  drop_link();
}

void Client::start(std::function<void(SessionState)> on_state) {
  on_state_ = std::move(on_state);
  connect_now();
}

void Client::close(Duration patience, Task done) {
  if (finished()) return later(std::move(done));
  // Called by whichever comes first: the reply, the loss of the connection, the end of our patience.
  auto shared = std::make_shared<Task>(std::move(done));
  const auto end = [this, shared] {
    if (!*shared) return;
    finish(SessionState::closed, ErrorCode::connection_loss);
    std::exchange(*shared, Task())();
  };
  if (!established_) return later(end);
  const int32_t xid = ++last_xid_;
  submit_frame(xid, frame_of(RequestHeader{.xid = xid, .op = OpCode::close_session}),
               [this, end](ErrorCode, Reader*) { later(end); });
  close_timer_ = executor_.schedule(patience, end);
}

void Client::connect_after(Duration pause) {
  executor_.cancel(timer_);
  timer_ = executor_.schedule(pause, [this] { connect_now(); });
}

void Client::connect_now() {
  expire_queue();
  server_ = rotation_.next();
  const uint64_t attempt = ++attempt_;
  network_.connect(server_, options_.connect_timeout,
                   [this, attempt, alive = std::weak_ptr(alive_)](Result<std::unique_ptr<env::Stream>> stream) mutable {
                     if (alive.expired() || attempt != attempt_ || finished()) return;
                     on_connected(std::move(stream));
                   });
}

void Client::on_connected(Result<std::unique_ptr<env::Stream>> stream) {
  if (!stream) return lose_connection(stream.error().message);
  frames_ = FrameReader(options_.frame_bytes_max);
  violation_.clear();
  link_ = std::make_shared<Link>(this, *std::move(stream));
  link_->start();

  Bytes frame;
  FrameWriter writer(&frame);
  Writer out(&frame);
  encode(ConnectRequest{.protocol_version = 0,
                        .last_zxid_seen = last_zxid_,
                        .timeout_ms = static_cast<int32_t>(options_.session_timeout.ms()),
                        .session = session_,
                        .password = password_,
                        .read_only = options_.read_only},
         &out);
  writer.finish();
  link_->write(std::move(frame));
  last_heard_ = last_sent_ = clock_.now();
  pings_ = {last_sent_};
  arm_timer(options_.connect_timeout);
}

// The one way in which a connection, or an attempt at one, ends without ending the session.
void Client::lose_connection(const std::string& reason) {
  last_failure_ = fmt::format("{}: {}", env::to_string(server_), reason);
  drop_link();
  established_ = false;
  ++attempt_;
  for (Request& request : std::exchange(in_flight_, {})) request.done(ErrorCode::connection_loss, nullptr);
  expire_queue();
  set_state(SessionState::connecting);
  connect_after(rotation_.pause());
}

void Client::drop_link() {
  if (link_ == nullptr) return;
  link_->forget();
  executor_.post([link = std::move(link_)] {});
}

void Client::on_bytes(BytesView bytes) {
  last_heard_ = clock_.now();
  const auto read = frames_.feed(bytes, [this](BytesView message) {
    const bool good = established_ ? on_frame(message) : on_handshake(message);
    return good && !finished();
  });
  if (finished()) return;
  if (!read) violation_ = read.error().message();
  if (!violation_.empty()) lose_connection("broke the protocol: " + violation_);
}

bool Client::on_handshake(BytesView message) {
  Reader in(message);
  const ConnectResponse response = decode_connect_response(&in);
  if (!in.ok()) {
    violation_ = "a malformed answer to the connect request";
    return false;
  }
  if (response.session.value == 0 || response.timeout_ms <= 0) {
    last_failure_ = fmt::format("{}: the session has expired", env::to_string(server_));
    finish(SessionState::expired, ErrorCode::session_expired);
    return false;
  }
  session_ = response.session;
  password_ = response.password;
  timeout_ = Duration::millis(response.timeout_ms);
  established_ = true;
  on_ping_reply();
  rotation_.succeeded();
  set_state(response.read_only.value_or(false) ? SessionState::connected_read_only : SessionState::connected);
  on_established();
  return true;
}

void Client::on_established() {
  const Instant now = clock_.now();
  credentials_answered_ = 0;
  for (const Credentials& credentials : credentials_) send_auth(credentials);
  send_watches();
  for (Request& request : std::exchange(waiting_, {})) {
    link_->write(std::exchange(request.frame, {}));
    request.sent = now;
    in_flight_.push_back(std::move(request));
  }
  last_sent_ = now;
  arm_timer(timeout_ / 3);
}

void Client::send_auth(const Credentials& credentials) {
  link_->write(frame_of(RequestHeader{.xid = kXidAuth, .op = OpCode::auth},
                        AuthPacket{.type = 0, .scheme = credentials.scheme, .auth = credentials.auth}));
}

void Client::send_watches() {
  if (!watches_.empty() && CONCLAVE_PLANT(watches_not_set_again)) return;
  for (const SetWatches2Request& request : watches_.for_new_server(last_zxid_, kWatchBytesPerFrame)) {
    link_->write(frame_of(RequestHeader{.xid = kXidSetWatches, .op = OpCode::set_watches2}, request));
  }
}

void Client::submit_frame(int32_t xid, Bytes frame, OnReply done) {
  if (finished()) {
    const ErrorCode error = state_ == SessionState::expired       ? ErrorCode::session_expired
                            : state_ == SessionState::auth_failed ? ErrorCode::auth_failed
                                                                  : ErrorCode::connection_loss;
    return done(error, nullptr);
  }
  const Instant now = clock_.now();
  Request request{.xid = xid, .frame = {}, .done = std::move(done), .submitted = now, .sent = now};
  if (!established_) {
    request.frame = std::move(frame);
    waiting_.push_back(std::move(request));
    return;
  }
  link_->write(std::move(frame));
  last_sent_ = now;
  in_flight_.push_back(std::move(request));
}

bool Client::on_frame(BytesView message) {
  Reader in(message);
  const auto header = in.get<ReplyHeader>();
  if (!in.ok()) {
    violation_ = "a reply without a whole header";
    return false;
  }
  if (header.xid != kXidNotification && header.zxid > last_zxid_) last_zxid_ = header.zxid;
  switch (header.xid) {
    case kXidPing:
      on_ping_reply();
      break;
    case kXidSetWatches:
      break;
    case kXidNotification:
      on_notification(&in);
      break;
    case kXidAuth:
      on_auth_reply(header.error);
      break;
    default:
      on_reply(header, &in);
  }
  return violation_.empty();
}

void Client::on_notification(Reader* in) {
  const auto wire_event = in->get<WatcherEvent>();
  if (!in->ok()) {
    violation_ = "a malformed watch event";
    return;
  }
  WatchEvent event{.type = wire_event.type, .path = std::string(wire_event.path)};
  for (WatchFunction& function : watches_.take(event)) {
    later([function = std::move(function), event] { function(event); });
  }
}

void Client::on_reply(const ReplyHeader& header, Reader* in) {
  const int32_t xid = header.xid;
  if (in_flight_.empty() || in_flight_.front().xid != xid) {
    violation_ = in_flight_.empty() ? fmt::format("a reply {} that nobody waits for", xid)
                                    : fmt::format("reply {} instead of {}", xid, in_flight_.front().xid);
    return;
  }
  Request request = std::move(in_flight_.front());
  in_flight_.pop_front();
  heard_answer_to(request.sent);
  reading_zxid_ = header.zxid;
  request.done(header.error, in);
  reading_zxid_ = Zxid();
  if (header.error == ErrorCode::ok && !in->ok()) violation_ = fmt::format("a malformed body of reply {}", xid);
}

void Client::on_ping_reply() {
  if (pings_.empty()) {
    violation_ = "an answer to a ping that was not sent";
    return;
  }
  heard_answer_to(pings_.front());
  pings_.pop_front();
}

void Client::heard_answer_to(Instant sent) {
  if (!last_contact_ || sent > last_contact_->sent) last_contact_ = {.sent = sent, .answered = clock_.now()};
}

void Client::on_auth_reply(ErrorCode error) {
  if (credentials_answered_ >= credentials_.size()) {
    violation_ = "an answer to authentication that nobody asked for";
    return;
  }
  Completion<void> done = std::exchange(credentials_[credentials_answered_++].done, {});
  if (error == ErrorCode::ok) {
    if (done) later([done = std::move(done)]() mutable { done({}); });
    return;
  }
  if (done) later([done = std::move(done), error]() mutable { done(std::unexpected(error)); });
  last_failure_ = fmt::format("{}: authentication was refused", env::to_string(server_));
  finish(SessionState::auth_failed, ErrorCode::auth_failed);
}

void Client::arm_timer(Duration delay) {
  executor_.cancel(timer_);
  timer_ = executor_.schedule(delay, [this] { on_timer(); });
}

// A third of the session time-out without a word from us: ping. Two thirds without a word from the server: it is gone,
// and one third remains to find another before the session ends.
void Client::on_timer() {
  if (!established_) return lose_connection("no answer to the connect request");
  const Instant now = clock_.now();
  const Instant silent_at = last_heard_ + timeout_ * 2 / 3;
  if (now >= silent_at) {
    CONCLAVE_PROBE("client.server-silent");
    return lose_connection(fmt::format("silent for {} ms", (now - last_heard_).ms()));
  }
  if (now >= last_sent_ + timeout_ / 3) {
    link_->write(frame_of(RequestHeader{.xid = kXidPing, .op = OpCode::ping}));
    last_sent_ = now;
    pings_.push_back(now);
  }
  arm_timer(std::min(silent_at, last_sent_ + timeout_ / 3) - now);
}

void Client::expire_queue() {
  const Instant now = clock_.now();
  while (!waiting_.empty() && now - waiting_.front().submitted >= timeout_) {
    Request request = std::move(waiting_.front());
    waiting_.pop_front();
    request.done(ErrorCode::connection_loss, nullptr);
  }
}

void Client::fail_all(ErrorCode error) {
  for (Request& request : std::exchange(in_flight_, {})) request.done(error, nullptr);
  for (Request& request : std::exchange(waiting_, {})) request.done(error, nullptr);
  for (Credentials& credentials : credentials_) {
    if (!credentials.done) continue;
    later([done = std::exchange(credentials.done, {}), error]() mutable { done(std::unexpected(error)); });
  }
}

void Client::finish(SessionState final_state, ErrorCode error) {
  if (finished()) return;
  executor_.cancel(timer_);
  executor_.cancel(close_timer_);
  drop_link();
  established_ = false;
  set_state(final_state);
  fail_all(error);
  watches_.clear();
}

void Client::set_state(SessionState state) {
  if (state == state_) return;
  state_ = state;
  later([this, state] {
    if (on_state_) on_state_(state);
  });
}

void Client::later(Task task) {
  executor_.post([this, task = std::move(task), zxid = reading_zxid_, alive = std::weak_ptr(alive_)]() mutable {
    if (alive.expired()) return;
    reply_zxid_ = zxid;
    task();
  });
}

}  // namespace conclave::client
