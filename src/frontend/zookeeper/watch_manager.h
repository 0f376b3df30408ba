// The watches of one replica's connections: who is to be told when a node changes (ZK-07). Knows paths and watchers,
// not connections: a watcher is a number. Loop thread only; no clock, no I/O.
//
// Two kinds of question are watched, as in ZooKeeper's two watch tables: *data* (the node's creation, deletion, data)
// and *children* (its deletion, its children). A watch is one-shot, persistent (stays, both kinds) or
// persistent-recursive (stays, sees the whole subtree, but no children_changed).
//
// Invariants:
//   W1  A watcher is told at most once per event, however many of its watches match.
//   W2  A one-shot watch is gone when it has matched, whether or not the watcher was then allowed to see the event.
//   W3  An event on a path that nobody watches costs one hash lookup (plus one per ancestor while recursive watches
//       exist), and no allocation.
//   W4  Watchers are told in ascending order of their numbers: nothing depends on hashing.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/container/inlined_vector.h"

namespace conclave::frontend::zookeeper {

// Number of a connection, never given twice by one server. 0 is never given.
using WatcherId = uint64_t;

enum class WatchTable : uint8_t { data, children };
enum class PersistentMode : uint8_t { persistent, recursive };
enum class WatchScope : uint8_t { data, children, any };  // of checkWatches and removeWatches
enum class WatchEvent : uint8_t { created, deleted, data_changed, children_changed };

struct WatchLimits {
  size_t watches_per_watcher_max = 100'000;
  size_t path_bytes_per_watcher_max = 16 << 20;
  size_t watches_max = 5'000'000;
};

class WatchManager {
 public:
  explicit WatchManager(WatchLimits limits) : limits_(limits) {}

  // Adds a watch; adding one that is there changes nothing. False: a limit was reached and nothing was added.
  [[nodiscard]] bool add(WatcherId watcher, std::string_view path, WatchTable table);
  [[nodiscard]] bool add_persistent(WatcherId watcher, std::string_view path, PersistentMode mode);

  bool contains(WatcherId watcher, std::string_view path, WatchScope scope) const;
  // Removes the watches of every mode on exactly this path; false if there was none.
  bool remove(WatcherId watcher, std::string_view path, WatchScope scope);
  void remove_all(WatcherId watcher);

  // The watchers to tell of an event, ascending; one-shot watches among them are removed. The result is valid until the
  // next call of any member.
  const std::vector<WatcherId>& fire(WatchEvent event, std::string_view path);

  // --- figures and listings (four-letter words wchs, wchp, wchc)
  size_t watch_count() const { return watch_count_; }  // (watcher, path) pairs
  size_t path_count() const { return paths_.size(); }
  size_t watcher_count() const { return watchers_.size(); }
  size_t watch_count(WatcherId watcher) const;
  struct PathWatchers {
    std::string_view path;
    std::vector<WatcherId> watchers;  // ascending
  };
  std::vector<PathWatchers> list() const;  // by path

 private:
  // How one watcher watches one path: any mixture. A persistent watch sits in both tables, and removeWatches may take
  // it out of one of them.
  enum Bits : uint32_t {
    kDataOnce = 1,
    kChildrenOnce = 2,
    kPersistentData = 4,
    kPersistentChildren = 8,
    kRecursiveData = 16,
    kRecursiveChildren = 32,
  };
  static constexpr uint32_t kRecursive = kRecursiveData | kRecursiveChildren;
  struct Entry {
    WatcherId watcher;
    uint32_t bits;
  };
  struct Node {
    std::string path;
    absl::InlinedVector<Entry, 1> entries;  // by watcher
  };
  struct Watcher {
    absl::flat_hash_set<Node*> nodes;  // for membership and removal only: its order is never seen
    size_t path_bytes = 0;
  };

  static uint32_t bits_of(WatchScope scope);
  const Entry* find(WatcherId watcher, std::string_view path) const;
  bool add_bits(WatcherId watcher, std::string_view path, uint32_t bits);
  void forget(Watcher* watcher, Node* node);
  // Drops `bits` from the entry; drops what becomes empty by that. True if any of the bits was set.
  bool drop_bits(WatcherId watcher, std::string_view path, uint32_t bits);
  void fire_at(std::string_view path, uint32_t once, uint32_t stays);
  void fire_ancestors(std::string_view path, uint32_t stays);
  void recount_recursive(uint32_t before, uint32_t after);

  WatchLimits limits_;
  absl::flat_hash_map<std::string_view, std::unique_ptr<Node>> paths_;  // keys view into the nodes
  absl::flat_hash_map<WatcherId, Watcher> watchers_;
  std::vector<WatcherId> fired_;
  size_t watch_count_ = 0;
  size_t recursive_count_ = 0;  // entries with a recursive bit
};

}  // namespace conclave::frontend::zookeeper
