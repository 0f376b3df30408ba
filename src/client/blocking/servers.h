// Addresses of a cell as text.
#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "env/network.h"

namespace conclave::blocking {

inline constexpr uint16_t kDefaultPort = 2190;

// "10.0.0.1:2190,[fd00::2]:2190,host": names or literal addresses; the port may be left out. Errors say which part is
// wrong.
Result<std::vector<env::Address>> parse_servers(std::string_view text);

}  // namespace conclave::blocking
