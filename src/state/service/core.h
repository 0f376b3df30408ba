// The data of a Service and the small steps that keep its parts in agreement: tree, sessions, locks, replies, ACLs,
// quotas, digest and the snapshot that may be under way. Private to state/service. Loop thread only.
//
// Invariants (with those of service.h):
//   C1  digest_sum is the wrapping sum of the digests of all nodes.
//   C2  Every change of a node is announced to the snapshot cursor first.
//   C3  containers, ttls, live_while_open, the sessions' ephemerals and quotas list exactly the nodes of those kinds.
//   C4  Every lock is that of a node, and who holds it is an open session.
//   C5  Only open sessions have calls.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "absl/container/btree_set.h"
#include "state/lock/lock_table.h"
#include "state/service/acl_rules.h"
#include "state/service/acl_table.h"
#include "state/service/call_table.h"
#include "state/service/service.h"
#include "state/session/session_table.h"
#include "state/tree/quota.h"
#include "state/tree/tree.h"

namespace conclave::state {

class CopyOnUpdateCursor;

struct Core final : AclFiles {
  Core() { reset(); }

  Tree tree;
  SessionTable sessions;
  LockTable locks;
  CallTable calls;
  AclTable acls;
  QuotaIndex quotas;
  absl::btree_set<std::string, std::less<>> containers;
  absl::btree_set<std::string, std::less<>> ttls;
  absl::btree_set<std::string, std::less<>> live_while_open;
  Bytes secret;      // of the cell; empty: none yet
  Bytes membership;  // payload of the last membership entry; empty: the founding one is in force
  Zxid last_zxid;
  int64_t last_time_ms = 0;
  uint64_t digest_sum = 0;
  CopyOnUpdateCursor* cursor = nullptr;  // the snapshot under way, or null
  uint32_t snapshot_generation = 0;

  uint64_t digest() const;

  // A fresh cell: the root and ZooKeeper's own nodes with its ACLs, no session.
  void reset();
  // Nothing but a bare root that is not in the digest yet: the loader fills it.
  void reset_bare();

  // Enters a node's digest into the sum, or takes it out. Take out, change, enter.
  void enter(const Node& node, uint64_t path_hash);
  void leave(const Node& node, uint64_t path_hash);
  void enter_children(const Node& node, uint64_t path_hash);
  void leave_children(const Node& node, uint64_t path_hash);

  // Puts a node into, or takes it out of, the lists of its kind (C3).
  void list(const Node& node, std::string_view path);
  void unlist(const Node& node, std::string_view path);

  // Announces a change of `node` to the snapshot (C2).
  void before_change(Node* node);
  // Replaces data alone, outside any version: figures of quotas.
  void overwrite_data(Node* node, std::string_view path, BytesView data);

  Stat stat_of(const Node& node) const;
  BytesView acl_file(std::string_view name) const override;
};

// The fields of a node that its stat shows; `ephemeral_owner` as clients see it: 0 unless ephemeral.
int64_t shown_owner(const Node& node);

}  // namespace conclave::state
