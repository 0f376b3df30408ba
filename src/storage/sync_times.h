// How long the last thousand or so syncs took.
#pragma once

#include <algorithm>
#include <vector>

#include "base/time.h"

namespace conclave::storage {

class SyncTimes {
 public:
  static constexpr size_t kKept = 1024;

  void add(Duration time) {
    if (times_.size() < kKept) {
      times_.push_back(time);
    } else {
      times_[next_] = time;
    }
    next_ = (next_ + 1) % kKept;
  }
  // The value that `percent` of the kept ones do not exceed; zero when there are none.
  Duration percentile(size_t percent) const {
    if (times_.empty()) return {0};
    std::vector<Duration> sorted = times_;
    const size_t rank = std::min(sorted.size() - 1, sorted.size() * percent / 100);
    std::nth_element(sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(rank), sorted.end());
    return sorted[rank];
  }

 private:
  std::vector<Duration> times_;
  size_t next_ = 0;
};

}  // namespace conclave::storage
