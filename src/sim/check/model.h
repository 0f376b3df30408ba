// The tree in all its versions: the log replayed by ZooKeeper's rules, written without a look at the product's state
// code. For every path, and for every parent's list of children, it keeps what was true at each zxid. Pure; refers to
// the history, which outlives it.
//
// What it recomputes: czxid, mzxid, pzxid (of the last create or delete of a child), version, cversion (creates and
// deletes of children), data_length, num_children, owner, and the number of creates, which names sequential nodes.
//
// While it replays it notes what cannot be (check_model): a create of what is there, a delete of what is not or has
// children, an ephemeral node of a session that is not open, a close that removes other nodes than exactly its
// ephemerals (B46), a transaction of a session that is not open, a break in the primary order.
//
// A fresh cell has "/" and "/zookeeper/{config,quota}". Their numbers are the product's own matter: see `is_judged`.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "sim/check/history.h"

namespace conclave::sim::check {

// A place in the log: a transaction, and a change within it.
struct Position {
  Zxid zxid;
  uint32_t change = 0;
  friend auto operator<=>(const Position&, const Position&) = default;
};
constexpr Position after_all_of(Zxid zxid) {
  return {zxid, UINT32_MAX};
}
constexpr Position before_all_of(Zxid zxid) {
  return {zxid, 0};
}

struct Node {
  BytesView data;
  NodeStat stat;
  int32_t creates = 0;  // children ever created: the next sequential suffix
};

// Something that fires watches of a node.
struct NodeEvent {
  Position at;
  EventKind kind = EventKind::created;
};

std::string_view parent_of(std::string_view path);
// False for "/" and what lies beneath "/zookeeper": the cell writes there itself.
bool is_judged(std::string_view path);

class Model {
 public:
  struct Session {
    Duration timeout;
    size_t opened = 0;             // position in History::log
    std::optional<size_t> closed;  // likewise
  };

  explicit Model(const History& history);

  // --- the tree. Null: no such node then
  const Node* node(std::string_view path, Position at) const;
  const Node* node(std::string_view path, Zxid at) const { return node(path, after_all_of(at)); }
  // As the change at this place found it.
  const Node* node_before(std::string_view path, Position at) const;
  // Names of the children, sorted.
  std::vector<std::string> children(std::string_view path, Zxid at) const;

  // The first creation, deletion or change of data after all of `after`; the first change of the list of children, or
  // deletion.
  std::optional<NodeEvent> first_data_event(std::string_view path, Zxid after) const;
  std::optional<NodeEvent> first_children_event(std::string_view path, Zxid after) const;
  // Adds the zxids in (after, until] that changed anything about the node.
  void add_changes(std::string_view path, Zxid after, Zxid until, std::vector<Zxid>* out) const;

  // --- the log
  // Position of the transaction in History::log.
  std::optional<size_t> find(Zxid zxid) const;
  // Null: never opened.
  const Session* session(SessionId id) const;
  // The zxid of the last transaction that a replica had applied at that time.
  Zxid applied_by(Instant time) const;

  const Violations& violations() const { return violations_; }

 private:
  struct Version {
    Position at;
    bool exists = false;
    Node node;
  };
  struct ChildChange {
    Position at;
    std::string_view name;
    bool added = false;
  };
  struct Timeline {
    std::vector<Version> versions;
    std::vector<NodeEvent> data_events;
    std::vector<NodeEvent> children_events;
    std::set<std::string_view> names;  // now
    std::vector<ChildChange> child_changes;
    std::vector<std::vector<std::string_view>> checkpoints;  // the names before each kCheckpoint-th change
  };
  static constexpr size_t kCheckpoint = 32;

  const Timeline* timeline(std::string_view path) const;
  Node* current(std::string_view path);
  void add_root(std::string_view path);
  Node& change(std::string_view path);
  void change_children(std::string_view parent, std::string_view name, bool added);
  void remove(std::string_view path);

  void check_order(const Transaction* previous, const Transaction& transaction);
  void check_session(const Transaction& transaction);
  void apply(const EpochStarted& started);
  void apply(const Created& created);
  void apply(const Removed& removed);
  void apply(const DataSet& set);
  void apply(const Checked& checked);
  void apply(const SessionOpened& opened);
  void apply(const SessionClosed& closed);
  void apply(const Other& other);
  void complain(std::string what);

  const History& history_;
  size_t applying_ = 0;  // position in the log
  Position at_;
  std::unordered_map<std::string_view, Timeline> timelines_;  // never iterated
  std::map<SessionId, Session> sessions_;
  std::map<SessionId, std::set<std::string_view>> ephemerals_;
  Violations violations_;
};

// What the replay found.
Violations check_model(const History& history);

}  // namespace conclave::sim::check
