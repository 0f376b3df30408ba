// The commit rule: a write counts when most members have it on disk. Pure.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <vector>

#include "base/assert.h"

namespace conclave::app::roofline {

class Majority {
 public:
  explicit Majority(size_t members) : durable_(members, 0) {}

  // All up to `zxid` are on the disk of `member` (from 0); never goes back.
  void record(size_t member, uint64_t zxid) {
    CONCLAVE_ASSERT(member < durable_.size());
    durable_[member] = std::max(durable_[member], zxid);
  }

  // All up to this one are on the disks of a majority.
  uint64_t committed() const {
    std::vector<uint64_t> falling = durable_;
    std::ranges::sort(falling, std::greater<>());
    return falling[falling.size() / 2];
  }

 private:
  std::vector<uint64_t> durable_;
};

}  // namespace conclave::app::roofline
