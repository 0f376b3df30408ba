// Byte strings that are written one after the other into one buffer, and shared as Blobs when all are there: the cost
// of a batch is one allocation, not several for each of its parts. They live as long as the last of them. Pure.
//
//   encode(first, batch.begin());
//   batch.end();
//   ...
//   for (Blob& blob : batch.take()) ...
#pragma once

#include <algorithm>
#include <vector>

#include "base/bytes.h"

namespace conclave {

class BlobBatch {
 public:
  // Where to append the next part.
  Bytes* begin() {
    if (buffer_.capacity() < reserved_) buffer_.reserve(reserved_);
    return &buffer_;
  }
  // The part is complete; its size.
  size_t end() {
    const size_t start = ends_.empty() ? 0 : ends_.back();
    ends_.push_back(buffer_.size());
    return buffer_.size() - start;
  }
  bool empty() const { return ends_.empty(); }
  size_t size() const { return ends_.size(); }
  void clear() {
    buffer_.clear();
    ends_.clear();
  }
  // Appends all parts, in order, to `out`; nothing is left. REQUIRES: the last part is complete.
  void take(std::vector<Blob>* out) {
    if (ends_.empty()) return;
    reserved_ = std::min(buffer_.size(), kReservedMax);  // the next batch will be like this one
    const auto shared = std::make_shared<const Bytes>(std::exchange(buffer_, {}));
    out->reserve(out->size() + ends_.size());
    size_t start = 0;
    for (const size_t end : ends_) {
      out->emplace_back(shared, BytesView(*shared).substr(start, end - start));
      start = end;
    }
    ends_.clear();
  }

 private:
  static constexpr size_t kReservedMax = 1 << 20;

  Bytes buffer_;
  std::vector<size_t> ends_;
  size_t reserved_ = 0;
};

}  // namespace conclave
