// Builds small histories, one line an event. Each call happens 10 ms after the one before: invoked, applied 4 ms later,
// answered 8 ms later, rightly. A test then spoils what it is about in `history`. For tests alone.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "sim/check/testing_tree.h"

namespace conclave::sim::check::testing {

inline Call create(std::string path, Bytes data = {}) {
  return {.action = Action::create, .path = std::move(path), .data = std::move(data)};
}
inline Call ephemeral(std::string path, Bytes data = {}) {
  return {.action = Action::create, .path = std::move(path), .data = std::move(data), .ephemeral = true};
}
inline Call sequential(std::string path, Bytes data = {}) {
  return {.action = Action::create, .path = std::move(path), .data = std::move(data), .sequential = true};
}
inline Call set(std::string path, Bytes data, int32_t version = -1) {
  return {.action = Action::set, .path = std::move(path), .data = std::move(data), .version = version};
}
inline Call remove(std::string path, int32_t version = -1) {
  return {.action = Action::remove, .path = std::move(path), .data = {}, .version = version};
}
inline Call check(std::string path, int32_t version) {
  return {.action = Action::check, .path = std::move(path), .data = {}, .version = version};
}
inline Call get(std::string path) {
  return {.action = Action::get, .path = std::move(path), .data = {}};
}
inline Call exists(std::string path) {
  return {.action = Action::exists, .path = std::move(path), .data = {}};
}
inline Call children(std::string path) {
  return {.action = Action::children, .path = std::move(path), .data = {}};
}

class Story {
 public:
  History history;

  Story() { append(SessionId(), {EpochStarted{}}); }

  Operation& op(size_t i) { return history.operations.at(i); }
  Transaction& last() { return history.log.back(); }
  Zxid head() const { return history.log.back().zxid; }
  Instant now() const { return now_; }
  void pass(Duration time) { now_ = now_ + time; }

  // --- sessions
  ClientId client(Duration timeout = Duration::seconds(10)) {
    const ClientId id = ++clients_;
    const SessionId session(0x100 + id);
    append(session, {SessionOpened{session, timeout}});
    pass(kStep);
    timeouts_[id] = timeout;
    connect(id);
    return id;
  }
  static SessionId session_of(ClientId client) { return SessionId(0x100 + client); }
  void connect(ClientId client) { note(client, SessionChange::connected); }
  void connect_read_only(ClientId client) { note(client, SessionChange::connected_read_only); }
  void disconnect(ClientId client) { note(client, SessionChange::disconnected); }
  // A ping and its answer.
  void ping(ClientId client) {
    history.signs_of_life.push_back({client, session_of(client), now_, now_ + Duration::millis(1)});
    pass(kStep);
  }
  // The cell closes the session by itself; the client learns of it.
  void expire(ClientId client, bool tell = true) {
    const SessionId session = session_of(client);
    append(SessionId(), {SessionClosed{session, tree_.owned_by(session)}});
    pass(kStep);
    if (tell) note(client, SessionChange::expired);
  }
  size_t close(ClientId client) {
    const size_t i = invoke(client, {.action = Action::close_session, .path = {}, .data = {}});
    append(session_of(client), {SessionClosed{session_of(client), tree_.owned_by(session_of(client))}}, kApply);
    answer(i, head(), {});
    note(client, SessionChange::closed);
    return i;
  }

  // --- writes, at the head of the log
  size_t write(ClientId client, const Call& call) {
    const size_t i = invoke(client, call);
    Tree::Outcome out = run({call}, client);
    answer(i, head(), out.answers.front());
    return i;
  }
  size_t multi(ClientId client, std::vector<Call> parts) {
    const size_t i = invoke(client, {.action = Action::multi, .path = {}, .data = {}});
    Tree::Outcome out = run(parts, client);
    op(i).parts = std::move(parts);
    op(i).part_answers = out.answers;
    answer(i, head(), {.code = out.code, .stat = {}});
    return i;
  }
  // The answer is lost; the effect is there or not.
  size_t lose(ClientId client, const Call& call, bool effect) {
    const size_t i = invoke(client, call);
    if (effect) run({call}, client);
    pass(kStep);
    op(i).answer.code = Code::connection_loss;
    op(i).completed = now_;
    op(i).seen = ++seen_[client];
    return i;
  }
  // The lost write takes effect only now.
  void take_effect(size_t i) { run({op(i).call}, op(i).client); }

