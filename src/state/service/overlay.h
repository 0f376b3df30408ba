// The speculative view of the master: the applied state plus what its proposed, not yet applied transactions will make
// of it. One record per path that such a transaction touches, holding the node as it will be; a record goes when the
// last transaction that touched it is applied. Private to state/service. Loop thread only.
//
// Invariants:
//   O1  find() answers as the tree will once every proposed transaction is applied.
//   O2  Between begin() and commit() or rollback() edits belong to one transaction; rollback() leaves no trace.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_map.h"
#include "base/checksum.h"
#include "state/service/core.h"
#include "state/service/pending_calls.h"

namespace conclave::state {

// A node as the evaluator needs to know it.
struct NodeState {
  bool exists = false;
  NodeKind kind = NodeKind::persistent;
  SessionId owner;
  int64_t ttl_ms = 0;
  int64_t mtime_ms = 0;
  int64_t creates = 0;
  int32_t version = 0;
  int32_t aversion = 0;
  Zxid czxid, mzxid;
  uint64_t children = 0;
  uint64_t data_size = 0;
  std::shared_ptr<const Acl> acl;
  std::shared_ptr<const Lock> lock;   // null: never locked
  std::shared_ptr<const Bytes> data;  // only of the nodes that keeps_data() names
};

// A session as the evaluator needs to know it.
struct SessionState {
  ReplicaId owner;
  BytesView password;
};

class Overlay final : public AclFiles {
 public:
  Overlay(const Core& core, bool with_quotas);

  // Null when there is no such node. The answer may live in `*scratch`; it is good until the next edit.
  const NodeState* find(std::string_view path, NodeState* scratch) const;
  // The pending state of `path`, made from the applied one when there is none yet. Stable until commit or rollback.
  // REQUIRES: begin() was called.
  NodeState& edit(std::string_view path);
  // What the evaluator has to read: the files that ACLs name, and what is beneath /zookeeper/quota when quotas are
  // enforced.
  bool keeps_data(std::string_view path) const;
  // As it will be. Good until the next edit.
  BytesView acl_file(std::string_view name) const override;
  // Says that the pending node at `path` is an ephemeral of `owner`. REQUIRES: edit(path) was called.
  void note_ephemeral(SessionId owner, std::string_view path);

  // Says that the pending lock of `path` is held by the session too. REQUIRES: edit(path) was called.
  void note_lock(SessionId session, std::string_view path);

  void begin();
  void commit(Zxid zxid);
  void rollback();
  // Everything up to `zxid` is applied.
  void drop_through(Zxid zxid);

  // Nothing: not open. Good until the next change of sessions or transaction applied.
  std::optional<SessionState> session(SessionId id) const;
  void open_session(SessionId id, BytesView password, ReplicaId owner, Zxid zxid);
  // REQUIRES: open.
  void move_session(SessionId id, ReplicaId owner, Zxid zxid);
  void close_session(SessionId id, Zxid zxid);
  PendingCalls& calls() { return calls_; }
  const PendingCalls& calls() const { return calls_; }
  // Paths, sorted.
  std::vector<std::string> ephemerals_of(SessionId id) const;
  // What the session holds, and did not lose, sorted by path and handle.
  struct HeldLock {
    std::string path;
    LockPlace place;
  };
  std::vector<HeldLock> locks_of(SessionId id) const;

  // Subtrees with a limit in the speculative view; empty unless quotas are enforced.
  const QuotaIndex& quotas() const { return quotas_; }
  void note_created(std::string_view path);
  void note_deleted(std::string_view path);
  // Nodes and bytes in a subtree of the speculative view.
  struct Counts {
    int64_t nodes = 0;
    int64_t bytes = 0;
  };
  Counts count_subtree(std::string_view subtree) const;

  // Of the cell. It comes with the first fact of an epoch, so that what is applied tells.
  bool has_secret() const { return !core_.secret.empty(); }

  size_t size() const { return records_.size(); }

 private:
  struct Record {
    std::string path;
    NodeState state;
    uint64_t transactions = 0;       // proposed and not applied ones that touched it
    uint64_t bracket = 0;            // the begin() that last touched it
    std::vector<SessionId> owners;   // sessions whose pending_ephemerals_ list it
    std::vector<SessionId> lockers;  // and whose pending_locks_ do
    mutable uint64_t visit = 0;      // of count_subtree
  };
  struct Touched {
    Record* record;
    bool made;  // by this transaction
    NodeState before;
  };
  struct SessionChange {
    Zxid zxid;
    bool open = false;
    ReplicaId owner = {};
    Bytes password = {};
  };
  struct PathHash {
    size_t operator()(std::string_view path) const { return xxh3_64(path); }
  };

  NodeState applied_state(std::string_view path) const;
  void forget(Record* record);

  // Paths by session. Paths that are listed and no longer true do no harm.
  using Pending = absl::btree_map<SessionId, absl::btree_set<std::string, std::less<>>>;
  static void note(Pending& pending, std::vector<SessionId>& sessions, SessionId session, std::string_view path);
  static void drop(Pending& pending, const std::vector<SessionId>& sessions, std::string_view path);

  const Core& core_;
  const bool with_quotas_;
  // Keys are views of the records' paths. Never iterated.
  absl::flat_hash_map<std::string_view, std::unique_ptr<Record>, PathHash, std::equal_to<std::string_view>> records_;
  std::deque<std::pair<Zxid, Record*>> proposed_;  // in order
  std::vector<Touched> touched_;                   // by the transaction in the making
  uint64_t bracket_ = 0;
  mutable uint64_t visit_ = 0;
  absl::btree_map<SessionId, SessionChange> sessions_;
  PendingCalls calls_;
  Pending pending_ephemerals_;
  Pending pending_locks_;
  QuotaIndex quotas_;
  std::vector<std::pair<std::string, bool>> quota_changes_;  // of the transaction in the making: path, created
};

}  // namespace conclave::state
