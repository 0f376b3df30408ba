// The lock-delays that pass at the master: who was lost with a lock, and until when that keeps others out (CH-39). That
// one is over is a fact in the log, made by the caller. A new master lets each pass anew (ADR 11). Pure.
#pragma once

#include <cstdint>
#include <set>
#include <utility>
#include <vector>

#include "base/time.h"
#include "state/lock/lock_table.h"

namespace conclave::replica {

class LockDelays {
 public:
  void clear() { ends_.clear(); }
  void begin(state::LockClaim lost, int64_t delay_ms, Instant now) {
    ends_.emplace(now + Duration::millis(delay_ms), std::move(lost));
  }
  // Those that are over, each given once, in the order of their ends.
  std::vector<state::LockClaim> over(Instant now) {
    std::vector<state::LockClaim> out;
    while (!ends_.empty() && ends_.begin()->first <= now) {
      out.push_back(std::move(ends_.extract(ends_.begin()).value().second));
    }
    return out;
  }
  size_t size() const { return ends_.size(); }

 private:
  std::set<std::pair<Instant, state::LockClaim>> ends_;
};

}  // namespace conclave::replica
