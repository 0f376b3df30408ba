#include "frontend/chubby/handle_table.h"

#include <algorithm>

#include "base/assert.h"

namespace conclave::frontend::chubby {

Handle* HandleTable::find(SessionId session, uint64_t number) {
  const auto found = handles_.find(Key(session, number));
  return found == handles_.end() ? nullptr : &found->second;
}

void HandleTable::add(SessionId session, Handle handle) {
  const Key key(session, handle.number);
  by_path_[handle.path].insert(key);
  const bool is_new = handles_.try_emplace(key, std::move(handle)).second;
  CONCLAVE_ASSERT(is_new);
}

Handle HandleTable::take(Handles::iterator at) {
  const auto on = by_path_.find(at->second.path);
  on->second.erase(at->first);
  if (on->second.empty()) by_path_.erase(on);
  Handle handle = std::move(at->second);
  handles_.erase(at);
  return handle;
}

std::optional<Handle> HandleTable::remove(SessionId session, uint64_t number) {
  const auto found = handles_.find(Key(session, number));
  if (found == handles_.end()) return std::nullopt;
  return take(found);
}

std::vector<Handle> HandleTable::remove_all(SessionId session) {
  std::vector<Handle> out;
  for (auto at = handles_.lower_bound(Key(session, 0)); at != handles_.end() && at->first.first == session;
       at = handles_.lower_bound(Key(session, 0))) {
    out.push_back(take(at));
  }
  return out;
}

size_t HandleTable::count(SessionId session) const {
  return static_cast<size_t>(
      std::distance(handles_.lower_bound(Key(session, 0)), handles_.upper_bound(Key(session, UINT64_MAX))));
}

bool HandleTable::is_open(std::string_view path, Zxid instance) const {
  const auto on = by_path_.find(path);
  if (on == by_path_.end()) return false;
  return std::ranges::any_of(on->second, [&](const Key& key) { return handles_.at(key).instance == instance; });
}

}  // namespace conclave::frontend::chubby
