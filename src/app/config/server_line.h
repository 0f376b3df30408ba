// The value of a `server.N` line of zoo.cfg, in all its forms:
//
//   host:peer:election[:role][|host:peer:election[:role]...][;[clienthost:]clientport]
//
// An IPv6 address stands in brackets. `role` is participant or observer. The election port is checked and dropped: the
// engines of Conclave elect over the peer port. Pure.
#pragma once

#include <string_view>

#include "app/config/configuration.h"
#include "base/result.h"

namespace conclave::app {

// Fills addresses and `voter`; the caller adds id and place. An error is a reason without the key.
Result<MemberSetting> parse_server_value(std::string_view value);

// "host:port" or "[ipv6]:port".
Result<env::Address> parse_address(std::string_view text);

}  // namespace conclave::app
