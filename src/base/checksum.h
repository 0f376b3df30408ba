// Checksums of stored and sent bytes: XXH3, of 64 or 128 bits. Detects corruption, not forgery. Pure.
#pragma once

#include <compare>
#include <cstdint>
#include <utility>

#include "base/bytes.h"

namespace conclave {

uint64_t xxh3_64(BytesView bytes, uint64_t seed = 0);

// For telling many byte strings apart by their checksums alone: among n of them two collide with a probability of about
// n^2 / 2^129.
struct Checksum128 {
  uint64_t high = 0;
  uint64_t low = 0;
  friend constexpr auto operator<=>(const Checksum128&, const Checksum128&) = default;
  template <class H>
  friend H AbslHashValue(H h, const Checksum128& sum) {
    return H::combine(std::move(h), sum.low);  // its bits are mixed already
  }
};
Checksum128 xxh3_128(BytesView bytes);

}  // namespace conclave
