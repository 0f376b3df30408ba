#include "app/config/scalars.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <fmt/format.h>

namespace conclave::app {

std::string_view trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n\f";
  const size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

Result<int64_t> parse_integer(std::string_view text) {
  std::string_view digits = trim(text);
  const bool negative = digits.starts_with('-');
  if (negative) digits.remove_prefix(1);
  const bool hexadecimal = digits.starts_with("0x") || digits.starts_with("0X");
  if (hexadecimal) digits.remove_prefix(2);

  int64_t value = 0;
  const char* const end = digits.data() + digits.size();
  const bool digit_first = !digits.empty() && std::isxdigit(static_cast<unsigned char>(digits.front())) != 0;
  const auto [stop, code] = std::from_chars(digits.data(), end, value, hexadecimal ? 16 : 10);
  if (code == std::errc::result_out_of_range) {
    return fail(ErrorKind::invalid_argument, fmt::format("\"{}\" is too large", trim(text)));
  }
  if (!digit_first || code != std::errc() || stop != end) {
    return fail(ErrorKind::invalid_argument, fmt::format("\"{}\" is not a whole number", trim(text)));
  }
  return negative ? -value : value;
}

Result<bool> parse_boolean(std::string_view text) {
  std::string word(trim(text));
  std::transform(word.begin(), word.end(), word.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (word == "true" || word == "yes") return true;
  if (word == "false" || word == "no") return false;
  return fail(ErrorKind::invalid_argument, fmt::format("\"{}\" is neither true nor false", trim(text)));
}

std::vector<std::string> parse_list(std::string_view text) {
  std::vector<std::string> items;
  while (!text.empty()) {
    const size_t comma = text.find(',');
    const std::string_view item = trim(text.substr(0, comma));
    if (!item.empty()) items.emplace_back(item);
    if (comma == std::string_view::npos) break;
    text.remove_prefix(comma + 1);
  }
  return items;
}

}  // namespace conclave::app
