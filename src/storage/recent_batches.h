// Which positions the last few batches touched. Every batch carries this about the ones before it, so that when a block
// of the disk with several small batches rots, the positions that they may have held are still known.
#pragma once

#include <array>
#include <cstdint>

#include "storage/journal_format.h"

namespace conclave::storage {

class RecentBatches {
 public:
  static constexpr size_t kBatches = 8;

  void push(const TouchedRange& touched) {
    ranges_[next_++ % kBatches] = touched;
    if (count_ < kBatches) ++count_;
  }
  uint16_t count() const { return static_cast<uint16_t>(count_); }
  TouchedRange touched() const {
    TouchedRange all;
    for (size_t i = 0; i < count_; ++i) all.add(ranges_[i]);
    return all;
  }

 private:
  std::array<TouchedRange, kBatches> ranges_{};
  size_t next_ = 0;
  size_t count_ = 0;
};

}  // namespace conclave::storage
