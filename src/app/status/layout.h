// How reports are laid out. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace conclave::app {

// Rows of cells, each column as wide as its widest cell; REQUIRES: every row has as many cells as the first.
std::string columns_text(const std::vector<std::vector<std::string>>& rows);

// A text as JSON writes it, quotes included.
std::string json_string(std::string_view text);

}  // namespace conclave::app
