// How much of our log is on disk. Pure.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>

#include "base/ids.h"
#include "consensus/api/state_fold.h"

namespace conclave::raft {

class DurableTail {
 public:
  explicit DurableTail(Index durable) : durable_(durable) {}

  Index durable() const { return durable_; }
  // Entries up to `last` are in persist number `persist`, or in earlier ones.
  void wrote(uint64_t persist, Index last) {
    if (writing_.empty() || writing_.back().persist != persist) writing_.push_back({.persist = persist, .last = last});
    writing_.back().last = last;
  }
  // Entries from `from` on were replaced: what is written of them counts for nothing, though it may be on its way.
  void truncated(Index from) {
    durable_ = std::min(durable_, from.prev());
    for (Writing& writing : writing_) writing.last = std::min(writing.last, from.prev());
  }
  void persisted(uint64_t persist) {
    while (!writing_.empty() && writing_.front().persist <= persist) {
      durable_ = std::max(durable_, writing_.front().last);
      writing_.pop_front();
    }
  }
  // The state is durable up to `index` by a snapshot. `kept`: and the log goes on behind it.
  void jumped(Index index, bool kept) {
    if (!kept) {
      writing_.clear();
      durable_ = index;
    }
    durable_ = std::max(durable_, index);
  }
  // `persists_ahead(n)`: how many persists after the last durable one number n is.
  void fold(consensus::StateFold& fold, const auto& persists_ahead) const {
    fold.add(durable_, writing_.size());
    for (const Writing& writing : writing_) fold.add(persists_ahead(writing.persist), writing.last);
  }

 private:
  struct Writing {
    uint64_t persist;
    Index last;
  };
  Index durable_;
  std::deque<Writing> writing_;
};

}  // namespace conclave::raft
