// The life of the session: finding the master, the local lease, the end. Messages are in session_messages.cc.
#include "client/chubby/session.h"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

#include "base/plant.h"
#include "base/probe.h"

namespace conclave::chubby {
namespace {

constexpr int64_t kRetryFirstMs = 50;
constexpr int64_t kRetryMaxMs = 1'000;
constexpr int64_t kPatienceGrowthMax = 4;  // times Options::connect_timeout
// Datagrams ask for a lease when so much of the one that runs is left, and again after each such pause. While the
// stream works its answers come earlier.
constexpr Duration datagram_ahead(Duration lease) {
  return lease / 4;
}
constexpr Duration datagram_pause(Duration lease) {
  return lease / 24;
}

void fail_call(Call& call, const CallError& why) {
  if (!call.given_up && call.done) call.done({.error = why});
}

}  // namespace

Session::Session(const Surroundings& around, const Options& options, SessionUser& user, Figures& figures)
    : clock_(around.clock),
      executor_(around.executor),
      network_(around.network),
      options_(options),
      user_(user),
      figures_(figures),
      random_(around.entropy.u64()),
      lease_(options.clock_rate_ppm_max, options.grace),
      calls_(options.calls_max),
      locator_(options.replicas, random_.u64()),
      patience_(options.connect_timeout),
      datagrams_(clock_, network_,
                 [this](Instant sent, const wire::LeaseAnswer& answer) { on_datagram(sent, answer); }) {}

Session::~Session() {
  for (const env::TimerId timer :
       {connect_timer_, keep_alive_timer_, datagram_timer_, lease_timer_, retry_timer_, idle_timer_, end_timer_}) {
    executor_.cancel(timer);
  }
  drop_link();
}

void Session::submit(Call call) {
  check_time();
  touch();
  if (state_ == SessionState::expired) return fail_call(call, {.code = CallCode::session_expired});
  if (ending_) {
    after_end_.push_back(std::move(call));
    return;
  }
  calls_.add(std::move(call));
  if (state_ == SessionState::none) return open();
  pump();
}

size_t Session::give_up(const std::function<bool(const Call&)>& which, const CallError& why) {
  auto gone = calls_.give_up(which);
  for (auto& [done, number] : gone) {
    if (number != 0 && welcomed_) {
      wire::ClientMessage message;
      message.mutable_cancel()->set_number(number);
      send(message);
    }
    if (done) done({.error = why, .given_up = number != 0});
  }
  const size_t before = after_end_.size();
  for (Call& call : std::exchange(after_end_, {})) {
    if (which(call)) {
      fail_call(call, why);
    } else {
      after_end_.push_back(std::move(call));
    }
  }
  return gone.size() + before - after_end_.size();
}

void Session::end(Duration patience, Task done) {
  check_time();
  if (state_ == SessionState::none || state_ == SessionState::expired) return done();
  end_done_.push_back(std::move(done));
  const CallError why{.code = CallCode::session_expired, .message = "the session was ended"};
  if (state_ == SessionState::opening) return finish(SessionState::none, why);
  if (ending_) return;
  Call call;
  call.changes = true;
  call.message.mutable_end_session();
  call.done = [this, why](const Answer&) {
    if (ending_) finish(SessionState::none, why);
  };
  calls_.add(std::move(call));
  ending_ = true;
  end_timer_ = executor_.schedule(patience, [this, why] { finish(SessionState::none, why); });
  pump();
}

void Session::restart() {
  if (state() == SessionState::expired) state_ = SessionState::none;
}

SessionState Session::state() {
  check_time();
  return state_;
}

void Session::open() {
  state_ = SessionState::opening;
  opening_since_ = clock_.now();
  arm_lease_timer();
  connect_after(locator_.pause());
}

// --- connections

void Session::connect_after(Duration pause) {
  executor_.cancel(connect_timer_);
  connect_timer_ = executor_.schedule(pause, [this] {
    check_time();
    if (state_ != SessionState::none && state_ != SessionState::expired) connect_now();
  });
}

void Session::connect_now() {
  const uint64_t attempt = ++attempt_;
  connect_timer_ = executor_.schedule(patience_, [this] {
    check_time();
    if (state_ == SessionState::none || state_ == SessionState::expired) return;
    // A session is opened through the log, which may be slow.
    if (link_ != nullptr) patience_ = std::min(patience_ * 2, options_.connect_timeout * kPatienceGrowthMax);
    lose_connection("no answer to Hello");
  });
  network_.resolve(locator_.next(), options_.connect_timeout,
                   [this, attempt, alive = std::weak_ptr(alive_)](Result<std::vector<env::Address>> found) {
                     if (alive.expired() || attempt != attempt_) return;
                     if (!found) return lose_connection(found.error().message);
                     // A name with several addresses may stand for as many replicas (CH-14).
                     for (size_t i = found->size() - 1; i > 0; --i) {
                       std::swap((*found)[i], (*found)[static_cast<size_t>(random_.below(i + 1))]);
                     }
                     candidates_ = *std::move(found);
                     connect_to_candidate();
                   });
}

void Session::connect_to_candidate() {
  const env::Address to = std::move(candidates_.back());
  candidates_.pop_back();
  network_.connect(
      to, options_.connect_timeout,
      [this, attempt = attempt_, alive = std::weak_ptr(alive_)](Result<std::unique_ptr<env::Stream>> stream) mutable {
        if (alive.expired() || attempt != attempt_) return;
        if (!stream && !candidates_.empty()) return connect_to_candidate();
        check_time();
        if (attempt == attempt_) on_connected(std::move(stream));
      });
}

void Session::on_connected(Result<std::unique_ptr<env::Stream>> stream) {
  if (!stream) return lose_connection(stream.error().message);
  link_ = std::make_shared<Link>(static_cast<LinkUser*>(this), *std::move(stream));
  link_->start();
  wire::ClientMessage message;
  wire::Hello& hello = *message.mutable_hello();
  hello.set_protocol(wire::kProtocol);
  hello.set_cell(options_.cell);
  hello.set_session(session_.value);
  hello.set_password(password_);
  for (const Credential& credential : options_.credentials) {
    wire::Credential& out = *hello.add_credentials();
    out.set_scheme(credential.scheme);
    out.set_secret(credential.secret);
  }
  hello_sent_ = clock_.now();
  send(message);
}

// The one way in which a connection, or an attempt at one, ends without ending the session.
void Session::lose_connection(const std::string& reason) {
  last_failure_ = fmt::format("{}: {}", env::to_string(locator_.last()), reason);
  drop_link();
  connect_after(locator_.pause());
}

void Session::drop_link() {
  ++attempt_;
  welcomed_ = false;
  keep_alive_ = 0;
  executor_.cancel(keep_alive_timer_);
  executor_.cancel(std::exchange(retry_timer_, 0));
  calls_.connection_lost();
  if (link_ == nullptr) return;
  link_->forget();
  executor_.post([link = std::move(link_)] {});
}

void Session::on_lost(const std::string& reason, bool broken_protocol) {
  check_time();
  if (link_ == nullptr) return;
  if (broken_protocol) return violated(reason);
  lose_connection(reason);
}

void Session::violated(const std::string& what) {
  CONCLAVE_PROBE("chubby-client.server-broke-protocol");
  ++figures_.violations;
  lose_connection("broke the protocol: " + what);
}

void Session::send(const wire::ClientMessage& message) {
  if (link_ == nullptr) return;
  ++figures_.messages_sent;
  link_->send(message);
}

// --- time

// A process may have been stopped for long, and its timers be late: so everything asks the clock first.
void Session::check_time() {
  const Instant now = clock_.now();
  if (state_ == SessionState::opening && now >= opening_since_ + options_.grace) {
    return finish(SessionState::none,
                  {.code = CallCode::session_expired, .message = "no master was found: " + last_failure_});
  }
  if (state_ == SessionState::safe && !lease_.runs(now) && !CONCLAVE_PLANT(jeopardy_not_noticed)) {
    CONCLAVE_PROBE("chubby-client.jeopardy");
    state_ = SessionState::jeopardy;
    ++figures_.jeopardies;
    user_.on_jeopardy();
    arm_lease_timer();
  }
  if (state_ == SessionState::jeopardy && lease_.lost(now)) {
    CONCLAVE_PROBE("chubby-client.grace-ended");
    const auto state = ending_ ? SessionState::none : SessionState::expired;
    finish(state, {.code = CallCode::session_expired, .message = "the grace period ended: " + last_failure_});
  }
}

void Session::arm_lease_timer() {
  Instant at = lease_.end();
  if (state_ == SessionState::opening) at = opening_since_ + options_.grace;
  if (state_ == SessionState::jeopardy) at = lease_.grace_end();
  executor_.cancel(lease_timer_);
  lease_timer_ = executor_.schedule(at - clock_.now(), [this] { check_time(); });
}

void Session::become_safe() {
  if (!lease_.runs(clock_.now())) return;
  if (state_ == SessionState::jeopardy) {
    state_ = SessionState::safe;
    user_.on_safe();
  } else if (state_ == SessionState::opening) {
    state_ = SessionState::safe;
    touch();
    arm_idle_timer();
  }
  arm_lease_timer();
  arm_datagram_timer(lease_.end() - datagram_ahead(lease_length_) - clock_.now());
}

void Session::arm_datagram_timer(Duration pause) {
  executor_.cancel(datagram_timer_);
  datagram_timer_ = executor_.schedule(std::max(pause, Duration{}), [this] {
    check_time();
    if (state_ != SessionState::safe && state_ != SessionState::jeopardy) return;
    datagrams_.ask();
    ++figures_.datagrams_sent;
    arm_datagram_timer(datagram_pause(lease_length_));
  });
}

void Session::put_off() {
  if (retry_timer_ != 0) return;
  const int64_t most = std::min(kRetryFirstMs << std::min(retries_++, 6), kRetryMaxMs);
  const auto pause = Duration::millis(
      static_cast<int64_t>(random_.between(static_cast<uint64_t>(most / 2), static_cast<uint64_t>(most))));
  retry_timer_ = executor_.schedule(pause, [this] {
    retry_timer_ = 0;
    check_time();
    pump();
  });
}

// --- the end

void Session::arm_idle_timer() {
  if (options_.idle_end.us <= 0) return;
  const Duration rest = touched_ + options_.idle_end - clock_.now();
  executor_.cancel(idle_timer_);
  idle_timer_ = executor_.schedule(std::max(rest, Duration::millis(1)), [this] { on_idle_timer(); });
}

void Session::on_idle_timer() {
  check_time();
  if (state_ != SessionState::safe && state_ != SessionState::jeopardy) return;
  if (!calls_.empty() || user_.has_open_handles()) touch();
  if (clock_.now() - touched_ < options_.idle_end) return arm_idle_timer();
  CONCLAVE_PROBE("chubby-client.idle-end");
  end(options_.grace, [] {});
}

void Session::finish(SessionState state, const CallError& why) {
  for (env::TimerId* timer : {&connect_timer_, &datagram_timer_, &lease_timer_, &idle_timer_, &end_timer_}) {
    executor_.cancel(std::exchange(*timer, 0));
  }
  drop_link();
  datagrams_.reset();
  state_ = state;
  session_ = SessionId();
  password_.clear();
  epoch_ = 0;
  acted_on_ = 0;
  lease_.reset();
  ending_ = false;
  std::vector<Call> calls = calls_.take_all();
  std::deque<Call> waiting = std::exchange(after_end_, {});
  std::vector<Task> ended = std::exchange(end_done_, {});
  user_.on_gone(state);
  for (Call& call : calls) fail_call(call, why);
  for (Task& task : ended) task();
  for (Call& call : waiting) submit(std::move(call));
}

}  // namespace conclave::chubby
