#include "app/config/properties.h"

#include <cstdint>
#include <utility>

#include "app/config/scalars.h"

namespace conclave::app {
namespace {

struct LogicalLine {
  std::string text;
  int number = 0;
};

bool ends_in_continuation(std::string_view line) {
  size_t backslashes = 0;
  while (backslashes < line.size() && line[line.size() - 1 - backslashes] == '\\') ++backslashes;
  return backslashes % 2 == 1;
}

std::string_view drop_leading_space(std::string_view line) {
  const size_t first = line.find_first_not_of(" \t\f");
  return first == std::string_view::npos ? std::string_view() : line.substr(first);
}

// Joins continued lines and drops comments and blanks.
std::vector<LogicalLine> logical_lines(std::string_view text) {
  std::vector<LogicalLine> out;
  LogicalLine current;
  bool continuing = false;
  for (int number = 1; !text.empty(); ++number) {
    const size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    line = drop_leading_space(line);

    if (!continuing) {
      if (line.empty() || line.front() == '#' || line.front() == '!') continue;
      current = {.text = {}, .number = number};
    }
    continuing = ends_in_continuation(line);
    if (continuing) line.remove_suffix(1);
    current.text += line;
    if (!continuing) out.push_back(std::exchange(current, {}));
  }
  if (continuing) out.push_back(std::move(current));
  return out;
}

void append_utf8(uint32_t code_point, std::string* out) {
  if (code_point < 0x80) {
    out->push_back(static_cast<char>(code_point));
  } else if (code_point < 0x800) {
    out->push_back(static_cast<char>(0xC0 | (code_point >> 6)));
    out->push_back(static_cast<char>(0x80 | (code_point & 0x3F)));
  } else {
    out->push_back(static_cast<char>(0xE0 | (code_point >> 12)));
    out->push_back(static_cast<char>(0x80 | ((code_point >> 6) & 0x3F)));
    out->push_back(static_cast<char>(0x80 | (code_point & 0x3F)));
  }
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string unescape(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out.push_back(text[i]);
      continue;
    }
    const char escaped = text[++i];
    switch (escaped) {
      case 't':
        out.push_back('\t');
        break;
      case 'n':
        out.push_back('\n');
        break;
      case 'r':
        out.push_back('\r');
        break;
      case 'f':
        out.push_back('\f');
        break;
      case 'u': {
        uint32_t code_point = 0;
        size_t digits = 0;
        while (digits < 4 && i + 1 < text.size() && hex_digit(text[i + 1]) >= 0) {
          code_point = code_point * 16 + static_cast<uint32_t>(hex_digit(text[++i]));
          ++digits;
        }
        append_utf8(code_point, &out);
        break;
      }
      default:
        out.push_back(escaped);
    }
  }
  return out;
}

// End of the key: the first unescaped '=', ':' or white space.
size_t key_end(std::string_view line) {
  for (size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '\\') {
      ++i;
    } else if (line[i] == '=' || line[i] == ':' || line[i] == ' ' || line[i] == '\t' || line[i] == '\f') {
      return i;
    }
  }
  return line.size();
}

}  // namespace

std::vector<Property> parse_properties(std::string_view text) {
  std::vector<Property> out;
  for (const LogicalLine& line : logical_lines(text)) {
    const size_t end = key_end(line.text);
    std::string_view value = drop_leading_space(std::string_view(line.text).substr(end));
    if (value.starts_with('=') || value.starts_with(':')) value.remove_prefix(1);
    out.push_back({
        .key = std::string(trim(unescape(std::string_view(line.text).substr(0, end)))),
        .value = std::string(trim(unescape(value))),
        .line = line.number,
    });
  }
  return out;
}

}  // namespace conclave::app
