// Tab completion: what the word under the cursor could become. Pure but for the calls of Access.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "app/shell/access.h"

namespace conclave::app {

// `before`: the line up to the word; `word`: the part of it typed so far. Commands first, then paths, asked of the
// server. Sorted; empty when nothing fits or the server does not answer.
std::vector<std::string> complete(std::string_view before, std::string_view word, Access& access);

}  // namespace conclave::app
