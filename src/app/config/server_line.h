// Members as zoo.cfg names them, read by wire/zookeeper/server_line.h and turned into settings. Pure.
#pragma once

#include <string_view>

#include "app/config/configuration.h"
#include "base/result.h"

namespace conclave::app {

// The value of a `server.N` line. Fills addresses and `voter`; the caller adds id and place. An error is a reason
// without the key.
Result<MemberSetting> parse_server_value(std::string_view value);

// "host:port" or "[ipv6]:port".
Result<env::Address> parse_address(std::string_view text);

}  // namespace conclave::app
