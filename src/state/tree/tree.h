// The hierarchical name space: nodes by path, children sorted by name. It knows nothing of permissions, sessions,
// quotas, watches or time; it keeps structure and counts. Loop thread only.
//
// Invariants:
//   T1  The root always exists; its name is empty and its path is "/" (ZooKeeper's alias "" finds it too).
//   T2  A node's parent pointer and its parent's set of children agree.
//   T3  node_count and data_bytes are those of the nodes reachable from the root.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "state/tree/node.h"

namespace conclave::state {

class Tree {
 public:
  Tree();
  ~Tree();
  Tree(const Tree&) = delete;
  Tree& operator=(const Tree&) = delete;

  Node* root() const { return root_; }
  // Null when there is none. Walks the components; no allocation.
  Node* find(std::string_view path) const;
  Node* find_child(const Node* parent, std::string_view name) const;

  // A new node without data. REQUIRES: no child of that name; the name is not empty and has no slash.
  Node* insert(Node* parent, std::string_view name);
  // REQUIRES: no children; not the root.
  void erase(Node* node);
  // REQUIRES: null data is empty.
  void set_data(Node* node, BytesView data, bool is_null = false);
  // Back to a lone root with all fields zero.
  void clear();

  static std::string path_of(const Node* node);
  // Depth first, parents before children, siblings by name; null after the last. Needs only `node`, so that an
  // iteration survives changes elsewhere.
  static Node* next_in_order(const Node* node);
  // The same, not leaving the subtree of `top`.
  static Node* next_in_order(const Node* node, const Node* top);

  uint64_t node_count() const { return node_count_; }
  // Bytes of paths and data together, as ZooKeeper's approximate data size counts them.
  uint64_t data_bytes() const { return data_bytes_; }

 private:
  static Node* make(std::string_view name);
  static void free(Node* node);
  static size_t path_size(const Node* node);

  Node* root_;
  uint64_t node_count_ = 1;
  uint64_t data_bytes_ = 1;  // the root's path
};

}  // namespace conclave::state
