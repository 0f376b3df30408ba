#include "state/tree/tree.h"

#include <cstring>
#include <limits>
#include <new>

#include "base/assert.h"
#include "state/tree/path.h"

namespace conclave::state {

Node* Tree::make(std::string_view name) {
  CONCLAVE_ASSERT(name.size() <= std::numeric_limits<uint32_t>::max());
  void* memory = ::operator new(sizeof(Node) + name.size());
  Node* node = new (memory) Node();
  node->name_size = static_cast<uint32_t>(name.size());
  std::memcpy(static_cast<char*>(memory) + sizeof(Node), name.data(), name.size());
  return node;
}

void Tree::free(Node* node) {
  node->~Node();
  ::operator delete(node);
}

Tree::Tree() : root_(make("")) {}

Tree::~Tree() {
  clear();
  free(root_);
}

Node* Tree::find(std::string_view path) const {
  if (path.empty() || path == kRootPath) return root_;
  if (path.front() != '/') return nullptr;
  Node* node = root_;
  std::string_view component;
  while (next_component(&path, &component)) {
    node = find_child(node, component);
    if (node == nullptr) return nullptr;
  }
  return node;
}

Node* Tree::find_child(const Node* parent, std::string_view name) const {
  if (!parent->children) return nullptr;
  const auto it = parent->children->find(name);
  return it == parent->children->end() ? nullptr : *it;
}

Node* Tree::insert(Node* parent, std::string_view name) {
  CONCLAVE_ASSERT(!name.empty());
  Node* node = make(name);
  node->parent = parent;
  if (!parent->children) parent->children = std::make_unique<Children>();
  const bool inserted = parent->children->insert(node).second;
  CONCLAVE_ASSERT(inserted);
  ++node_count_;
  data_bytes_ += path_size(node);
  return node;
}

void Tree::erase(Node* node) {
  CONCLAVE_ASSERT(node->parent != nullptr);
  CONCLAVE_ASSERT(node->child_count() == 0);
  --node_count_;
  data_bytes_ -= path_size(node) + node->data_size;
  Children& siblings = *node->parent->children;
  siblings.erase(node);
  if (siblings.empty()) node->parent->children.reset();
  free(node);
}

void Tree::set_data(Node* node, BytesView data, bool is_null) {
  CONCLAVE_ASSERT(!is_null || data.empty());
  node->null_bit = is_null ? 1 : 0;
  CONCLAVE_ASSERT(data.size() <= std::numeric_limits<uint32_t>::max());
  data_bytes_ = data_bytes_ - node->data_size + data.size();
  if (node->data_size != data.size()) {
    node->block = data.empty() ? nullptr : std::make_unique_for_overwrite<char[]>(data.size());
    node->data_size = static_cast<uint32_t>(data.size());
  }
  if (!data.empty()) std::memcpy(node->block.get(), data.data(), data.size());
}

void Tree::clear() {
  // Leaves first and without recursion: a tree may be as deep as its longest path.
  Node* node = root_;
  while (true) {
    if (node->children) {
      if (!node->children->empty()) {
        node = *node->children->begin();
        continue;
      }
      node->children.reset();
    }
    if (node == root_) break;
    Node* parent = node->parent;
    parent->children->erase(parent->children->begin());  // `node` is always its parent's first child here
    free(node);
    node = parent;
  }
  free(root_);
  root_ = make("");
  node_count_ = 1;
  data_bytes_ = 1;
}

size_t Tree::path_size(const Node* node) {
  size_t size = 0;
  for (; node->parent != nullptr; node = node->parent) size += 1 + node->name_size;
  return size == 0 ? 1 : size;
}

std::string Tree::path_of(const Node* node) {
  if (node->parent == nullptr) return std::string(kRootPath);
  std::string path(path_size(node), '/');
  size_t end = path.size();
  for (; node->parent != nullptr; node = node->parent) {
    end -= node->name_size;
    path.replace(end, node->name_size, node->name());
    --end;
  }
  return path;
}

Node* Tree::next_in_order(const Node* node) {
  return next_in_order(node, nullptr);
}

Node* Tree::next_in_order(const Node* node, const Node* top) {
  if (node->children && !node->children->empty()) return *node->children->begin();
  while (node != top && node->parent != nullptr) {
    const Children& siblings = *node->parent->children;
    const auto next = siblings.upper_bound(node->name());
    if (next != siblings.end()) return *next;
    node = node->parent;
  }
  return nullptr;
}

}  // namespace conclave::state
