// What the master says, and what it is told.
#include <algorithm>
#include <fmt/format.h>
#include <utility>

#include "base/plant.h"
#include "base/probe.h"
#include "client/chubby/session.h"

namespace conclave::chubby {
namespace {

constexpr uint64_t kLeaseUsMax = 3'600'000'000;  // longer than any lease: a length that somebody made up
constexpr size_t kReopenBytesMax = 512 << 10;    // of handles in one call, well below a frame's limit

// The master answers after two thirds of a lease. A KeepAlive without an answer after three quarters is lost: the local
// lease, which began with an earlier one, still runs for about a quarter (S6).
constexpr Duration overdue_after(Duration lease) {
  return lease * 3 / 4;
}

}  // namespace

void Session::on_message(const wire::ServerMessage& message) {
  check_time();
  if (link_ == nullptr) return;
  ++figures_.messages_received;
  switch (message.body_case()) {
    case wire::ServerMessage::kElsewhere:
      return on_elsewhere(message.elsewhere());
    case wire::ServerMessage::kSessionOver:
      return on_session_over(message.session_over());
    case wire::ServerMessage::kWelcome:
      return welcomed_ ? violated("a second Welcome") : on_welcome(message.welcome());
    case wire::ServerMessage::kKeepAlive:
      return welcomed_ ? on_keep_alive(message.keep_alive()) : violated("a KeepAlive before Welcome");
    case wire::ServerMessage::kReply:
      return welcomed_ ? on_reply(message.reply()) : violated("a reply before Welcome");
    case wire::ServerMessage::BODY_NOT_SET:
      break;
  }
}

void Session::on_elsewhere(const wire::Elsewhere& message) {
  ++figures_.redirections;
  if (!message.master_host().empty() && message.master_port() <= UINT16_MAX) {
    locator_.named({.host = message.master_host(), .port = static_cast<uint16_t>(message.master_port())});
  }
  lose_connection("not the master: " + message.reason());
}

void Session::on_session_over(const wire::SessionOver& message) {
  CONCLAVE_PROBE("chubby-client.session-over");
  last_failure_ = fmt::format("{}: {}", env::to_string(locator_.last()), message.reason());
  const bool opened = state_ != SessionState::opening && !ending_;
  finish(opened ? SessionState::expired : SessionState::none,
         {.code = CallCode::session_expired, .message = message.reason()});
}

void Session::on_welcome(const wire::Welcome& message) {
  const SessionId session(message.session());
  if (session == SessionId() || message.epoch() == 0) return violated("a Welcome without session or epoch");
  if (session_ != SessionId() && session != session_) return violated("a Welcome to another session");
  if (message.epoch() < epoch_) return lose_connection("a former master");
  executor_.cancel(connect_timer_);
  patience_ = options_.connect_timeout;
  ++figures_.connections;
  cell_ = message.cell();
  lease_length_ = Duration::millis(message.lease_ms());
  if (message.epoch() != epoch_) begin_epoch(message.epoch());
  if (link_ == nullptr) return;
  welcomed_ = true;
  if (session_ == SessionId()) {
    session_ = session;
    password_ = message.password();
    // A session begins with a lease (CH-67), and began after we asked for it.
    lease_.grant(hello_sent_, Duration{}, lease_length_);
    become_safe();
  }
  datagrams_.aim(link_->peer(), session_, password_, epoch_);
  send_keep_alive();
  pump();
}

void Session::begin_epoch(uint64_t epoch) {
  const bool fail_over = epoch_ != 0;
  epoch_ = epoch;
  acted_on_ = 0;
  calls_.drop_reopens();
  if (!fail_over) return;
  CONCLAVE_PROBE("chubby-client.new-epoch");
  ++figures_.fail_overs;
  calls_.forbid_keeping_all();
  user_.on_new_epoch();
  Call call;
  size_t bytes = 0;
  for (wire::Handle& handle : user_.handles_to_present()) {
    const size_t size = handle.ByteSizeLong();
    if (bytes != 0 && bytes + size > kReopenBytesMax) {
      calls_.add_reopen(std::exchange(call, Call()));
      bytes = 0;
    }
    bytes += size;
    *call.message.mutable_reopen()->add_handles() = std::move(handle);
  }
  if (bytes != 0) calls_.add_reopen(std::move(call));
}

void Session::send_keep_alive() {
  wire::ClientMessage message;
  wire::KeepAlive& out = *message.mutable_keep_alive();
  out.set_number(++keep_alive_);
  out.set_epoch(epoch_);
  out.set_acknowledged(acted_on_);
  ++figures_.keep_alives;
  send(message);
  keep_alive_sent_ = clock_.now();
  executor_.cancel(keep_alive_timer_);
  keep_alive_timer_ = executor_.schedule(overdue_after(lease_length_), [this] {
    CONCLAVE_PROBE("chubby-client.keep-alive-overdue");
    check_time();
    if (link_ != nullptr) lose_connection("no answer to a KeepAlive");
  });
}

void Session::on_keep_alive(const wire::KeepAliveReply& message) {
  if (message.number() != keep_alive_) return violated(fmt::format("an answer to KeepAlive {}", message.number()));
  if (message.epoch() != epoch_) {
    locator_.again();
    return lose_connection(fmt::format("epoch {} instead of {}", message.epoch(), epoch_));
  }
  if (message.held_us() > kLeaseUsMax || message.lease_us() > kLeaseUsMax) return violated("a lease without end");
  for (const wire::Notice& notice : message.notices()) {
    if (notice.sequence() > acted_on_ + 1)
      return violated(fmt::format("notice {} after {}", notice.sequence(), acted_on_));
    if (notice.sequence() <= acted_on_) continue;
    on_notice(notice);
    acted_on_ = notice.sequence();
  }
  if (link_ == nullptr) return;
  if (message.lease_us() == 0) return lose_connection("no lease was granted");
  locator_.succeeded();
  grant(keep_alive_sent_, message.held_us(), message.lease_us());
  send_keep_alive();
  pump();
}

void Session::grant(Instant sent, uint64_t held_us, uint64_t lease_us) {
  lease_length_ = Duration::micros(static_cast<int64_t>(lease_us));
  lease_.grant(sent, Duration::micros(static_cast<int64_t>(held_us)), lease_length_);
  become_safe();
}

void Session::on_datagram(Instant sent, const wire::LeaseAnswer& answer) {
  check_time();
  if (state_ != SessionState::safe && state_ != SessionState::jeopardy) return;
  if (answer.held_us() > kLeaseUsMax || answer.lease_us() > kLeaseUsMax) return;
  if (answer.lease_us() != 0) {
    ++figures_.datagram_leases;
    grant(sent, answer.held_us(), answer.lease_us());
    return pump();
  }
  // Notices wait for us. The KeepAlive has been at the master for long, which answers it for a notice at once: what
  // carries the answer is stuck, and a new connection may not be.
  if (welcomed_ && clock_.now() - keep_alive_sent_ > lease_length_ / 4) {
    CONCLAVE_PROBE("chubby-client.stream-is-stuck");
    lose_connection("notices wait at the master, and the connection is silent");
  }
}

void Session::on_notice(const wire::Notice& notice) {
  switch (notice.body_case()) {
    case wire::Notice::kInvalidation:
      ++figures_.invalidations;
      if (!CONCLAVE_PLANT(overtaken_reply_cached)) calls_.forbid_keeping(notice.invalidation().path());
      return user_.on_invalidation(notice.invalidation().path());
    case wire::Notice::kEvent:
      ++figures_.events;
      return user_.on_event(notice.event());
    case wire::Notice::kFailOver:
      calls_.forbid_keeping_all();
      return user_.on_fail_over();
    case wire::Notice::BODY_NOT_SET:
      break;  // of a kind that came later than this library
  }
}

void Session::on_reply(const wire::Reply& message) {
  const uint64_t number = message.number();
  if (!calls_.was_used(number)) return violated(fmt::format("a reply {} to no call", number));
  if (message.code() == wire::WRONG_EPOCH) {
    locator_.again();
    return lose_connection(fmt::format("epoch {} has ended", epoch_));
  }
  if (message.code() == wire::BUSY || message.code() == wire::UNAVAILABLE) {
    CONCLAVE_PROBE("chubby-client.call-put-off");
    calls_.send_again(number);
    return put_off();
  }
  // Calls block in jeopardy (CH-71): the session may be over, and a lock that was granted be another's since. What was
  // done is answered the same when asked for again.
  if (state_ == SessionState::jeopardy && calls_.of_application(number)) {
    CONCLAVE_PROBE("chubby-client.answered-in-jeopardy");
    return calls_.send_again(number);
  }
  std::optional<Call> call = calls_.take(number);
  if (!call) return;  // answered on a former connection, too
  retries_ = 0;
  touch();
  if (call->message.has_reopen()) return on_presented(*call, message);
  if (call->changes && !call->path.empty()) {
    calls_.forbid_keeping(call->path);
    user_.on_invalidation(call->path);
  }
  if (call->given_up) {
    if (call->undo) call->undo(message);
  } else if (call->done) {
    Answer answer{.error = std::nullopt, .reply = &message};
    answer.keep = message.cacheable() && call->keep && state_ == SessionState::safe;
    if (message.code() != wire::OK) answer.error = {.code = code_of(message.code()), .message = message.message()};
    call->done(answer);
  }
  pump();
}

void Session::on_presented(const Call& call, const wire::Reply& reply) {
  const wire::Reopen& asked = call.message.reopen();
  const wire::Reopened& answered = reply.reopened();
  if (reply.code() == wire::OK && answered.codes_size() != asked.handles_size())
    return violated("Reopened does not answer every handle");
  for (int i = 0; i < asked.handles_size(); ++i) {
    user_.on_presented(asked.handles(i).number(), reply.code() == wire::OK ? answered.codes(i) : reply.code());
  }
  pump();
}

// Sends what may be sent: in jeopardy handles alone, so that they are there when it ends.
void Session::pump() {
  while (welcomed_ && retry_timer_ == 0) {
    Call* call = calls_.next(state_ != SessionState::safe);
    if (call == nullptr) return;
    if (!call->cell.empty() && call->cell != cell_) {
      std::optional<Call> taken = calls_.take(call->number);
      if (!taken->given_up)
        taken->done({.error = CallError{CallCode::wrong_cell, fmt::format("this cell is {}", cell_)}});
      continue;
    }
    ++(call->sent_before ? figures_.calls_sent_again : figures_.calls_sent);
    call->sent_before = true;
    wire::ClientMessage message;
    message.mutable_call()->Swap(&call->message);
    message.mutable_call()->set_epoch(epoch_);
    message.mutable_call()->set_answered_below(std::min(calls_.answered_below(), call->number));
    send(message);
    message.mutable_call()->Swap(&call->message);
  }
}

}  // namespace conclave::chubby
