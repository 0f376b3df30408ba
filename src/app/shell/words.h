// Cuts a line typed in the shell into words, as a Unix shell would: quotes, backslashes. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace conclave::app {

// 'single quotes' take everything as it is; in "double quotes" and outside a backslash escapes the next character
// (\n \t and \xHH are the usual characters). Errors: a quote that is not closed, a backslash at the end.
Result<std::vector<std::string>> split_words(std::string_view line);

}  // namespace conclave::app
