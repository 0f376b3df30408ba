// A small correct cell with random clients, as a source of histories: one log, a replica for every client that follows
// it at its own pace, operations in flight side by side and pipelined, connections that break with the fate of what was
// under way left open, sessions that close and expire, watches. For tests alone; shares no code with the checkers.
#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"
#include "sim/check/testing_history.h"

namespace conclave::sim::check::testing {

struct StoreOptions {
  uint64_t seed = 1;
  size_t clients = 5;
  size_t operations = 200;
  uint64_t breaks_per_mille = 15;  // of connections, per operation
  Duration timeout = Duration::millis(200);
};

class Store {
 public:
  explicit Store(const StoreOptions& options) : options_(options), random_(options.seed) {}

  History run() {
    commit(SessionId(), {EpochStarted{}});
    for (ClientId id = 1; id <= options_.clients; ++id) open(id);
    while (!agenda_.empty()) {
      const auto next = agenda_.begin();
      now_ = next->first.first;
      const auto task = std::move(next->second);
      agenda_.erase(next);
      task();
    }
    history_.ended = now_;
    return std::move(history_);
  }

 private:
  struct Watch {
    size_t operation = 0;
    bool waits_for_creation = false;
  };
  struct Flight {
    size_t operation = 0;
    bool evaluated = false;
    Code code = Code::ok;
    std::vector<Answer> answers;
    Zxid zxid;  // of the transaction, or up to where the master looked
    bool transaction = false;
  };
  struct Client {
    ClientId id = 0;
    SessionId session;
    Tree replica;
    Zxid view;
    bool connected = true;
    bool over = false;
    uint64_t connection = 0;  // counts: tasks of an old one do nothing
    uint64_t seen = 0;
    Instant evaluate_next;
    std::deque<Flight> flights;
    std::vector<Watch> watches;
    std::string read_next;  // after a sync
  };

  Duration within(uint64_t low_us, uint64_t high_us) {
    return Duration::micros(static_cast<int64_t>(random_.between(low_us, high_us)));
  }
  void at(Instant when, std::function<void()> task) { agenda_.emplace(std::pair(when, ++tasks_), std::move(task)); }
  void after(Duration delay, std::function<void()> task) { at(now_ + delay, std::move(task)); }
  Zxid head() const { return history_.log.back().zxid; }

  void commit(SessionId session, std::vector<Change> changes) {
    const Zxid zxid = history_.log.empty() ? Zxid(Epoch(1), 1) : Zxid(head().value + 1);
    history_.log.push_back({.zxid = zxid,
                            .index = Index(history_.log.size() + 1),
                            .session = session,
                            .first_applied = now_,
                            .changes = std::move(changes)});
  }

  // --- the life of a session

  void open(ClientId id) {
    Client& c = clients_[id];
    c.id = id;
    c.session = SessionId(0x100 + id);
    commit(c.session, {SessionOpened{c.session, options_.timeout}});
    advance(&c, head());
    note(&c, SessionChange::connected);
    history_.signs_of_life.push_back({id, c.session, now_, now_});
    after(within(1, 5000), [this, &c] { turn(&c); });
  }

  void note(Client* c, SessionChange change) {
    history_.session_events.push_back({c->id, c->session, change, options_.timeout, now_, ++c->seen});
  }

