// The text of a scenario: steps, each of one or more commands and what they printed.
//
//   # A comment: it stays where it is.
//   cell replicas=3
//   until serving
//   ----
//   replica 1 leads
//
// A step begins with its first command, and its output ends at an empty line or at the end of the text. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace conclave::sim::scenario {

struct Line {
  size_t number = 0;  // in the file, from 1
  std::string text;
};

struct Step {
  std::vector<std::string> before;  // comments and empty lines in front of it
  std::vector<Line> commands;       // comments among them included
  size_t output_line = 0;           // where the output begins
  std::vector<std::string> output;
};

struct Script {
  std::vector<Step> steps;
  std::vector<std::string> after;  // what follows the last step
};

// Errors name the line.
Result<Script> parse_script(std::string_view text);
// What parse_script takes back.
std::string to_text(const Script& script);

// Where two outputs of one script differ, step by step, as "file:line:" and lines with + and -; empty if nowhere.
// REQUIRES: both have the same steps.
std::string difference(const std::string& file, const Script& expected, const Script& actual);

}  // namespace conclave::sim::scenario
