// Checksums of stored and sent bytes: XXH3-64. Detects corruption, not forgery. Pure.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace conclave {

uint64_t xxh3_64(BytesView bytes, uint64_t seed = 0);

}  // namespace conclave
