#include "sim/scenario/command.h"

#include <charconv>
#include <fmt/format.h>
#include <utility>

#include "sim/cluster/fault.h"

namespace conclave::sim::scenario {
namespace {

// NAME=VALUE: the name is of letters, digits and dashes. Anything else is a word: "/x=1", "1->2".
size_t name_length(std::string_view word) {
  const size_t equals = word.find('=');
  if (equals == 0 || equals == std::string_view::npos) return 0;
  const auto is_name = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
  for (const char c : word.substr(0, equals)) {
    if (!is_name(c)) return 0;
  }
  return equals;
}

}  // namespace

Command::Command(std::string_view line) : line_(line) {
  while (true) {
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    if (line.empty()) return;
    const std::string_view word = line.substr(0, line.find(' '));
    line.remove_prefix(word.size());
    if (const size_t length = name_length(word)) {
      settings_[std::string(word.substr(0, length))] = word.substr(length + 1);
    } else {
      words_.emplace_back(word);
    }
  }
}

std::string Command::word() {
  return has_word() ? words_[next_++] : "";
}

bool Command::take(std::string_view word) {
  if (!has_word() || words_[next_] != word) return false;
  ++next_;
  return true;
}

std::string Command::text(const std::string& name, std::string fallback) {
  const auto found = settings_.extract(name);
  return found ? found.mapped() : fallback;
}

std::map<std::string, std::string> Command::rest() {
  return std::exchange(settings_, {});
}

Result<int64_t> Command::number(const std::string& name, int64_t fallback) {
  if (!has(name)) return fallback;
  const std::string value = text(name);
  const auto number = parse_whole(value);
  if (!number) return wrong(fmt::format("{}={}: not a whole number", name, value));
  return number;
}

Result<Duration> Command::duration(const std::string& name, Duration fallback) {
  if (!has(name)) return fallback;
  const auto duration = parse_duration(text(name));
  if (!duration) return wrong(name + ": " + duration.error().message);
  return duration;
}

Result<> Command::finished() const {
  if (has_word()) return wrong(fmt::format("\"{}\" is one word too many", words_[next_]));
  if (!settings_.empty()) return wrong(fmt::format("there is no setting \"{}\" here", settings_.begin()->first));
  return {};
}

Result<int64_t> parse_whole(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) {
    return wrong(fmt::format("\"{}\" is not a whole number", text));
  }
  return value;
}

Result<std::vector<int64_t>> parse_numbers(std::string_view text) {
  std::vector<int64_t> numbers;
  while (true) {
    const std::string_view part = text.substr(0, text.find(','));
    const size_t dots = part.find("..");
    const auto first = parse_whole(part.substr(0, dots));
    const auto last = dots == std::string_view::npos ? first : parse_whole(part.substr(dots + 2));
    if (!first) return std::unexpected(first.error());
    if (!last) return std::unexpected(last.error());
    if (*last < *first) return wrong(fmt::format("\"{}\" goes backwards", part));
    if (*last - *first > 10'000) return wrong(fmt::format("\"{}\": more than 10,000 numbers", part));
    for (int64_t number = *first; number <= *last; ++number) numbers.push_back(number);
    if (part.size() == text.size()) return numbers;
    text.remove_prefix(part.size() + 1);
  }
}

std::unexpected<Error> wrong(std::string what) {
  return fail(ErrorKind::invalid_argument, std::move(what));
}

}  // namespace conclave::sim::scenario
