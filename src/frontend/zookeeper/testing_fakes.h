// For tests and fuzzers: what a front end stands on, faked. The executor runs when told, the clock moves when told, the
// gateway is a real state service and evaluator that apply at once or when the test says, and a stream shows what was
// written to it. Needs no test framework.
#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "env/clock.h"
#include "env/entropy.h"
#include "env/executor.h"
#include "env/network.h"
#include "replica/gateway.h"
#include "state/service/evaluator.h"

namespace conclave::frontend::zookeeper {

class FakeClock final : public env::Clock {
 public:
  Instant now() const override { return time; }
  int64_t wall_ms() const override { return 1'700'000'000'000 + time.us / 1000; }
  Instant time{1'000'000};
};

class FakeExecutor final : public env::Executor {
 public:
  explicit FakeExecutor(FakeClock* clock) : clock_(clock) {}
  void post(Task task) override { tasks_.push_back(std::move(task)); }
  env::TimerId schedule(Duration delay, Task task) override {
    timers_[{clock_->time + delay, ++last_}] = std::move(task);
    return last_;
  }
  void cancel(env::TimerId timer) override {
    std::erase_if(timers_, [&](const auto& entry) { return entry.first.second == timer; });
  }
  // Runs what is posted, and what that posts.
  void run() {
    while (!tasks_.empty()) {
      Task task = std::move(tasks_.front());
      tasks_.pop_front();
      task();
    }
  }
  // Moves the clock, running timers on the way.
  void advance(Duration by) {
    const Instant end = clock_->time + by;
    run();
    while (!timers_.empty() && timers_.begin()->first.first <= end) {
      clock_->time = std::max(clock_->time, timers_.begin()->first.first);
      Task task = std::move(timers_.begin()->second);
      timers_.erase(timers_.begin());
      task();
      run();
    }
    clock_->time = end;
  }

 private:
  FakeClock* clock_;
  std::deque<Task> tasks_;
  std::map<std::pair<Instant, env::TimerId>, Task> timers_;
  env::TimerId last_ = 0;
};

class FakeEntropy final : public env::Entropy {
 public:
  Bytes bytes(size_t size) override { return Bytes(size, static_cast<char>('A' + next_++ % 26)); }
  uint64_t u64() override { return next_++; }

 private:
  uint64_t next_ = 0;
};

// The test's end of a connection.
struct Pipe {
  env::StreamHandler* handler = nullptr;
  Bytes received;     // by the client
  size_t writes = 0;  // calls of write
  size_t unsent = 0;  // what the stream says; with `stuck`, what was written stays there
  bool stuck = false;
  bool paused = false;
  bool closed = false;  // destroyed, or closed after writes
};

class FakeStream final : public env::Stream {
 public:
  FakeStream(std::shared_ptr<Pipe> pipe, env::Address peer) : pipe_(std::move(pipe)), peer_(std::move(peer)) {}
  ~FakeStream() override {
    pipe_->closed = true;
    pipe_->handler = nullptr;
  }
  void set_handler(env::StreamHandler* handler) override { pipe_->handler = handler; }
  void write(Bytes bytes) override {
    ++pipe_->writes;
    if (pipe_->stuck) pipe_->unsent += bytes.size();
    pipe_->received += bytes;
  }
  size_t unsent_bytes() const override { return pipe_->unsent; }
  void pause_reading() override { pipe_->paused = true; }
  void resume_reading() override { pipe_->paused = false; }
  void close_after_writes() override { pipe_->closed = true; }
  const env::Address& peer() const override { return peer_; }

 private:
  std::shared_ptr<Pipe> pipe_;
  env::Address peer_;
};

class FakeGateway final : public replica::Gateway {
 public:
  explicit FakeGateway(env::Executor* executor) : executor_(executor) {
    evaluator_ = std::make_unique<state::Evaluator>(service_, Epoch(1), state::EvaluatorSettings{});
    apply_one(state::Request{.session = {}, .identities = {}, .body = state::EpochStartRequest{}});
  }

