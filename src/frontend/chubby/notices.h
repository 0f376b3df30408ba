// What one session has to be told in one epoch, in order, until it says that it acted on it (CH-69). Pure.
//
//   N1  Sequences are 1, 2, 3 ... without gap. A notice is told in every KeepAlive reply until it is acknowledged.
//   N2  Beyond a bound, events are dropped and one FailOver notice says that they may have been: rescan. Invalidations
//       are never dropped; there is at most one under way for each name that the session may cache.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "wire/chubby/message.h"

namespace conclave::frontend::chubby {

namespace wire = conclave::wire::chubby;

class Notices {
 public:
  void invalidate(std::string path) { add().mutable_invalidation()->set_path(std::move(path)); }
  void fail_over() { add().mutable_fail_over(); }
  // `most`: the bound of N2.
  void event(const wire::Event& event, size_t most) {
    if (waiting_.size() >= most) {
      if (!std::exchange(overflowed_, true)) fail_over();
      return;
    }
    overflowed_ = false;
    *add().mutable_event() = event;
  }

  // Everything up to `sequence` was acted on. Gives the names whose invalidations that were.
  std::vector<std::string> acknowledge(uint64_t sequence) {
    std::vector<std::string> names;
    while (!waiting_.empty() && waiting_.front().sequence() <= sequence) {
      wire::Notice& notice = waiting_.front();
      if (notice.has_invalidation()) names.push_back(std::move(*notice.mutable_invalidation()->mutable_path()));
      acknowledged_ = notice.sequence();
      waiting_.pop_front();
    }
    return names;
  }

  bool empty() const { return waiting_.empty(); }
  size_t size() const { return waiting_.size(); }
  uint64_t last() const { return last_; }
  uint64_t acknowledged() const { return acknowledged_; }
  const std::deque<wire::Notice>& waiting() const { return waiting_; }

 private:
  wire::Notice& add() {
    wire::Notice& notice = waiting_.emplace_back();
    notice.set_sequence(++last_);
    return notice;
  }

  std::deque<wire::Notice> waiting_;
  uint64_t last_ = 0;
  uint64_t acknowledged_ = 0;
  bool overflowed_ = false;
};

}  // namespace conclave::frontend::chubby
