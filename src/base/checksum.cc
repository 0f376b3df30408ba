#include "base/checksum.h"

#include <xxhash.h>

namespace conclave {

uint64_t xxh3_64(BytesView bytes, uint64_t seed) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

}  // namespace conclave
