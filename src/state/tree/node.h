// One node of the tree, compact: memory per node is what a cell of a million nodes costs. The name lies behind the
// struct in the same allocation; the data is one block of its exact size; the set of children exists only while there
// are children. Nodes are made and freed by Tree alone.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "absl/container/btree_set.h"
#include "base/bytes.h"
#include "base/ids.h"

namespace conclave::state {

// What a node is and how long it lives. The numbers are those of a transaction's NodeKind.
enum class Lifetime : uint8_t {
  persistent = 0,
  ephemeral = 1,
  container = 2,
  ttl = 3,
  file = 4,
  directory = 5,
  open_file = 6,
  open_directory = 7,
};

struct Node;

struct ByName {
  using is_transparent = void;
  inline bool operator()(const Node* a, const Node* b) const;
  inline bool operator()(const Node* a, std::string_view b) const;
  inline bool operator()(std::string_view a, const Node* b) const;
};
// Sorted by name; equal on every replica, whatever the order of insertion.
using Children = absl::btree_set<Node*, ByName>;

struct Node {
  Node* parent = nullptr;
  std::unique_ptr<Children> children;  // null when there are none
  std::unique_ptr<char[]> block;       // the data; null when empty
  uint32_t data_size = 0;
  uint32_t name_size = 0;
  Zxid czxid, mzxid, pzxid;
  int64_t ctime_ms = 0;
  int64_t mtime_ms = 0;
  int64_t owner = 0;    // ephemeral: the session; ttl: its milliseconds
  int64_t creates = 0;  // children ever created here: the next sequence number
  int32_t version = 0;
  int32_t aversion = 0;
  uint32_t acl = 0;  // id in the table of ACLs, which the owner of the tree keeps
  // Generation of the last snapshot that has emitted this node, or that it was born after; 28 bits count a snapshot a
  // second for 8 years.
  uint32_t snapshot_mark : 28 = 0;
  uint32_t null_bit : 1 = 0;
  uint32_t lifetime_bits : 3 = 0;

  Lifetime lifetime() const { return static_cast<Lifetime>(lifetime_bits); }
  void set_lifetime(Lifetime lifetime) { lifetime_bits = static_cast<uint32_t>(lifetime) & 7; }
  std::string_view name() const { return {reinterpret_cast<const char*>(this + 1), name_size}; }
  BytesView data() const { return {block.get(), data_size}; }
  // No data, as opposed to data of length 0: ZooKeeper's clients can write and read both. Then data() is empty.
  bool data_is_null() const { return null_bit != 0; }
  size_t child_count() const { return children ? children->size() : 0; }
  // What a client sees: creates and deletes of children together (ZooKeeper: 2 x creates - children, in 32 bits).
  int32_t cversion() const { return shown_cversion(creates, child_count()); }
  static int32_t shown_cversion(int64_t creates, size_t child_count) {
    return static_cast<int32_t>(static_cast<uint32_t>(2 * static_cast<uint64_t>(creates) - child_count));
  }
};
static_assert(sizeof(Node) == 112 || sizeof(Node) == 104);

inline bool ByName::operator()(const Node* a, const Node* b) const {
  return a->name() < b->name();
}
inline bool ByName::operator()(const Node* a, std::string_view b) const {
  return a->name() < b;
}
inline bool ByName::operator()(std::string_view a, const Node* b) const {
  return a < b->name();
}

}  // namespace conclave::state
