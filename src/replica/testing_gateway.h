// For tests and fuzzers: a gateway over a real state service and evaluator. It is the master whenever the test says so;
// what is asked is evaluated and applied at once, or when the test says. Needs no test framework.
//
// As in the proposer: what the gate does not admit is held under a ticket, and later requests of its session behind it;
// what is applied is told before it is answered.
#pragma once

#include <algorithm>
#include <deque>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "env/executor.h"
#include "replica/gateway.h"
#include "replica/line.h"
#include "state/service/evaluator.h"

namespace conclave::replica {

class FakeGateway final : public Gateway, private state::Admission {
 public:
  // The state has had the first fact of epoch 1, of which nobody was told.
  explicit FakeGateway(env::Executor* executor) : executor_(executor) {
    evaluator_ = std::make_unique<state::Evaluator>(service_, Epoch(1), state::EvaluatorSettings{});
    apply(state::EpochStartRequest{});
  }

  void add_observer(GatewayObserver* observer) override { observer_ = observer; }
  void remove_observer(GatewayObserver*) override { observer_ = nullptr; }
  void set_gate(ChangeGate* gate) override { gate_ = gate; }
  void release(uint64_t ticket) override {
    auto held = by_gate_.extract(ticket);
    if (held.empty()) return;
    released.push_back(ticket);
    std::deque<Asked> items;
    if (const auto line = line_of(*held.mapped().request, tag())) {
      if (auto behind = behind_.extract(*line); !behind.empty()) items = std::move(behind.mapped());
    }
    items.push_front(std::move(held.mapped()));
    for (Asked& item : items) evaluate(std::move(item));
    post_log();
  }
  ReplicaId id() const override { return self; }
  void submit(state::Request request, Completion done) override {
    requests.push_back(request);
    asked_.push_back({std::move(request), std::move(done)});
    if (!hold) executor_->post([this] { let_go(); });
  }
  void sync(Completion done) override {
    if (hold_syncs) return syncs_.push_back(std::move(done));
    asked_.push_back({std::nullopt, std::move(done)});
    if (!hold) executor_->post([this] { let_go(); });
  }
  void touch(SessionId session) override { touched.push_back(session); }
  SessionId new_session_id() override { return SessionId(++last_session_); }
  const state::Service& state() const override { return service_; }
  bool serving() const override { return is_serving; }
  Status status() const override {
    Status out;
    out.self = id();
    out.role = role;
    out.master = master;
    out.peers = peers;
    out.sessions_global = service_.sessions().size();
    return out;
  }

  // What was asked, with `hold`, is still under way when the mastership changes: it is evaluated when the test says.
  void put_aside() { std::ranges::move(std::exchange(asked_, {}), std::back_inserter(aside_)); }
  void bring_back() {
    std::ranges::move(std::exchange(aside_, {}), std::back_inserter(asked_));
    let_go();
  }

  // --- what was asked, with `hold`
  // Evaluates, applies and completes it, in order: all, or the first `count`.
  void let_go(size_t count = SIZE_MAX) {
    for (; count > 0 && !asked_.empty(); --count) {
      Asked asked = std::move(asked_.front());
      asked_.pop_front();
      evaluate(std::move(asked));
      if (!hold_log) apply_log();
    }
  }
  // Completes the request at `position` out of order, with a code and without applying it.
  void fail_held(size_t position, state::Code code) {
    Asked asked = std::move(asked_[position]);
    asked_.erase(asked_.begin() + static_cast<ptrdiff_t>(position));
    asked.done({.outcome = {.code = code, .ops = {}}, .zxid = service_.last_zxid()});
  }
  // Completes the sync at `position` out of order.
  void complete_held(size_t position) { fail_held(position, state::Code::ok); }
  size_t held() const { return asked_.size(); }

  // --- read barriers, with `hold_syncs`
  void complete_syncs(state::Code code = state::Code::ok) {
    for (Completion& done : std::exchange(syncs_, {})) {
      done({.outcome = {.code = code, .ops = {}}, .zxid = service_.last_zxid()});
    }
  }
  size_t syncs_held() const { return syncs_.size(); }

  // --- the log, with `hold_log`: what is evaluated and not applied. All of it, or the first `count`.
  void apply_log(size_t count = SIZE_MAX) {
    for (; count > 0 && !log_.empty(); --count) {
      Logged entry = std::move(log_.front());
      log_.pop_front();
      if (entry.txn) entry.outcome = apply_fact(*entry.txn);
      if (entry.done) entry.done({.outcome = std::move(entry.outcome), .zxid = service_.last_zxid()});
    }
  }
  size_t logged() const { return log_.size(); }

  // A write of the cell itself, or of somebody who asks at another replica. The gate is not asked.
  state::Outcome apply(state::RequestBody body, SessionId session = {}, state::Identities who = {}) {
    return apply_request({.session = session, .identities = std::move(who), .body = std::move(body)}, {});
  }
  // The session's client connects to another replica; in a snapshot (state_replaced), if nobody is told.
  void move(SessionId session, const Bytes& password, bool told = true) {
    GatewayObserver* const observer = std::exchange(observer_, told ? observer_ : nullptr);
    apply_request({.session = session, .identities = {}, .body = state::ResumeSessionRequest{password}},
                  {.replica = ReplicaId(2), .incarnation = 1, .number = 1});
    observer_ = observer;
  }
  void set_serving(bool serving) {
    is_serving = serving;
    observer_->on_serving_changed(serving);
  }
  void state_replaced() { observer_->on_state_replaced(); }