  void add_observer(replica::GatewayObserver* observer) override { observer_ = observer; }
  void remove_observer(replica::GatewayObserver*) override { observer_ = nullptr; }
  void set_gate(replica::ChangeGate*) override {}
  void release(uint64_t) override {}
  ReplicaId id() const override { return ReplicaId(1); }
  void submit(state::Request request, replica::Completion done) override {
    requests.push_back(request);
    held_.push_back({std::move(request), std::move(done)});
    if (!hold) executor_->post([this] { let_go(); });
  }
  void sync(replica::Completion done) override {
    held_.push_back({std::nullopt, std::move(done)});
    if (!hold) executor_->post([this] { let_go(); });
  }
  void touch(SessionId id) override { touched.push_back(id); }
  SessionId new_session_id() override { return SessionId(++last_session_); }
  const state::Service& state() const override { return service_; }
  bool serving() const override { return is_serving; }
  replica::Status status() const override {
    replica::Status out;
    out.self = id();
    out.role = role;
    out.peers = peers;
    out.sessions_global = service_.sessions().size();
    return out;
  }

  // Applies and completes what is held, in order: all, or the first `count`.
  void let_go(size_t count = SIZE_MAX) {
    for (; count > 0 && !held_.empty(); --count) {
      auto held = std::move(held_.front());
      held_.pop_front();
      if (!held.request) {
        held.done({.outcome = {}, .zxid = service_.last_zxid()});
        continue;
      }
      state::Outcome outcome = apply_one(*held.request, {.replica = id(), .incarnation = 1, .number = 1});
      held.done({.outcome = std::move(outcome), .zxid = service_.last_zxid()});
    }
  }
  // Completes the held request at `position` out of order, with a code and without applying it.
  void fail_held(size_t position, state::Code code) {
    auto held = std::move(held_[position]);
    held_.erase(held_.begin() + static_cast<ptrdiff_t>(position));
    held.done({.outcome = {.code = code, .ops = {}}, .zxid = service_.last_zxid()});
  }
  // Completes the held sync at `position` out of order.
  void complete_held(size_t position) { fail_held(position, state::Code::ok); }
  size_t held() const { return held_.size(); }
  // A write of somebody else.
  state::Outcome apply(state::RequestBody body, SessionId session = {}, state::Identities who = {}) {
    return apply_one({.session = session, .identities = std::move(who), .body = std::move(body)});
  }
  // The session's client connects to another replica; in a snapshot (state_replaced), if nobody is told.
  void move(SessionId session, const Bytes& password, bool told = true) {
    replica::GatewayObserver* const observer = std::exchange(observer_, told ? observer_ : nullptr);
    apply_one({.session = session, .identities = {}, .body = state::ResumeSessionRequest{password}},
              {.replica = ReplicaId(2), .incarnation = 1, .number = 1});
    observer_ = observer;
  }
  void set_serving(bool serving) {
    is_serving = serving;
    observer_->on_serving_changed(serving);
  }
  void state_replaced() { observer_->on_state_replaced(); }

  bool hold = false;
  bool is_serving = true;
  replica::Role role = replica::Role::leader;
  std::vector<replica::PeerStatus> peers;
  std::vector<state::Request> requests;
  std::vector<SessionId> touched;

 private:
  struct Held {
    std::optional<state::Request> request;  // nullopt: sync
    replica::Completion done;
  };

  state::Outcome apply_one(const state::Request& request, state::RequestTag origin = {}) {
    auto made = evaluator_->evaluate(request, {.time_ms = 1'700'000'000'000, .origin = origin});
    if (auto* refusal = std::get_if<state::Refusal>(&made)) return refusal->outcome;
    const auto& txn = std::get<state::Transaction>(made);
    state::Applied applied = service_.apply(txn);
    evaluator_->on_applied(txn.zxid);
    if (observer_ != nullptr) observer_->on_applied(applied);
    return applied.outcome;
  }

  env::Executor* executor_;
  state::Service service_;
  std::unique_ptr<state::Evaluator> evaluator_;
  replica::GatewayObserver* observer_ = nullptr;
  std::deque<Held> held_;
  int64_t last_session_ = 0x100;
};

}  // namespace conclave::frontend::zookeeper
