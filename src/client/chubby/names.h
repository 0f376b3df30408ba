// Names of nodes as programs write them (CH-20), and the paths of the tree that the cell knows. Pure.
#pragma once

#include <string>
#include <string_view>

#include "client/chubby/types.h"

namespace conclave::chubby {

struct Name {
  std::string cell;  // that it must be one of; empty: whichever
  std::string path;  // "/svc/leader"
  friend bool operator==(const Name&, const Name&) = default;
};

// "/ls/<cell>/<path>" or "/<path>". Errors: bad_argument.
Outcome<Name> parse_name(std::string_view name);
// The path of `relative` ("leader", "shards/7") below `parent`. Errors: bad_argument.
Outcome<std::string> path_below(std::string_view parent, std::string_view relative);

}  // namespace conclave::chubby
