#include "client/chubby/node_cache.h"

#include <utility>

namespace conclave::chubby {

const NodeCache::Node* NodeCache::find(std::string_view path) {
  const auto at = by_path_.find(path);
  if (at == by_path_.end()) return nullptr;
  order_.splice(order_.begin(), order_, at->second);
  return &*at->second;
}

void NodeCache::keep_stat(std::string_view path, const Stat& stat) {
  Node node{.path = std::string(path), .stat = stat};
  const auto at = by_path_.find(path);
  if (at != by_path_.end() && at->second->stat.instance == stat.instance &&
      at->second->stat.content_generation == stat.content_generation) {
    node.contents = std::move(at->second->contents);
  }
  keep(std::move(node));
}

void NodeCache::drop(std::string_view path) {
  const auto at = by_path_.find(path);
  if (at != by_path_.end()) erase(at->second);
}

void NodeCache::clear() {
  by_path_.clear();
  order_.clear();
  bytes_ = 0;
}

size_t NodeCache::bytes_of(const Node& node) {
  return sizeof(Node) + node.path.size() + (node.contents ? node.contents->size() : 0);
}

void NodeCache::keep(Node node) {
  drop(node.path);
  bytes_ += bytes_of(node);
  order_.push_front(std::move(node));
  by_path_.emplace(order_.front().path, order_.begin());
  while (by_path_.size() > entries_max_ || (bytes_ > bytes_max_ && !order_.empty())) erase(std::prev(order_.end()));
}

void NodeCache::erase(Order::iterator node) {
  bytes_ -= bytes_of(*node);
  by_path_.erase(node->path);
  order_.erase(node);
}

}  // namespace conclave::chubby
