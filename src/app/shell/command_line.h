// The commands of the shell as words: which there are, their options and arguments, and what is wrong with a line.
// Pure.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace conclave::app {

struct CommandSpec {
  std::string_view name;
  std::string_view arguments;  // as in the usage line
  std::string_view help;
  std::string_view flags;         // letters of options without a value
  std::string_view number_flags;  // letters of options with a whole number as value
  size_t arguments_min = 0;
  size_t arguments_max = 0;
  bool path_first = false;        // the first argument is the path of a node
  std::string_view text_options;  // names of options with a text as value, separated by spaces; these are not bundled
};

std::span<const CommandSpec> shell_commands();
const CommandSpec* find_command(std::string_view name);
std::string usage_of(const CommandSpec& spec);

struct Command {
  const CommandSpec* spec = nullptr;
  std::set<char> flags;
  std::map<char, int64_t> numbers;
  std::map<std::string, std::vector<std::string>, std::less<>> texts;  // by the option's name; it may be repeated
  std::vector<std::string> arguments;

  bool has(char flag) const { return flags.contains(flag); }
  // The values of an option, joined by commas; nullopt: it was not given.
  std::optional<std::string> text(std::string_view option) const;
  int64_t number(char flag, int64_t otherwise) const {
    const auto found = numbers.find(flag);
    return found == numbers.end() ? otherwise : found->second;
  }
};

// REQUIRES: words is not empty. Options may be bundled (-sR) and stand anywhere before "--". The error says what is
// wrong and, for a known command, how it is used.
Result<Command> parse_command(std::span<const std::string> words);

// Empty, or what is wrong with a path of a node.
std::string path_fault(std::string_view path);

}  // namespace conclave::app
