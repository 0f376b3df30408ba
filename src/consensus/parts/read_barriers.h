// Read barriers that wait at a master: for a quorum to confirm it is still the master (a read round), for the log to be
// committed up to where the read must see, or for the stage serve. Pure.
//
//   1  A round confirms a barrier only if its first message was sent after the barrier was asked for (B23).
//   2  At most one unconfirmed round is under way; barriers that come meanwhile share the next one.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "consensus/api/output.h"
#include "consensus/api/state_fold.h"

namespace conclave::consensus {

class ReadBarriers {
 public:
  // A barrier that must see everything up to `index`. `confirmed`: the lease vouches for it, no round is needed.
  void add(uint64_t token, Index index, bool confirmed) {
    waiting_.push_back({.token = token, .index = index, .round = confirmed ? 0 : round_ + 1});
  }
  // Round carried by everything sent now.
  uint64_t round() const { return round_; }
  // Begins the next round if somebody waits for it and none is under way; true: send it at once.
  bool start_round(uint64_t confirmed) {
    if (confirmed < round_) return false;
    for (const Waiting& barrier : waiting_) {
      if (barrier.round > round_) {
        ++round_;
        return true;
      }
    }
    return false;
  }
  // Those whose round is confirmed and whose index is committed, in the order asked.
  std::vector<ReadGrant> take_granted(uint64_t confirmed, Index committed) {
    std::vector<ReadGrant> out;
    std::erase_if(waiting_, [&](const Waiting& barrier) {
      if (barrier.round > confirmed || barrier.index > committed) return false;
      out.push_back({.token = barrier.token, .index = barrier.index});
      return true;
    });
    return out;
  }
  std::vector<uint64_t> take_all() {
    std::vector<uint64_t> out;
    for (const Waiting& barrier : waiting_) out.push_back(barrier.token);
    waiting_.clear();
    return out;
  }
  void fold(StateFold& fold) const {
    fold.add(round_, waiting_.size());
    for (const Waiting& barrier : waiting_) fold.add(barrier.token, barrier.index, barrier.round);
  }
  bool empty() const { return waiting_.empty(); }
  size_t size() const { return waiting_.size(); }

 private:
  struct Waiting {
    uint64_t token;
    Index index;
    uint64_t round;
  };
  std::deque<Waiting> waiting_;
  uint64_t round_ = 0;
};

}  // namespace conclave::consensus
