#include "app/shell/words.h"

#include <cctype>
#include <utility>

namespace conclave::app {
namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Reads one escape, `*i` standing on the backslash; leaves it on the last character used.
Result<char> read_escape(std::string_view line, size_t* i) {
  if (*i + 1 >= line.size()) return fail(ErrorKind::invalid_argument, "the line ends in a backslash");
  const char c = line[++*i];
  if (c == 'n') return '\n';
  if (c == 't') return '\t';
  if (c == '0') return '\0';
  if (c != 'x') return c;
  if (*i + 2 >= line.size() || hex_value(line[*i + 1]) < 0 || hex_value(line[*i + 2]) < 0) {
    return fail(ErrorKind::invalid_argument, "\\x needs two hexadecimal digits");
  }
  const int value = hex_value(line[*i + 1]) * 16 + hex_value(line[*i + 2]);
  *i += 2;
  return static_cast<char>(value);
}

}  // namespace

Result<std::vector<std::string>> split_words(std::string_view line) {
  std::vector<std::string> words;
  std::string word;
  bool in_word = false;
  char quote = '\0';
  for (size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quote != '\0' && c == quote) {
      quote = '\0';
    } else if (quote == '\'' || (c != '\\' && quote != '\0')) {
      word += c;
    } else if (c == '\\') {
      const auto escaped = read_escape(line, &i);
      if (!escaped) return std::unexpected(escaped.error());
      word += *escaped;
      in_word = true;
    } else if (c == '\'' || c == '"') {
      quote = c;
      in_word = true;
    } else if (std::isspace(static_cast<unsigned char>(c)) != 0) {
      if (in_word) words.push_back(std::exchange(word, {}));
      in_word = false;
    } else {
      word += c;
      in_word = true;
    }
  }
  if (quote != '\0') return fail(ErrorKind::invalid_argument, std::string("a quote is not closed: ") + quote);
  if (in_word) words.push_back(std::move(word));
  return words;
}

}  // namespace conclave::app
