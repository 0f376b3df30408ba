// Base64 with padding (RFC 4648, section 4), encoding only. Pure.
#pragma once

#include <string>

#include "base/bytes.h"

namespace conclave {

std::string base64_encode(BytesView bytes);

}  // namespace conclave
