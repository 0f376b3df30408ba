// A snapshot under way: emits the state as it was when the cursor was made, while the state goes on changing. Each node
// is emitted once, either in its turn or, if it is about to change before its turn, at once and in its old form, with
// those of its ancestors that are still due before it. A mark in the node tells whether it is done, so that memory
// holds the state once, plus the old forms not yet fetched. Private to state/service. Loop thread only.
//
// Invariants:
//   N1  A node's mark equals the cursor's generation exactly when the node is emitted or was born after the beginning.
//   N2  `turn_` is the next node in tree order, or null after the last; it is never a freed node.
//   N3  A node is emitted after its parent.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/codec.h"
#include "state/service/core.h"
#include "state/service/snapshot_format.h"

namespace conclave::state {

class CopyOnUpdateCursor final : public SnapshotCursor {
 public:
  static constexpr uint32_t kMarkMask = (uint32_t{1} << 28) - 1;

  // REQUIRES: no other cursor of `core`.
  explicit CopyOnUpdateCursor(Core* core);
  ~CopyOnUpdateCursor() override;

  bool next(size_t size_hint, Bytes* out) override;
  uint64_t nodes_total() const override { return nodes_total_; }
  uint64_t nodes_emitted() const override { return nodes_emitted_; }

  // The core is about to change `node` (C2), or to free it.
  void before_change(Node* node);
  void before_erase(Node* node);
  // The core goes away first: nothing more can be emitted.
  void detach() { core_ = nullptr; }

 private:
  struct Session {
    SessionId id;
    int64_t timeout_ms;
    Bytes password;
    ReplicaId owner;
    bool caching;
  };
  enum class Stage { preamble, nodes, end, done };

  bool due(const Node* node) const { return node->snapshot_mark != mark_; }
  void emit(Node* node);
  void emit_preamble();
  void emit_locks();
  void emit_calls();
  void emit_bytes(snapshot::Record record, const Bytes& bytes);

  Core* core_;
  uint32_t mark_;
  Node* turn_;
  Stage stage_ = Stage::preamble;
  uint64_t nodes_total_;
  uint64_t nodes_emitted_ = 0;
  // Captured at the beginning.
  Zxid zxid_;
  int64_t time_ms_;
  uint64_t digest_;
  std::vector<std::pair<uint32_t, std::shared_ptr<const Acl>>> acls_;
  std::vector<Session> sessions_;
  LockTable::Map locks_;
  CallTable::Map calls_;
  Bytes secret_;
  Bytes membership_;
  // Records not yet fetched, the first `fetched_` bytes of which are gone already.
  Bytes pending_;
  size_t fetched_ = 0;
  std::string last_path_;  // of the last node record: paths are stored as differences
};

}  // namespace conclave::state
