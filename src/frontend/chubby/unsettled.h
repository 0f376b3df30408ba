// Requests of sessions that were proposed and of which it is not known yet what became of them, over all masterships of
// this replica. A request outlives the mastership in which it was made: the replica goes on with it under the next one
// (replica/gateway.h). So what comes again then must not be answered, nor followed by anything of its session, by what
// the state says before: the former request may still be done. Loop thread only.
#pragma once

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "base/ids.h"
#include "base/task.h"

namespace conclave::frontend::chubby {

class Unsettled {
 public:
  void began(SessionId session, Epoch epoch) { ++requests_[{session, epoch}]; }
  void settled(SessionId session, Epoch epoch) {
    const auto found = requests_.find({session, epoch});
    if (--found->second > 0) return;
    requests_.erase(found);
    auto waiting = waiting_.extract(session);
    if (waiting.empty()) return;
    for (auto& [before, then] : waiting.mapped()) after(session, before, std::move(then));
  }

  bool any(SessionId session, Epoch before) const {
    const auto first = requests_.lower_bound({session, Epoch()});
    return first != requests_.end() && first->first.first == session && first->first.second < before;
  }
  // Calls `then` when nothing of earlier epochs is left; at once if there is nothing.
  void after(SessionId session, Epoch before, Task then) {
    if (!any(session, before)) return then();
    waiting_[session].emplace_back(before, std::move(then));
  }

 private:
  absl::btree_map<std::pair<SessionId, Epoch>, size_t> requests_;  // how many
  std::map<SessionId, std::vector<std::pair<Epoch, Task>>> waiting_;
};

}  // namespace conclave::frontend::chubby