  // --- masterships. What is evaluated and not applied, or held by the gate, is lost with the former one.
  void begin_mastership(Epoch epoch) {
    drop_all();
    evaluator_ = std::make_unique<state::Evaluator>(service_, epoch, state::EvaluatorSettings{});
    master = self;
    observer_->on_mastership(epoch);
  }
  // The first transaction of the epoch is applied. The secret is that of the cell, whoever is the master.
  void start_epoch() { apply(state::EpochStartRequest{Bytes(state::kCellSecretBytes, 's')}); }
  void end_mastership(ReplicaId next = {}) {
    master = next;
    observer_->on_mastership(std::nullopt);
    drop_all();
  }

  bool hold = false;
  bool hold_syncs = false;
  bool hold_log = false;
  bool is_serving = true;
  ReplicaId self = ReplicaId(1);
  ReplicaId master;
  Role role = Role::leader;
  std::vector<PeerStatus> peers;
  std::vector<state::Request> requests;
  std::vector<SessionId> touched;
  std::vector<uint64_t> released;
  size_t held_by_gate() const { return by_gate_.size(); }

 private:
  struct Asked {
    std::optional<state::Request> request;  // nullopt: sync
    Completion done;
  };
  struct Logged {
    std::optional<state::Transaction> txn;  // nullopt: answered without one
    state::Outcome outcome;
    Completion done;
  };

  state::RequestTag tag() const { return {.replica = self, .incarnation = 1, .number = 1}; }
  bool admits(const state::Transaction& txn) override {
    return gate_ == nullptr || gate_->admit(txn, last_ticket_ + 1);
  }
  state::EvaluateContext context(state::RequestTag origin, state::Admission* admission) const {
    return {.time_ms = 1'700'000'000'000, .origin = origin, .admission = admission};
  }
  void evaluate(Asked asked) {
    if (!asked.request) {  // waits for what is committed, not for what is proposed
      if (hold_log) return asked.done({.outcome = {}, .zxid = service_.last_zxid()});
      return log_.push_back({std::nullopt, {}, std::move(asked.done)});
    }
    const auto line = line_of(*asked.request, tag());
    if (const auto behind = line ? behind_.find(*line) : behind_.end(); behind != behind_.end()) {
      return behind->second.push_back(std::move(asked));
    }
    auto made = evaluator_->evaluate(*asked.request, context(tag(), this));
    if (auto* txn = std::get_if<state::Transaction>(&made)) {
      log_.push_back({std::move(*txn), {}, std::move(asked.done)});
    } else if (auto* refusal = std::get_if<state::Refusal>(&made)) {
      log_.push_back({std::nullopt, std::move(refusal->outcome), std::move(asked.done)});
    } else {
      by_gate_.emplace(++last_ticket_, std::move(asked));
      if (line) behind_.try_emplace(*line);
    }
  }
  void post_log() {
    if (!hold_log) executor_->post([this] { apply_log(); });
  }
  state::Outcome apply_fact(const state::Transaction& txn) {
    state::Applied applied = service_.apply(txn);
    evaluator_->on_applied(txn.zxid);
    if (observer_ != nullptr) observer_->on_applied(applied);
    return applied.outcome;
  }
  state::Outcome apply_request(const state::Request& request, state::RequestTag origin) {
    apply_log();
    auto made = evaluator_->evaluate(request, context(origin, nullptr));
    if (auto* refusal = std::get_if<state::Refusal>(&made)) return refusal->outcome;
    return apply_fact(std::get<state::Transaction>(made));
  }
  void drop_all() {
    for (Asked& asked : std::exchange(asked_, {})) lose(std::move(asked.done));
    for (Logged& logged : std::exchange(log_, {})) lose(std::move(logged.done));
    for (auto& [ticket, asked] : std::exchange(by_gate_, {})) lose(std::move(asked.done));
    for (auto& [line, behind] : std::exchange(behind_, {})) {
      for (Asked& asked : behind) lose(std::move(asked.done));
    }
    syncs_.clear();
  }
  void lose(Completion done) {
    if (!done) return;
    executor_->post([this, done = std::move(done)]() mutable {
      done({.outcome = {.code = state::Code::connection_loss, .ops = {}}, .zxid = service_.last_zxid()});
    });
  }

  env::Executor* executor_;
  state::Service service_;
  std::unique_ptr<state::Evaluator> evaluator_;
  GatewayObserver* observer_ = nullptr;
  ChangeGate* gate_ = nullptr;
  std::deque<Asked> aside_;
  std::deque<Asked> asked_;
  std::vector<Completion> syncs_;
  std::deque<Logged> log_;
  std::map<uint64_t, Asked> by_gate_;         // by ticket
  std::map<Line, std::deque<Asked>> behind_;  // of lines with something held
  uint64_t last_ticket_ = 0;
  int64_t last_session_ = 0x100;
};

}  // namespace conclave::replica
