#include "frontend/dns/known_nodes.h"

#include <utility>

namespace conclave::frontend::dns {

using conclave::chubby::HandleId;

const KnownNode* KnownNodes::find(std::string_view path) {
  const auto at = by_path_.find(path);
  if (at == by_path_.end()) return nullptr;
  order_.splice(order_.begin(), order_, at->second);
  return &*at->second;
}

std::vector<HandleId> KnownNodes::keep(KnownNode node) {
  std::vector<HandleId> unwanted;
  const auto let_go = [&, kept = node.handle](HandleId handle) {
    if (handle != HandleId() && handle != kept) unwanted.push_back(handle);
  };
  let_go(forget(node.path));
  bytes_ += bytes_of(node);
  order_.push_front(std::move(node));
  by_path_[order_.front().path] = order_.begin();
  while (order_.size() > 1 && (order_.size() > entries_max_ || bytes_ > bytes_max_)) let_go(erase(--order_.end()));
  return unwanted;
}

HandleId KnownNodes::forget(std::string_view path) {
  const auto at = by_path_.find(path);
  return at == by_path_.end() ? HandleId() : erase(at->second);
}

std::vector<HandleId> KnownNodes::forget_all() {
  std::vector<HandleId> handles;
  while (!order_.empty()) {
    if (const HandleId handle = erase(order_.begin()); handle != HandleId()) handles.push_back(handle);
  }
  return handles;
}

size_t KnownNodes::bytes_of(const KnownNode& node) {
  size_t bytes = sizeof(KnownNode) + node.path.size();
  if (node.records) {
    for (const FileRecord& record : *node.records) bytes += sizeof(FileRecord) + record.rdata.size();
  }
  return bytes;
}

HandleId KnownNodes::erase(Order::iterator node) {
  const HandleId handle = node->handle;
  bytes_ -= bytes_of(*node);
  by_path_.erase(node->path);
  order_.erase(node);
  return handle;
}

}  // namespace conclave::frontend::dns
