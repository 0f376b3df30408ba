#include "app/roofline/store.h"

#include "base/assert.h"

namespace conclave::app::roofline {

const Node* Store::find(BytesView path) const {
  const auto found = nodes_.find(path);
  return found == nodes_.end() ? nullptr : found->second;
}

Node& Store::place(BytesView path) {
  if (const auto found = nodes_.find(path); found != nodes_.end()) return *found->second;
  Node* node = std::pmr::polymorphic_allocator<>(&memory_).new_object<Node>(path, &memory_);
  nodes_.emplace(node->path, node);
  return *node;
}

Store::Applied Store::apply(const Request& write, uint64_t zxid) {
  CONCLAVE_ASSERT(is_write(write.opcode));
  if (write.opcode == Opcode::sync) return {};
  const bool creates = write.opcode == Opcode::create;
  Node& node = place(write.path);
  if (creates && node.exists()) return {.status = Status::node_exists, .node = &node};
  if (!creates && !node.exists()) return {.status = Status::no_node, .node = &node};
  node.data.assign(write.data);  // into the room it has
  node.modified_zxid = zxid;
  if (creates) {
    node.created_zxid = zxid;
  } else {
    ++node.version;
  }
  return {.node = &node};
}

}  // namespace conclave::app::roofline
