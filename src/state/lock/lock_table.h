// The locks of a cell: by path, and by the sessions that hold or have lost them. Changed by facts only. Loop thread
// only; no clock.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "state/lock/lock.h"

namespace conclave::state {

// Covers the path and all of the lock.
uint64_t lock_digest(std::string_view path, const Lock& lock);

// A place at the lock of a node.
struct LockClaim {
  std::string path;
  LockHolder holder;
  friend auto operator<=>(const LockClaim&, const LockClaim&) = default;
};

class LockTable {
 public:
  using Map = absl::btree_map<std::string, Lock, std::less<>>;

  // Null: the node was never locked.
  const Lock* find(std::string_view path) const;

  // Facts, as those of Lock.
  void acquire(std::string_view path, LockHolder holder, LockMode mode, int64_t delay_ms, Zxid zxid);
  void release(std::string_view path, LockHolder holder);
  void lose(std::string_view path, LockHolder holder);
  // The node is deleted, its lock with it.
  void forget(std::string_view path);
  // From a snapshot. REQUIRES: there is none for the path.
  void restore(std::string_view path, Lock lock);
  void clear();

  // What the session holds, by path and handle.
  std::vector<LockClaim> held_by(SessionId session) const;
  // Every lost holder, by session, path and handle: a new master lets the delay of each pass anew.
  std::vector<LockClaim> lost() const;

  const Map& all() const { return locks_; }
  size_t size() const { return locks_.size(); }
  // Sum, wrapping, of lock_digest over all.
  uint64_t digest() const { return digest_; }

 private:
  using Claims = absl::btree_set<std::pair<std::string, uint64_t>>;  // path and handle
  using BySession = absl::btree_map<SessionId, Claims>;

  template <class Change>
  void change(std::string_view path, Lock& lock, Change how);
  static void list(SessionId session, const Claims& claims, std::vector<LockClaim>* out);
  static void add(BySession& sessions, std::string_view path, LockHolder holder);
  static void remove(BySession& sessions, std::string_view path, LockHolder holder);

  Map locks_;
  BySession held_;
  BySession lost_;
  uint64_t digest_ = 0;
};

}  // namespace conclave::state
