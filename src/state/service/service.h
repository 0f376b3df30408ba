// The whole replicated state of a cell: tree, sessions, digest. `apply` is pure, total and idempotent and runs on every
// replica; `evaluate` (evaluator.h) runs on the master only. Loop thread only; no clock, no I/O.
//
// Invariants:
//   S1  Equal sequences of applied transactions give equal digests, on every replica (B51).
//   S2  A transaction applies only if its zxid is the next counter of the epoch last applied, or counter 1 of a higher
//       epoch; anything else is skipped alike everywhere (primary order).
//   S3  Every ephemeral node belongs to a live session; closing a session removes all of them in one transaction.
//   S4  The requests of a session come from its owner: whoever else asks is refused, from the fact on that makes a new
//       owner (ADR 10).
//   S5  A lock is held by open sessions only; the closing of a session releases or loses all of its locks in the same
//       transaction (CH-35, CH-39).
//   S6  What a session's request of some number did is done once, and its reply kept until a later numbered fact of the
//       session says that the client has it. Numbers take effect in their order (RP-02).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "state/lock/lock_table.h"
#include "state/txn/outcome.h"
#include "state/txn/request.h"
#include "state/txn/transaction.h"

namespace conclave::state {

// What happened to one node: the material of watches. Within one transaction, in the order ZooKeeper fires them.
enum class NodeEventKind : uint8_t { created, deleted, data_changed, children_changed };
struct NodeEvent {
  NodeEventKind kind;
  std::string path;
  // Who may be told: the node's ACL as the event sees it (for a deleted node, the one it had). Shared, never null.
  std::shared_ptr<const Acl> acl;
};

struct Applied {
  bool skipped = false;  // by the primary-order rule (S2): nothing changed
  Zxid zxid;
  SessionId session;
  RequestTag origin;
  Outcome outcome;
  std::vector<NodeEvent> events;
  std::vector<SessionId> closed_sessions;
  std::vector<MoveSessionTxn> moved_sessions;
  std::vector<std::string> acquired_locks;
  std::vector<std::string> released_locks;  // a holder let go, or a lock-delay is over; not of deleted nodes
  std::vector<LockClaim> lost_locks;        // their lock-delay begins
};

struct SessionView {
  SessionId id;
  int64_t timeout_ms = 0;
  BytesView password;  // 16 bytes
  ReplicaId owner;     // where its client is connected; no other replica's requests for it are taken
  bool caching = false;
};

// The reply to a numbered request that was done.
struct CallReply {
  Zxid zxid;
  Outcome outcome;
};

// What a read finds. Pointers and views are valid until the next apply.
struct NodeView {
  BytesView data;
  Stat stat;
  bool data_is_null = false;  // then `data` is empty
  NodeKind kind = NodeKind::persistent;
};

class SnapshotCursor;

class Service {
 public:
  Service();
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  // Applies a transaction of the log. Never fails: a fact that does not fit the state is a broken invariant (asserts).
  Applied apply(const Transaction& txn);

  Zxid last_zxid() const;
  int64_t last_time_ms() const;
  // Of the cell: the same on every replica and under every master, told to nobody. Empty until the first fact that
  // brings one. Valid until the next apply.
  BytesView cell_secret() const;
  // Payload of the last membership entry that was applied (consensus/api/membership.h); opaque here, in snapshots, and
  // not in the digest: it has no zxid. Empty: the founding membership is in force. Valid until the next one.
  BytesView membership() const;
  void set_membership(BytesView payload);
  // Order-independent sum over all nodes, sessions and the last zxid; equal on all replicas at equal zxid (S1).
  uint64_t digest() const;

  // --- reads (all local; the caller decides how fresh they must be). Codes: no_node, no_auth, bad_arguments. As in
  // ZooKeeper a malformed path is simply not there, and "" is the root.
  std::expected<NodeView, Code> get(std::string_view path, const Identities& who) const;  // needs kRead
  std::expected<Stat, Code> stat(std::string_view path, const Identities& who) const;     // ZooKeeper: no permission
  // Names, sorted. Needs kRead.
  std::expected<std::vector<std::string_view>, Code> children(std::string_view path, const Identities& who) const;
  // Needs kRead or kAdmin; without kAdmin the hashes of `digest` ids are hidden.
  std::expected<Acl, Code> acl(std::string_view path, const Identities& who) const;
  // Number of all descendants. Needs kRead.
  std::expected<int32_t, Code> count_descendants(std::string_view path, const Identities& who) const;
  bool exists(std::string_view path) const;
  // Does `acl` grant `permission` to one of `who`? "super" may do everything. The files that it names (CH-26) are read
  // as they are now.
  bool permitted(const Acl& acl, uint32_t permission, const Identities& who) const;

  // --- sessions
  std::optional<SessionView> session(SessionId id) const;
  std::vector<SessionView> sessions() const;  // sorted by id
  size_t session_count() const;
  std::vector<std::string> ephemerals(SessionId id) const;  // sorted paths
  // The reply kept for a numbered request (S6). Null: not done, or acknowledged. Valid until the next apply.
  const CallReply* call_reply(SessionId id, uint64_t number) const;
  // Container nodes that are empty and had a child once, TTL nodes that are empty and past their time: due at `now_ms`.
  std::vector<std::string> due_for_reaping(int64_t now_ms) const;
  // Nodes that go when nobody has them open, with their instance (CH-23), by path.
  std::vector<std::pair<std::string, Zxid>> nodes_that_live_while_open() const;

  // --- locks
  // Null: the node was never locked. Valid until the next apply.
  const Lock* lock(std::string_view path) const;
  // Locks by path and holder: what an open session holds, and every one that was lost and has its lock-delay before it.
  std::vector<LockClaim> locks_held(SessionId id) const;
  std::vector<LockClaim> locks_lost() const;
  // All of them, by path. Valid until the next apply.
  const LockTable::Map& locks() const;
  size_t lock_count() const;  // of nodes that were ever locked

  // --- figures
  uint64_t node_count() const;
  uint64_t ephemeral_count() const;
  uint64_t approximate_data_bytes() const;

  // --- snapshots. A cursor emits the state exactly as it is when the cursor is made, chunk by chunk, while apply goes
  // on: a node that changes before its turn is emitted in its old form first. One cursor at a time.
  std::unique_ptr<SnapshotCursor> begin_snapshot();
  // Replaces the whole state, emptying it at once. Feed the chunks in order, then finish. On an error, or when the
  // loader dies unfinished, the state is that of a fresh cell. REQUIRES: no cursor and no evaluator is alive.
  class Loader;
  std::unique_ptr<Loader> begin_load();

 private:
  friend class Evaluator;
  friend class SnapshotCursor;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

class SnapshotCursor {
 public:
  virtual ~SnapshotCursor() = default;
  // Appends about `size_hint` bytes to `out`; false when the snapshot is complete (out may still have received bytes).
  virtual bool next(size_t size_hint, Bytes* out) = 0;
  virtual uint64_t nodes_total() const = 0;
  virtual uint64_t nodes_emitted() const = 0;
};

class Service::Loader {
 public:
  virtual ~Loader() = default;
  virtual Result<> feed(BytesView chunk) = 0;  // chunks may be cut anywhere
  virtual Result<> finish() = 0;               // checks completeness and the digest
};

}  // namespace conclave::state
