// All open handles of one master: by session and number, and by node. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "frontend/chubby/handle.h"

namespace conclave::frontend::chubby {

class HandleTable {
 public:
  // Null: not open. Valid until the next add or removal.
  Handle* find(SessionId session, uint64_t number);
  // REQUIRES: not open.
  void add(SessionId session, Handle handle);
  // Nothing: it was not open.
  std::optional<Handle> remove(SessionId session, uint64_t number);
  std::vector<Handle> remove_all(SessionId session);
  size_t count(SessionId session) const;
  size_t size() const { return handles_.size(); }

  // Does anybody have this very node open?
  bool is_open(std::string_view path, Zxid instance) const;
  // Calls `visit(SessionId, Handle&)` for each handle on a node of that name. It may not add or remove.
  template <class Visit>
  void for_each_on(std::string_view path, Visit visit) {
    const auto on = by_path_.find(path);
    if (on == by_path_.end()) return;
    for (const Key& key : on->second) visit(key.first, handles_.at(key));
  }

 private:
  using Key = std::pair<SessionId, uint64_t>;
  using Handles = absl::btree_map<Key, Handle>;

  Handle take(Handles::iterator at);

  Handles handles_;
  absl::btree_map<std::string, absl::btree_set<Key>, std::less<>> by_path_;
};

}  // namespace conclave::frontend::chubby
