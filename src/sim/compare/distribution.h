// Quantiles of a handful of times, by nearest rank: each is one of the samples. Pure.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "base/time.h"

namespace conclave::sim::compare {

class Distribution {
 public:
  Distribution() = default;
  explicit Distribution(std::vector<Duration> samples) : sorted_(std::move(samples)) { std::ranges::sort(sorted_); }

  bool empty() const { return sorted_.empty(); }
  size_t size() const { return sorted_.size(); }
  // Sorted.
  const std::vector<Duration>& samples() const { return sorted_; }
  // The smallest sample that at least `percent` of 100 are not above. REQUIRES: not empty; percent <= 100.
  Duration percentile(size_t percent) const {
    CONCLAVE_ASSERT(!sorted_.empty());
    CONCLAVE_ASSERT(percent <= 100);
    const size_t rank = (sorted_.size() * percent + 99) / 100;
    return sorted_[std::max<size_t>(rank, 1) - 1];
  }
  Duration min() const { return percentile(0); }
  Duration median() const { return percentile(50); }
  Duration max() const { return percentile(100); }

  friend bool operator==(const Distribution&, const Distribution&) = default;

 private:
  std::vector<Duration> sorted_;
};

}  // namespace conclave::sim::compare
