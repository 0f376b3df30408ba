// SHA-1 (FIPS 180-4), for ZooKeeper's digest scheme only: the wire format prescribes it. Not for anything new. Pure.
#pragma once

#include <array>
#include <cstdint>

#include "base/bytes.h"

namespace conclave {

std::array<uint8_t, 20> sha1(BytesView bytes);

}  // namespace conclave
