// Values written as text: integers, booleans and comma-separated lists. Pure. An error is a reason without the key.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace conclave::app {

std::string_view trim(std::string_view text);

// Decimal, or hexadecimal after "0x" (ZooKeeper's jute.maxbuffer is often written so). The whole text must be used.
Result<int64_t> parse_integer(std::string_view text);
// "true" or "false", in any case, and ZooKeeper's "yes" and "no".
Result<bool> parse_boolean(std::string_view text);
// Items are trimmed; empty ones are dropped.
std::vector<std::string> parse_list(std::string_view text);

}  // namespace conclave::app
