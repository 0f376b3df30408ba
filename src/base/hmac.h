// HMAC-SHA1 (RFC 2104): tells that whoever wrote a text knew a key. Its strength does not rest on collisions of SHA-1.
// Pure.
#pragma once

#include <array>
#include <cstdint>

#include "base/bytes.h"

namespace conclave {

// A key longer than 64 bytes is hashed first.
std::array<uint8_t, 20> hmac_sha1(BytesView key, BytesView text);

}  // namespace conclave
