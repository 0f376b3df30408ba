#include "base/checksum.h"

#if defined(__x86_64__)
#include <xxh_x86dispatch.h>  // the same functions, in the widest vectors that the machine has
#else
#include <xxhash.h>
#endif

namespace conclave {

uint64_t xxh3_64(BytesView bytes, uint64_t seed) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

Checksum128 xxh3_128(BytesView bytes) {
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  return {.high = hash.high64, .low = hash.low64};
}

}  // namespace conclave
