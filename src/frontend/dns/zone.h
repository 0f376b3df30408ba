// A zone: the names at and below one name, which are the nodes at and below one path, labels reversed. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "frontend/dns/name.h"

namespace conclave::frontend::dns {

struct Zone {
  Name apex;
  std::string path;  // "/" or "/dns/example"
};

// The file of a directory that holds the directory's own records. It is no name itself.
inline constexpr std::string_view kOwnRecords = "@";

// "example.com=/dns/example". Errors: invalid_argument, and why.
Result<Zone> parse_zone(std::string_view text);

// "a.b.<apex>" is "<path>/b/a", in lower case. Nothing: no node can have this name. REQUIRES: `name` is in the zone.
std::optional<std::string> path_of(const Zone& zone, const Name& name);

}  // namespace conclave::frontend::dns