  void turn(Client* c) {
    if (c->over) return;
    if (history_.operations.size() >= options_.operations) return end(c);
    if (c->connected) {
      if (random_.chance(options_.breaks_per_mille, 1000)) {
        lose_connection(c);
      } else if (random_.chance(1, 800)) {
        return crash(c);
      } else if (c->flights.size() < 3) {
        invoke(c, draw(c));
      }
    }
    after(within(100, 12'000), [this, c] { turn(c); });
  }

  void end(Client* c) {
    c->over = true;
    if (c->connected && random_.chance(1, 2)) {
      invoke(c, {.action = Action::close_session, .path = {}, .data = {}});
    }
  }

  // What was under way takes effect up to some point; the client hears nothing of it.
  void abandon(Client* c, bool tell) {
    bool goes_on = true;
    for (Flight& flight : c->flights) {
      goes_on = goes_on && (flight.evaluated || random_.chance(1, 2));
      if (goes_on && !flight.evaluated) at(next_evaluation(c), [this, c, flight] { evaluate(c, flight.operation); });
      Operation& op = history_.operations[flight.operation];
      if (!tell) continue;
      op.answer.code = Code::connection_loss;
      op.completed = now_;
      op.seen = ++c->seen;
    }
    c->flights.clear();
    ++c->connection;
    c->connected = false;
    c->read_next.clear();
  }

  void lose_connection(Client* c) {
    abandon(c, true);
    note(c, SessionChange::disconnected);
    // All that still takes effect does so before the session moves.
    at(next_evaluation(c) + within(1, 20'000), [this, c] { reconnect(c); });
  }

  void reconnect(Client* c) {
    const Zxid before = c->view;
    const Zxid state(random_.between(before.value, head().value));
    for (const Transaction& transaction : history_.log) {
      if (transaction.zxid <= c->view || transaction.zxid > state) continue;
      for (const Change& change : transaction.changes) c->replica.apply(change, transaction.zxid);
    }
    c->view = state;
    c->connected = true;
    note(c, SessionChange::connected);
    for (const Watch& watch : std::exchange(c->watches, {})) {
      const std::string& path = history_.operations[watch.operation].call.path;
      const bool there = c->replica.has(path);
      const bool listed = history_.operations[watch.operation].call.action == Action::children;
      if (watch.waits_for_creation) {
        there ? tell(c, watch, EventKind::created) : c->watches.push_back(watch);
      } else if (!there) {
        tell(c, watch, EventKind::deleted);
      } else if (listed ? c->replica.at(path).pzxid > before : c->replica.at(path).mzxid > before) {
        tell(c, watch, listed ? EventKind::children_changed : EventKind::data_changed);
      } else {
        c->watches.push_back(watch);
      }
    }
  }

  // The program dies; its session expires.
  void crash(Client* c) {
    abandon(c, false);
    c->over = true;
    const Instant silent_since = last_sign_[c->id];
    at(std::max(silent_since + options_.timeout, now_) + within(1000, 50'000),
       [this, c] { commit_close(c->session, SessionId()); });
  }

  void commit_close(SessionId session, SessionId asked_by) {
    SessionClosed closed{session, master_.owned_by(session)};
    master_.apply(closed, Zxid(head().value + 1));
    commit(asked_by, {closed});
  }

  // --- operations

  Call draw(Client* c) {
    if (!c->read_next.empty())
      return random_.chance(3, 4) ? get(std::exchange(c->read_next, {})) : exists(std::exchange(c->read_next, {}));
    static const std::vector<std::string> kPaths{"/a", "/b", "/c", "/a/x", "/a/y", "/b/z"};
    const std::string path = kPaths[random_.below(kPaths.size())];
    const uint64_t die = random_.below(100);
    if (die < 22) return set(path, fresh(), guess(path));
    if (die < 36) return create(path, fresh());
    if (die < 43) return remove(path, guess(path));
    if (die < 47) return sequential("/a/s-", fresh());
    if (die < 50) return ephemeral(fmt::format("/b/e{}", random_.below(3)), fresh());
    if (die < 54) return check(path, guess(path));
    if (die < 60) return {.action = Action::multi, .path = {}, .data = {}};
    if (die < 75) {
      c->read_next = path;
      return {.action = Action::sync, .path = {}, .data = {}};
    }
    if (die < 86) return get(path);
    if (die < 93) return exists(path);
    return children(random_.chance(1, 2) ? "/a" : "/b");
  }

  Bytes fresh() { return fmt::format("d{}", ++data_); }
  int32_t guess(const std::string& path) {
    if (random_.chance(1, 2) || !master_.has(path)) return -1;
    return master_.at(path).version - (random_.chance(1, 5) ? 1 : 0);
  }

  void invoke(Client* c, const Call& call) {
    const size_t i = history_.operations.size();
    history_.operations.push_back({.client = c->id, .session = c->session, .call = call, .parts = {}, .invoked = now_});
    Operation& op = history_.operations.back();
    if (call.action == Action::multi) {
      for (uint64_t n = random_.between(2, 3); n > 0; --n) {
        Call part = set("/a", fresh(), guess("/a"));
        if (random_.chance(1, 3)) part = create(random_.chance(1, 2) ? "/a/x" : "/c", fresh());
        if (random_.chance(1, 4)) part = check("/b", guess("/b"));
        if (random_.chance(1, 5)) part = remove("/a/y");
        op.parts.push_back(part);
      }
    }
    op.watch = is_read(call.action) && random_.chance(1, 2);
    c->flights.push_back({.operation = i, .answers = {}});
    const uint64_t connection = c->connection;
    if (is_read(call.action)) return after(within(200, 4000), [this, c, connection] { pump(c, connection); });
    at(next_evaluation(c), [this, c, i, connection] {
      if (c->connection != connection) return;
      evaluate(c, i);
      after(within(200, 4000), [this, c, connection] { pump(c, connection); });
    });
  }

  // The master takes a session's requests in their order.
  Instant next_evaluation(Client* c) {
    c->evaluate_next = std::max(c->evaluate_next + Duration::micros(1), now_ + within(100, 4000));
    return c->evaluate_next;
  }

  void evaluate(Client* c, size_t i) {
    const Operation& op = history_.operations[i];
    Flight result{.operation = i, .evaluated = true, .answers = {}};
    if (op.call.action == Action::close_session) {
      commit_close(c->session, c->session);
      result.transaction = true;
    } else if (!is_read(op.call.action) && op.call.action != Action::sync) {
      const bool multi = op.call.action == Action::multi;
      Tree::Outcome outcome =
          master_.run(multi ? op.parts : std::vector<Call>{op.call}, c->session, Zxid(head().value + 1));
      result.transaction = outcome.code == Code::ok && op.call.action != Action::check;
      result.code = outcome.code;
      result.answers = std::move(outcome.answers);
      if (result.transaction) commit(c->session, std::move(outcome.changes));
    }
    result.zxid = head();
    for (Flight& flight : c->flights) {
      if (flight.operation == i) flight = result;
    }
  }

  // --- answers

  // The next answer in line, if it is known.
  void pump(Client* c, uint64_t connection) {
    if (c->connection != connection || c->flights.empty()) return;
    const Flight flight = c->flights.front();
    const Operation& op = history_.operations[flight.operation];
    if (!is_read(op.call.action) && !flight.evaluated) return;
    c->flights.pop_front();
    // Own writes behind this operation have not reached the replica yet.
    Zxid limit = head();
    for (const Flight& behind : c->flights) {
      if (behind.transaction) limit = std::min(limit, Zxid(behind.zxid.value - 1));
    }
    const Zxid least = std::max(c->view, flight.zxid);
    advance(c, flight.transaction ? flight.zxid : Zxid(random_.between(least.value, std::max(least, limit).value)));
    complete(c, flight);
    if (!c->flights.empty()) after(within(50, 3000), [this, c, connection] { pump(c, connection); });
  }

  void complete(Client* c, const Flight& flight) {
    Operation& op = history_.operations[flight.operation];
    op.answered = true;
    op.completed = now_;
    op.seen = ++c->seen;
    op.zxid = c->view;
    history_.signs_of_life.push_back({c->id, c->session, op.invoked, now_});
    last_sign_[c->id] = std::max(last_sign_[c->id], op.invoked);
    if (op.call.action == Action::multi) {
      op.answer.code = flight.code;
      op.part_answers = flight.answers;
    } else if (!flight.answers.empty()) {
      op.answer = flight.answers.front();
    } else if (is_read(op.call.action)) {
      op.answer = c->replica.read(op.call.action, op.call.path);
      const bool missing = op.answer.code == Code::no_node;
      const bool waits = missing && op.call.action == Action::exists;
      if (op.watch && (!missing || waits)) c->watches.push_back({flight.operation, waits});
    }
    if (op.call.action == Action::close_session) note(c, SessionChange::closed);
  }

  // The client's replica follows the log; what it applies fires watches.
  void advance(Client* c, Zxid target) {
    for (; c->view < target; c->view = Zxid(std::max(c->view.value + 1, history_.log.front().zxid.value))) {
      const uint64_t next = c->view.value == 0 ? 0 : c->view.value + 1 - history_.log.front().zxid.value;
      const Transaction& transaction = history_.log[next];
      for (const Change& change : transaction.changes) {
        c->replica.apply(change, transaction.zxid);
        fire(c, change);
      }
    }
  }

  void fire(Client* c, const Change& change) {
    if (const auto* created = std::get_if<Created>(&change)) fire(c, created->path, EventKind::created);
    if (const auto* set = std::get_if<DataSet>(&change)) fire(c, set->path, EventKind::data_changed);
    if (const auto* removed = std::get_if<Removed>(&change)) fire(c, removed->path, EventKind::deleted);
    if (const auto* closed = std::get_if<SessionClosed>(&change)) {
      for (const std::string& path : closed->ephemerals) fire(c, path, EventKind::deleted);
    }
  }
  void fire(Client* c, const std::string& path, EventKind kind) {
    const std::string parent = path.rfind('/') == 0 ? "/" : path.substr(0, path.rfind('/'));
    for (const Watch& watch : std::exchange(c->watches, {})) {
      const Call& call = history_.operations[watch.operation].call;
      const bool listed = call.action == Action::children;
      const bool changes_list = kind == EventKind::created || kind == EventKind::deleted;
      if (call.path == path && (!listed || kind == EventKind::deleted)) {
        tell(c, watch, kind);
      } else if (call.path == parent && listed && changes_list) {
        tell(c, watch, EventKind::children_changed);
      } else {
        c->watches.push_back(watch);
      }
    }
  }
  void tell(Client* c, const Watch& watch, EventKind kind) {
    history_.watch_events.push_back(
        {c->id, kind, history_.operations[watch.operation].call.path, now_, ++c->seen, watch.operation});
  }

  const StoreOptions options_;
  Random random_;
  History history_;
  Instant now_{1'000'000};
  std::map<std::pair<Instant, uint64_t>, std::function<void()>> agenda_;
  uint64_t tasks_ = 0;
  uint64_t data_ = 0;
  Tree master_;
  std::map<ClientId, Client> clients_;
  std::map<ClientId, Instant> last_sign_;
};

}  // namespace conclave::sim::check::testing