  // --- reads, at the head of the log or at an older state
  size_t read(ClientId client, const Call& call) { return read_at(client, call, head()); }
  size_t watch(ClientId client, const Call& call) {
    const size_t i = read(client, call);
    op(i).watch = true;
    return i;
  }
  size_t read_at(ClientId client, const Call& call, Zxid zxid) {
    const size_t i = invoke(client, call);
    answer(i, zxid, states_.at(zxid).read(call.action, call.path));
    return i;
  }
  size_t sync(ClientId client) {
    const size_t i = invoke(client, {.action = Action::sync, .path = {}, .data = {}});
    answer(i, head(), {});
    return i;
  }
  // Told now; `watch` is the read that set it.
  void event(size_t watch, EventKind kind) {
    const Operation& op = history.operations.at(watch);
    history.watch_events.push_back({op.client, kind, op.call.path, now_, ++seen_[op.client], watch});
    pass(kStep);
  }

  // A new master.
  void new_epoch() { append(SessionId(), {EpochStarted{}}, {}, true); }
  // A transaction out of nowhere.
  void append(SessionId session, std::vector<Change> changes, Duration after = {}, bool new_epoch = false) {
    Zxid zxid(Epoch(1), 1);
    if (!history.log.empty()) {
      zxid = new_epoch ? Zxid(Epoch(head().epoch().value + 1), 1) : Zxid(head().value + 1);
    }
    for (const Change& change : changes) tree_.apply(change, zxid);
    commit(zxid, session, std::move(changes), after);
  }

 private:
  static constexpr Duration kStep = Duration::millis(10);
  static constexpr Duration kApply = Duration::millis(4);
  static constexpr Duration kAnswer = Duration::millis(8);

  size_t invoke(ClientId client, const Call& call) {
    history.operations.push_back(
        {.client = client, .session = session_of(client), .call = call, .parts = {}, .invoked = now_});
    return history.operations.size() - 1;
  }
  void answer(size_t i, Zxid zxid, Answer answer) {
    op(i).answered = true;
    op(i).completed = now_ + kAnswer;
    op(i).seen = ++seen_[op(i).client];
    op(i).zxid = zxid;
    op(i).answer = std::move(answer);
    history.signs_of_life.push_back({op(i).client, op(i).session, op(i).invoked, op(i).completed});
    pass(kStep);
  }
  Tree::Outcome run(const std::vector<Call>& calls, ClientId client) {
    const Zxid zxid(head().value + 1);
    Tree::Outcome out = tree_.run(calls, session_of(client), zxid);
    const bool only_check = calls.size() == 1 && calls.front().action == Action::check;
    if (out.code == Code::ok && !only_check) commit(zxid, session_of(client), out.changes, kApply);
    return out;
  }
  void commit(Zxid zxid, SessionId session, std::vector<Change> changes, Duration after) {
    history.log.push_back({.zxid = zxid,
                           .index = Index(history.log.size() + 1),
                           .session = session,
                           .first_applied = now_ + after,
                           .changes = std::move(changes)});
    states_[zxid] = tree_;
  }
  void note(ClientId client, SessionChange change) {
    history.session_events.push_back({client, session_of(client), change, timeouts_[client], now_, ++seen_[client]});
  }

  Instant now_{1'000'000};
  ClientId clients_ = 0;
  std::map<ClientId, Duration> timeouts_;
  std::map<ClientId, uint64_t> seen_;
  Tree tree_;
  std::map<Zxid, Tree> states_;
};

// The messages of a checker, one a line; empty when it found nothing.
inline std::string text_of(const Violations& violations) {
  std::string out;
  for (const Violation& v : violations) out += v.checker + ": " + v.what + "\n";
  return out;
}

}  // namespace conclave::sim::check::testing
