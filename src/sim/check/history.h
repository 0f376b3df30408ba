// What a checker looks at: everything that clients asked and were told, in true (virtual) time, and the log that the
// cell committed. Written by sim/cluster while a run goes on, or by hand in tests. Plain data; no checker sees the
// product's state code, so an error there cannot hide itself here.
//
// Order. `invoked` and `completed` are true time and compare between clients. `seen` counts what one client was told,
// completions and watch events alike, in the order it was told: it compares within one client only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/time.h"

namespace conclave::sim::check {

using ClientId = uint32_t;  // one per session object of a client program, from 1; never used for two sessions

// ZooKeeper's error codes, as far as checkers know their meaning. Any other number is passed through.
enum class Code : int32_t {
  ok = 0,
  connection_loss = -4,
  bad_arguments = -8,
  no_node = -101,
  bad_version = -103,
  no_children_for_ephemerals = -108,
  node_exists = -110,
  not_empty = -111,
  session_expired = -112,
  session_moved = -118,
  not_read_only = -119,
};

// ---------------------------------------------------------------- what clients did

enum class Action : uint8_t { create, remove, set, check, get, exists, children, sync, multi, close_session };
constexpr bool is_write(Action a) {
  return a == Action::create || a == Action::remove || a == Action::set || a == Action::multi ||
         a == Action::close_session;
}
constexpr bool is_read(Action a) {
  return a == Action::get || a == Action::exists || a == Action::children;
}

// The numbers of a node that checkers compare: ZooKeeper's Stat without times.
struct NodeStat {
  Zxid czxid, mzxid, pzxid;
  int32_t version = 0;
  int32_t cversion = 0;
  int32_t data_length = 0;
  int32_t num_children = 0;
  SessionId ephemeral_owner;  // 0: none
  friend bool operator==(const NodeStat&, const NodeStat&) = default;
};

// One call, or one part of a multi.
struct Call {
  Action action = Action::get;
  std::string path;
  Bytes data;            // create, set. Workloads make it unique within a history, so that its fact can be recognised
  int32_t version = -1;  // set, remove, check: the version asked for; -1: any
  bool ephemeral = false;
  bool sequential = false;
};

// What one call, or one part of a multi, was answered.
struct Answer {
  Code code = Code::ok;
  std::string created;                // create: the path made
  std::optional<NodeStat> stat;       // create, set, get, exists, children when ok, where the protocol gives it
  Bytes data;                         // get
  std::vector<std::string> children;  // children: names, sorted
};

struct Operation {
  ClientId client = 0;
  SessionId session;  // 0: the session was not made yet when it was asked
  Call call;
  std::vector<Call> parts;  // multi: create, remove, set, check
  bool watch = false;       // a one-shot watch was asked for with this read

  Instant invoked;
  // Nothing: never answered, or connection_loss, or the run ended. The effect of a write is then unknown: once or
  // never.
  bool answered = false;
  Instant completed;  // when the client was told; also for connection_loss (code says so). Valid if `seen` != 0
  uint64_t seen = 0;  // place in the client's order of being told; 0: it was never told anything
  Zxid zxid;          // of the reply's header. Writes: their transaction. Reads: the state they show. Errors: what the
                      // answering replica had applied
  Answer answer;
  std::vector<Answer> part_answers;  // multi
};

// ---------------------------------------------------------------- what clients were told without asking

enum class WatchKind : uint8_t { data, exists, children };  // by get, by exists, by children
enum class EventKind : uint8_t { created, deleted, data_changed, children_changed };

struct WatchEvent {
  ClientId client = 0;
  EventKind kind = EventKind::created;
  std::string path;
  Instant at;
  uint64_t seen = 0;
  size_t registered_by = 0;  // History::operations: the read whose watch function was called
};

// What a session went through as its client knows it, in order. connected_read_only: to a replica that has lost the
// cell and serves reads alone; a session that began so is not in the log.
enum class SessionChange : uint8_t { connected, connected_read_only, disconnected, expired, closed };
struct SessionEvent {
  ClientId client = 0;
  SessionId session;
  SessionChange change = SessionChange::connected;
  Duration timeout;  // connected: what the cell granted
  Instant at;
  uint64_t seen = 0;
};

// The client sent something at `sent` and had an answer of any kind (a reply, a pong) by `answered`: the cell heard it
// in between. Per client in order; only the newest few before each silence are needed.
struct SignOfLife {
  ClientId client = 0;
  SessionId session;
  Instant sent;
  Instant answered;
};

// ---------------------------------------------------------------- what the cell committed

struct Created {
  std::string path;
  Bytes data;
  SessionId owner;  // ephemeral
};
struct Removed {
  std::string path;
};
struct DataSet {
  std::string path;
  Bytes data;
};
struct Checked {
  std::string path;
};
struct SessionOpened {
  SessionId session;
  Duration timeout;
};
struct SessionClosed {
  SessionId session;
  std::vector<std::string> ephemerals;  // removed with it
};
struct EpochStarted {};
// Changes that checkers pass over: ACLs, and that a session goes on at another replica.
struct Other {
  std::string path;
};
using Change = std::variant<EpochStarted, Created, Removed, DataSet, Checked, SessionOpened, SessionClosed, Other>;

// One transaction of the log that took effect (was not skipped by the primary-order rule).
struct Transaction {
  Zxid zxid;
  Index index;
  SessionId session;            // who asked; 0: the cell itself
  Instant first_applied;        // true time at which the first replica applied it
  std::vector<Change> changes;  // several for a multi
};

// ---------------------------------------------------------------- all of it

struct History {
  std::vector<Operation> operations;         // by time of invocation
  std::vector<WatchEvent> watch_events;      // by time
  std::vector<SessionEvent> session_events;  // by time
  std::vector<SignOfLife> signs_of_life;     // by `answered`
  std::vector<Transaction> log;              // by zxid, complete up to the last one any replica applied
  Instant ended;                             // of the run
  // While nothing stood in the way, in true time: a quorum of replicas up and connected, and the clients too. Expiry is
  // only demanded in time while it was so.
  std::vector<std::pair<Instant, Instant>> healthy;
};

// What a checker found wrong, in words for a person: what was expected, what was seen, which operations.
struct Violation {
  std::string checker;
  std::string what;
  friend bool operator==(const Violation&, const Violation&) = default;
};
using Violations = std::vector<Violation>;

}  // namespace conclave::sim::check
