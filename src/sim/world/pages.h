// The content of one file. Sparse, so that preallocated zeroes cost nothing, and shared between copies until one of
// them is written, so that a copy costs a pointer per page. Pure, one thread.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/bytes.h"

namespace conclave::sim {

class Pages {
 public:
  uint64_t size() const { return size_; }
  void write(uint64_t offset, BytesView bytes);
  Bytes read(uint64_t offset, size_t size) const;  // fewer at the end
  void resize(uint64_t size);

 private:
  static constexpr uint64_t kPage = 4096;
  using Page = std::array<char, kPage>;
  // Page `number`, this copy's own. REQUIRES: within the table.
  Page& own(uint64_t number);

  uint64_t size_ = 0;
  std::vector<std::shared_ptr<Page>> pages_;  // null, or beyond the end: zeroes
};

}  // namespace conclave::sim
