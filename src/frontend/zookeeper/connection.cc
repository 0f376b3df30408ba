#include "frontend/zookeeper/connection.h"

#include <algorithm>

#include "base/log.h"
#include "base/plant.h"
#include "base/probe.h"
#include "base/secret.h"
#include "frontend/zookeeper/authentication.h"

namespace conclave::frontend::zookeeper {
namespace {

constexpr Duration kClosingTimeout = Duration::seconds(5);

std::string hex(uint64_t value) {
  char text[20];
  std::snprintf(text, sizeof(text), "0x%llx", static_cast<unsigned long long>(value));
  return text;
}

}  // namespace

Connection::Connection(Hub* hub, ConnectionHost* host, WatcherId number, std::unique_ptr<env::Stream> stream)
    : hub_(hub),
      host_(host),
      stream_(std::move(stream)),
      self_(std::make_shared<Connection*>(this)),
      frames_(hub->settings.limits.first_frame_bytes_max) {
  client_.number = number;
  client_.identities.push_back({.scheme = "ip", .id = ip_id(stream_->peer().host)});
  statistics_.established_ms = hub_->clock.wall_ms();
}

Connection::~Connection() {
  *self_ = nullptr;
}

void Connection::start() {
  deadline_ = hub_->clock.now() + hub_->settings.limits.connect_timeout;
  stream_->set_handler(this);
}

// --- bytes in

void Connection::on_data(BytesView bytes) {
  if (is_closed()) return;
  now_ = hub_->clock.now();
  hub_->statistics.received_bytes += bytes.size();
  in_on_data_ = true;
  const auto fed = frames_.feed(bytes, [this](BytesView message) { return on_frame(message); });
  if (!fed && !is_closed()) on_fault(fed.error());
  in_on_data_ = false;
  if (is_closed()) return;
  if (state_ == State::established) {
    hub_->gateway.touch(client_.session);
    if (client_.local) hub_->local_sessions.touch(client_.session, now_);
  }
  settle_reading();
  flush();
}

bool Connection::on_frame(BytesView message) {
  any_frame_ = true;
  partial_since_.reset();
  ++statistics_.received;
  ++hub_->statistics.received;
  if (state_ == State::greeting) {
    on_connect_request(message);
  } else {
    pipeline_->on_request(message, now_);
  }
  // A closed connection holds its frames back for ever.
  frames_held_ = is_closed() || state_ == State::waiting || pipeline_->closing() || pipeline_->full() ||
                 output_.size() > hub_->settings.limits.unsent_bytes_pause;
  return !frames_held_;
}

void Connection::on_fault(const FrameFault& fault) {
  if (!any_frame_) {
    const int32_t raw = big_endian(fault.length);
    const std::string_view word(reinterpret_cast<const char*>(&raw), sizeof(raw));
    if (auto text = host_->four_letter_word(word)) {
      ++statistics_.received;
      ++hub_->statistics.received;
      output_.append(*text);
      return finish("a four-letter word was answered");
    }
  }
  close_now(fault.message(), log::Level::info);
}

void Connection::resume_frames() {
  if (is_closed() || !frames_held_) return;
  frames_held_ = false;
  now_ = hub_->clock.now();
  const bool nested = std::exchange(in_on_data_, true);
  const auto fed = frames_.resume([this](BytesView message) { return on_frame(message); });
  if (!fed && !is_closed()) on_fault(fed.error());
  in_on_data_ = nested;
}

void Connection::settle_reading() {
  if (is_closed()) return;
  const size_t unsent = stream_->unsent_bytes() + output_.size();
  const bool too_much_unsent = unsent > hub_->settings.limits.unsent_bytes_pause;
  const bool pause = state_ == State::waiting || too_much_unsent || frames_held_ ||
                     (pipeline_ != nullptr && (pipeline_->full() || pipeline_->closing()));
  if (pause != paused_) {
    paused_ = pause;
    if (pause) {
      stream_->pause_reading();
    } else {
      stream_->resume_reading();
    }
  }
  // A frame that has begun has a deadline, unless it is we who do not read.
  if (pause || !frames_.partial()) {
    partial_since_.reset();
  } else if (!partial_since_) {
    partial_since_ = now_;
  }
  const bool held_for_room = frames_held_ && pipeline_ != nullptr && !pipeline_->full() && !pipeline_->closing();
  if ((too_much_unsent || held_for_room) && !unsent_check_asked_) {
    unsent_check_asked_ = true;
    host_->needs_unsent_check(this);
  }
}

// --- the handshake

void Connection::on_connect_request(BytesView message) {
  wire::Reader in(message);
  const wire::ConnectRequest request = decode_connect_request(&in);
  if (!in.ok()) return close_now("malformed connect request", log::Level::info);
  client_read_only_ = request.read_only;
  client_.read_only = host_->read_only_mode();
  if (!hub_->gateway.serving() && !client_.read_only) {
    return close_now("refused a client: no master is known", log::Level::info);
  }
  if (client_.read_only && !request.read_only.value_or(false)) {
    return close_now("refused a client that does not accept read-only mode", log::Level::info);
  }
  const Zxid ours = hub_->gateway.state().last_zxid();
  if (request.last_zxid_seen > ours && !CONCLAVE_PLANT(client_ahead_admitted)) {
    if (const auto left_out = hub_->refusals.admit(Refusal::client_ahead, hub_->clock.now())) {
      CONCLAVE_PROBE("zookeeper.client-is-ahead");
      log::info("zookeeper", "refused a client that has seen a later transaction; it must try another replica",
                {{"client", to_string(peer())},
                 {"seen", hex(request.last_zxid_seen.value)},
                 {"ours", hex(ours.value)},
                 {"left_out", *left_out}});
    }
    return close_now("the client is ahead");
  }
  timeout_ms_ = std::clamp<int64_t>(request.timeout_ms, hub_->settings.session_timeout_min_ms,
                                    hub_->settings.session_timeout_max_ms);
  state_ = State::waiting;
  if (request.session == SessionId()) return create_session(request);
  resume_session(request);
}

void Connection::create_session(const wire::ConnectRequest&) {
  client_.session = hub_->gateway.new_session_id();
  client_.password = hub_->entropy.bytes(wire::kPasswordBytes);
  if (hub_->settings.local_sessions_enabled || client_.read_only) {
    client_.local = true;
    hub_->local_sessions.add(client_.session, client_.password, timeout_ms_, now_);
    return establish(timeout_ms_);
  }
  hub_->gateway.submit(state::Request{.session = client_.session,
                                      .identities = {},
                                      .body = state::CreateSessionRequest{.id = client_.session,
                                                                          .password = client_.password,
                                                                          .timeout_ms = timeout_ms_}},
                       [self = std::weak_ptr(self_)](replica::Reply reply) {
                         const auto alive = self.lock();
                         if (!alive || (*alive)->is_closed()) return;
                         Connection& connection = **alive;
                         if (reply.outcome.code != state::Code::ok) {
                           return connection.close_now("the session could not be made", log::Level::info);
                         }
                         connection.establish(connection.timeout_ms_);
                       });
}

void Connection::resume_session(const wire::ConnectRequest& request) {
  client_.session = request.session;
  client_.password = Bytes(request.password);
  const auto* local = hub_->local_sessions.find(request.session);
  if (local != nullptr && !client_.read_only && !hub_->settings.local_sessions_enabled) {
    hub_->local_sessions.remove(
        request.session);  // begun in read-only mode, which is over: nothing of it is in the log
    return refuse_expired();
  }
  if (local != nullptr) {
    client_.local = same_secret(local->password, request.password);
    return establish_or_refuse(client_.local, local->timeout_ms);
  }
  const auto known = hub_->gateway.state().session(request.session);
  const bool right = known && same_secret(known->password, request.password);
  // No master to ask: what this replica knows must do. It may not have heard of the session yet (C4 of the client).
  if (client_.read_only && !known) return close_now("this replica does not know the session", log::Level::info);
  if (client_.read_only) return establish_or_refuse(right, right ? known->timeout_ms : 0);
  if (right) host_->holds_session(this);  // C4
  hub_->gateway.submit(
      state::Request{
          .session = request.session, .identities = {}, .body = state::ResumeSessionRequest{client_.password}},
      [self = std::weak_ptr(self_)](const replica::Reply& reply) {
        const auto alive = self.lock();
        if (alive && !(*alive)->is_closed()) (*alive)->on_resumed(reply.outcome.code);
      });
}

void Connection::on_resumed(state::Code code) {
  if (code == state::Code::session_expired) return refuse_expired();
  if (code != state::Code::ok) return close_now("the session could not be resumed", log::Level::info);
  const auto session = hub_->gateway.state().session(client_.session);
  if (!session) return refuse_expired();
  if (session->owner != hub_->gateway.id()) return close_now("the session has moved on to another replica");
  establish(session->timeout_ms);
}

void Connection::establish_or_refuse(bool known, int64_t timeout_ms) {
  if (!known) return refuse_expired();
  establish(timeout_ms);
}

void Connection::establish(int64_t timeout_ms) {
  timeout_ms_ = timeout_ms;
  state_ = State::established;
  frames_.set_frame_bytes_max(hub_->settings.limits.frame_bytes_max);
  pipeline_ = std::make_unique<Pipeline>(hub_, &client_, &statistics_, static_cast<PipelineHost*>(this));
  send_connect_response({.timeout_ms = static_cast<int32_t>(timeout_ms),
                         .session = client_.session,
                         .password = client_.password,
                         .read_only = client_.read_only});
  statistics_.last_operation = "SESS";
  host_->holds_session(this);
  progressed();
}

void Connection::refuse_expired() {
  const Bytes zeroes(wire::kPasswordBytes, '\0');
  if (const auto left_out = hub_->refusals.admit(Refusal::session, hub_->clock.now())) {
    CONCLAVE_PROBE("zookeeper.session-refused");
    log::info("zookeeper", "refused a session that is expired or whose password is wrong",
              {{"session", hex(static_cast<uint64_t>(client_.session.value))},
               {"client", to_string(peer())},
               {"left_out", *left_out}});
  }
  send_connect_response({.timeout_ms = 0, .session = SessionId(), .password = zeroes, .read_only = client_.read_only});
  finish("the session is expired");
}

void Connection::send_connect_response(const wire::ConnectResponse& response) {
  wire::ConnectResponse sent = response;
  if (!client_read_only_) sent.read_only.reset();
  FrameWriter frame(&output_);
  wire::Writer writer(&output_);
  encode(sent, &writer);
  frame.finish();
  ++statistics_.sent;
  ++hub_->statistics.sent;
}

// --- bytes out

void Connection::progressed() {
  if (in_on_data_) return;  // its end does all this
  resume_frames();
  if (is_closed()) return;
  settle_reading();
  if (output_.empty() || flush_asked_) return;
  flush_asked_ = true;
  host_->needs_flush(this);
}

void Connection::send_event(BytesView frame, const state::Acl& acl) {
  if (state_ != State::established) return;
  if (!hub_->settings.skip_acl && !hub_->gateway.state().permitted(acl, state::kRead, client_.identities)) {
    ++hub_->statistics.watch_events_hidden;
    return;
  }
  ++hub_->statistics.watch_events;
  output_.append(frame);
  if (flush_asked_) return;
  flush_asked_ = true;
  host_->needs_flush(this);
}

void Connection::flush() {
  flush_asked_ = false;
  if (state_ == State::gone || output_.empty()) return;
  // One reply may be larger than the limit; what counts is what an earlier one left behind.
  const size_t unsent = stream_->unsent_bytes();
  if (unsent > hub_->settings.limits.unsent_bytes_max) {
    return close_now("the client reads too slowly: " + std::to_string(unsent) + " bytes unsent", log::Level::info);
  }
  hub_->statistics.sent_bytes += output_.size();
  stream_->write(std::exchange(output_, {}));
  if (state_ == State::established) settle_reading();
}

void Connection::check_unsent() {
  unsent_check_asked_ = false;
  if (is_closed()) return;
  const size_t unsent = stream_->unsent_bytes();
  if (unsent > hub_->settings.limits.unsent_bytes_max) {
    close_now("the client reads too slowly: " + std::to_string(unsent) + " bytes unsent", log::Level::info);
    return;
  }
  if (unsent + output_.size() <= hub_->settings.limits.unsent_bytes_pause && pipeline_ != nullptr &&
      !pipeline_->full() && !pipeline_->closing()) {
    resume_frames();
    if (is_closed()) return;
    flush();
  }
  if (!is_closed()) settle_reading();
}

// --- the end

void Connection::check_deadlines(Instant now) {
  const Limits& limits = hub_->settings.limits;
  if (state_ == State::greeting && now >= deadline_) {
    return close_now("no complete connect request in time", log::Level::info);
  }
  if (state_ == State::closing && now >= deadline_) return close_now("the last bytes did not leave in time");
  if (partial_since_ && now - *partial_since_ >= limits.partial_frame_timeout) {
    return close_now("a frame was not completed in time", log::Level::info);
  }
}

void Connection::finish(std::string_view reason) {
  if (is_closed()) return;
  log::debug("zookeeper", "closing a connection", {{"client", to_string(peer())}, {"reason", reason}});
  flush();
  if (is_closed()) return;
  leave(State::closing);
  deadline_ = hub_->clock.now() + kClosingTimeout;
  stream_->close_after_writes();
}

void Connection::drop(std::string_view reason) {
  close_now(reason, log::Level::info);
}

void Connection::close_now(std::string_view reason, log::Level level) {
  if (state_ == State::gone) return;
  const bool wanted = level != log::Level::debug || log::enabled(level);
  const auto left_out = level == log::Level::debug ? std::optional<uint64_t>(0)
                                                   : hub_->refusals.admit(Refusal::connection, hub_->clock.now());
  if (wanted && left_out) {
    log::write(level, "zookeeper", "closed a connection",
               {{"client", to_string(peer())},
                {"session", hex(static_cast<uint64_t>(client_.session.value))},
                {"reason", reason},
                {"left_out", *left_out}});
  }
  if (level != log::Level::debug) ++hub_->statistics.connections_dropped;
  leave(State::gone);
  host_->gone(this);
}

void Connection::on_closed(const Error& reason) {
  close_now(reason.message);
}

void Connection::leave(State next) {
  state_ = next;
  partial_since_.reset();
  if (pipeline_ != nullptr) pipeline_->abandon();
  hub_->watches.remove_all(client_.number);
}

}  // namespace conclave::frontend::zookeeper
