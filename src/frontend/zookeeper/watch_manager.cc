#include "frontend/zookeeper/watch_manager.h"

#include <algorithm>

namespace conclave::frontend::zookeeper {

uint32_t WatchManager::bits_of(WatchScope scope) {
  constexpr uint32_t kData = kDataOnce | kPersistentData | kRecursiveData;
  constexpr uint32_t kChildren = kChildrenOnce | kPersistentChildren | kRecursiveChildren;
  switch (scope) {
    case WatchScope::data:
      return kData;
    case WatchScope::children:
      return kChildren;
    case WatchScope::any:
      return kData | kChildren;
  }
  return 0;
}

bool WatchManager::add(WatcherId watcher, std::string_view path, WatchTable table) {
  return add_bits(watcher, path, table == WatchTable::data ? kDataOnce : kChildrenOnce);
}

bool WatchManager::add_persistent(WatcherId watcher, std::string_view path, PersistentMode mode) {
  return add_bits(watcher, path,
                  mode == PersistentMode::persistent ? kPersistentData | kPersistentChildren : kRecursive);
}

namespace {
template <class Entries>
auto position(Entries& entries, WatcherId watcher) {
  // New watchers have the highest numbers, so look at the end first.
  if (!entries.empty() && entries.back().watcher < watcher) return entries.end();
  return std::lower_bound(entries.begin(), entries.end(), watcher,
                          [](const auto& entry, WatcherId id) { return entry.watcher < id; });
}
}  // namespace

const WatchManager::Entry* WatchManager::find(WatcherId watcher, std::string_view path) const {
  const auto node = paths_.find(path);
  if (node == paths_.end()) return nullptr;
  const auto& entries = node->second->entries;
  const auto at = position(entries, watcher);
  return at != entries.end() && at->watcher == watcher ? &*at : nullptr;
}

bool WatchManager::add_bits(WatcherId watcher, std::string_view path, uint32_t bits) {
  auto* known = const_cast<Entry*>(find(watcher, path));
  if (known == nullptr) {
    const auto who = watchers_.find(watcher);
    const size_t count = who == watchers_.end() ? 0 : who->second.nodes.size();
    const size_t path_bytes = who == watchers_.end() ? 0 : who->second.path_bytes;
    if (count >= limits_.watches_per_watcher_max || watch_count_ >= limits_.watches_max ||
        path_bytes + path.size() > limits_.path_bytes_per_watcher_max) {
      return false;
    }
    auto found = paths_.find(path);
    if (found == paths_.end()) {
      auto node = std::make_unique<Node>(Node{.path = std::string(path), .entries = {}});
      const std::string_view key = node->path;
      found = paths_.emplace(key, std::move(node)).first;
    }
    Node& node = *found->second;
    known = &*node.entries.insert(position(node.entries, watcher), Entry{.watcher = watcher, .bits = 0});
    Watcher& self = watchers_[watcher];
    self.nodes.insert(&node);
    self.path_bytes += path.size();
    ++watch_count_;
  }
  recount_recursive(known->bits, known->bits | bits);
  known->bits |= bits;
  return true;
}

void WatchManager::recount_recursive(uint32_t before, uint32_t after) {
  recursive_count_ += (after & kRecursive) != 0;
  recursive_count_ -= (before & kRecursive) != 0;
}

bool WatchManager::contains(WatcherId watcher, std::string_view path, WatchScope scope) const {
  const Entry* entry = find(watcher, path);
  return entry != nullptr && (entry->bits & bits_of(scope)) != 0;
}

bool WatchManager::remove(WatcherId watcher, std::string_view path, WatchScope scope) {
  return drop_bits(watcher, path, bits_of(scope));
}

void WatchManager::forget(Watcher* watcher, Node* node) {
  watcher->nodes.erase(node);
  watcher->path_bytes -= node->path.size();
  --watch_count_;
}

bool WatchManager::drop_bits(WatcherId watcher, std::string_view path, uint32_t bits) {
  const auto found = paths_.find(path);
  if (found == paths_.end()) return false;
  Node& node = *found->second;
  const auto at = position(node.entries, watcher);
  if (at == node.entries.end() || at->watcher != watcher || (at->bits & bits) == 0) return false;
  recount_recursive(at->bits, at->bits & ~bits);
  at->bits &= ~bits;
  if (at->bits != 0) return true;

  node.entries.erase(at);
  const auto who = watchers_.find(watcher);
  forget(&who->second, &node);
  if (who->second.nodes.empty()) watchers_.erase(who);
  if (node.entries.empty()) paths_.erase(found);
  return true;
}

void WatchManager::remove_all(WatcherId watcher) {
  const auto who = watchers_.find(watcher);
  if (who == watchers_.end()) return;
  for (Node* node : who->second.nodes) {
    const auto at = position(node->entries, watcher);
    recount_recursive(at->bits, 0);
    node->entries.erase(at);
    --watch_count_;
    if (node->entries.empty()) paths_.erase(paths_.find(node->path));
  }
  watchers_.erase(who);
}

const std::vector<WatcherId>& WatchManager::fire(WatchEvent event, std::string_view path) {
  fired_.clear();
  if (paths_.empty()) return fired_;
  switch (event) {
    case WatchEvent::created:
    case WatchEvent::data_changed:
      fire_at(path, kDataOnce, kPersistentData | kRecursiveData);
      fire_ancestors(path, kRecursiveData);
      break;
    case WatchEvent::deleted:
      fire_at(path, kDataOnce | kChildrenOnce, kPersistentData | kPersistentChildren | kRecursive);
      fire_ancestors(path, kRecursive);
      break;
    case WatchEvent::children_changed:
      fire_at(path, kChildrenOnce, kPersistentChildren);
      break;
  }
  return fired_;
}

void WatchManager::fire_at(std::string_view path, uint32_t once, uint32_t stays) {
  const auto found = paths_.find(path);
  if (found == paths_.end()) return;
  Node& node = *found->second;
  auto kept = node.entries.begin();
  for (Entry& entry : node.entries) {
    if ((entry.bits & (once | stays)) != 0) fired_.push_back(entry.watcher);
    entry.bits &= ~once;
    if (entry.bits != 0) {
      *kept++ = entry;
      continue;
    }
    const auto who = watchers_.find(entry.watcher);
    forget(&who->second, &node);
    if (who->second.nodes.empty()) watchers_.erase(who);
  }
  node.entries.erase(kept, node.entries.end());
  if (node.entries.empty()) paths_.erase(found);
}

void WatchManager::fire_ancestors(std::string_view path, uint32_t stays) {
  if (recursive_count_ == 0) return;
  const size_t at_path = fired_.size();
  while (path.size() > 1) {
    const size_t slash = path.rfind('/');
    if (slash == std::string_view::npos) break;
    path = path.substr(0, std::max<size_t>(slash, 1));
    const auto found = paths_.find(path);
    if (found == paths_.end()) continue;
    for (const Entry& entry : found->second->entries) {
      if ((entry.bits & stays) != 0) fired_.push_back(entry.watcher);
    }
  }
  if (fired_.size() == at_path) return;
  std::sort(fired_.begin(), fired_.end());
  fired_.erase(std::unique(fired_.begin(), fired_.end()), fired_.end());
}

size_t WatchManager::watch_count(WatcherId watcher) const {
  const auto who = watchers_.find(watcher);
  return who == watchers_.end() ? 0 : who->second.nodes.size();
}

std::vector<WatchManager::PathWatchers> WatchManager::list() const {
  std::vector<PathWatchers> out;
  out.reserve(paths_.size());
  for (const auto& [path, node] : paths_) {
    PathWatchers& row = out.emplace_back(PathWatchers{.path = path, .watchers = {}});
    for (const Entry& entry : node->entries) row.watchers.push_back(entry.watcher);
  }
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
  return out;
}

}  // namespace conclave::frontend::zookeeper
