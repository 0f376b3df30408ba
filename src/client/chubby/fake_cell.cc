// The tree that the sessions of a Fake share.
#include <algorithm>
#include <utility>

#include "base/checksum.h"
#include "client/chubby/fake.h"
#include "wire/chubby/sequencer.h"

namespace conclave::chubby {
namespace {

std::string parent_path(std::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == 0 ? "/" : std::string(path.substr(0, slash));
}

}  // namespace

FakeCell::FakeCell() {
  nodes_["/"].stat = {.instance = ++clock_, .directory = true};
}

std::optional<Bytes> FakeCell::contents(std::string_view path) const {
  const auto at = nodes_.find(path);
  if (at == nodes_.end() || at->second.stat.directory) return std::nullopt;
  return at->second.contents;
}

FakeCell::Node* FakeCell::find(std::string_view path) {
  const auto at = nodes_.find(path);
  return at == nodes_.end() ? nullptr : &at->second;
}

FakeCell::Node* FakeCell::parent_of(std::string_view path) {
  return path == "/" ? nullptr : find(parent_path(path));
}

FakeCell::Node& FakeCell::create(const std::string& path, const OpenOptions& options) {
  Node& node = nodes_[path];
  node.contents = options.contents;
  node.stat.instance = node.stat.content_generation = ++clock_;
  node.stat.acl_generation = 1;
  node.stat.checksum = xxh3_64(node.contents);
  node.stat.length = node.contents.size();
  node.stat.directory = options.directory;
  node.stat.ephemeral = options.ephemeral;
  node.stat.acl = options.acl;
  tell_parent(path, EventKind::child_added);
  return node;
}

void FakeCell::remove(const std::string& path) {
  tell(path, EventKind::handle_invalid);
  Node node = std::move(nodes_.extract(path).mapped());
  for (Waiter& waiter : node.waiters) {
    waiter.who.session->complete<Acquired>(std::move(waiter.done), failed(CallCode::handle_invalid));
  }
  tell_parent(path, EventKind::child_removed);
}

void FakeCell::remove_if_unused(const std::string& path) {
  const Node* const node = find(path);
  if (node == nullptr || !node->stat.ephemeral || has_children(path)) return;
  for (const Fake* session : sessions_) {
    for (const auto& [id, handle] : session->handles_) {
      if (!handle.dead && handle.path == path && handle.instance == node->stat.instance) return;
    }
  }
  remove(path);
}

bool FakeCell::has_children(std::string_view path) const {
  const std::string prefix = path == "/" ? "/" : std::string(path) + "/";
  const auto at = nodes_.upper_bound(prefix);
  return at != nodes_.end() && at->first.starts_with(prefix);
}

bool FakeCell::grantable(const Node& node, LockMode mode) {
  return node.holders.empty() || (mode == LockMode::shared && node.holders.front().mode == LockMode::shared);
}

Acquired FakeCell::grant(const std::string& path, Node& node, const Holder& holder) {
  if (node.holders.empty()) node.stat.lock_generation = ++clock_;
  node.holders.push_back(holder);
  tell(path, EventKind::lock_acquired);
  const Sequencer sequencer{
      .path = path, .exclusive = holder.mode == LockMode::exclusive, .generation = node.stat.lock_generation};
  return {.sequencer = sequencer.text(), .generation = sequencer.generation};
}

void FakeCell::serve_waiters(const std::string& path) {
  Node* const node = find(path);
  while (node != nullptr && !node->waiters.empty() && grantable(*node, node->waiters.front().who.mode)) {
    Waiter waiter = std::move(node->waiters.front());
    node->waiters.pop_front();
    waiter.who.session->complete<Acquired>(std::move(waiter.done), grant(path, *node, waiter.who));
  }
}

void FakeCell::release(const std::string& path, const Fake* session, HandleId handle) {
  Node* const node = find(path);
  if (node == nullptr) return;
  std::erase_if(node->holders, [&](const Holder& h) { return h.session == session && h.handle == handle; });
  serve_waiters(path);
}

void FakeCell::tell(const std::string& path, EventKind kind, const std::string& child) {
  const Node* const node = find(path);
  if (node == nullptr) return;
  for (Fake* session : sessions_) {
    for (const auto& [id, handle] : session->handles_) {
      if (handle.dead || handle.path != path || handle.instance != node->stat.instance) continue;
      const bool of_child = !child.empty();
      const bool asked = kind == EventKind::handle_invalid || (of_child && handle.events.children) ||
                         (kind == EventKind::contents_changed && handle.events.contents) ||
                         (kind == EventKind::lock_acquired && handle.events.lock_acquired);
      if (asked) session->tell(id, kind, child);
    }
  }
}

void FakeCell::tell_parent(std::string_view path, EventKind kind) {
  tell(parent_path(path), kind, std::string(path.substr(path.rfind('/') + 1)));
}

}  // namespace conclave::chubby
