#include "sim/scenario/script.h"

#include <fmt/format.h>
#include <utility>

namespace conclave::sim::scenario {
namespace {

constexpr std::string_view kRule = "----";

bool is_filling(std::string_view line) {
  return line.empty() || line.starts_with('#');
}

std::vector<Line> lines_of(std::string_view text) {
  std::vector<Line> lines;
  for (size_t number = 1; !text.empty(); ++number) {
    const size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    while (!line.empty() && (line.back() == ' ' || line.back() == '\r')) line.remove_suffix(1);
    lines.push_back({.number = number, .text = std::string(line)});
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return lines;
}

// The lines of both, by a longest common subsequence: outputs are short.
std::vector<std::string> line_difference(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  std::vector<std::vector<size_t>> common(a.size() + 1, std::vector<size_t>(b.size() + 1, 0));
  for (size_t i = a.size(); i-- > 0;) {
    for (size_t j = b.size(); j-- > 0;) {
      common[i][j] = a[i] == b[j] ? common[i + 1][j + 1] + 1 : std::max(common[i + 1][j], common[i][j + 1]);
    }
  }
  std::vector<std::string> out;
  size_t i = 0, j = 0;
  while (i < a.size() || j < b.size()) {
    if (i < a.size() && j < b.size() && a[i] == b[j]) {
      out.push_back("  " + a[i]);
      ++i, ++j;
    } else if (j == b.size() || (i < a.size() && common[i + 1][j] >= common[i][j + 1])) {
      out.push_back("- " + a[i++]);
    } else {
      out.push_back("+ " + b[j++]);
    }
  }
  return out;
}

}  // namespace

Result<Script> parse_script(std::string_view text) {
  Script script;
  Step step;
  bool in_output = false;
  for (Line& line : lines_of(text)) {
    if (in_output) {
      if (!line.text.empty()) {
        step.output.push_back(std::move(line.text));
        continue;
      }
      in_output = false;
      script.steps.push_back(std::exchange(step, {}));
      continue;
    }
    if (line.text == kRule) {
      if (step.commands.empty()) {
        return fail(ErrorKind::invalid_argument, fmt::format("line {}: ---- without a command", line.number));
      }
      in_output = true;
      step.output_line = line.number + 1;
    } else if (step.commands.empty() && is_filling(line.text)) {
      // One empty line after an output is enough.
      const bool is_first = step.before.empty() && !script.steps.empty();
      if (!is_first || !line.text.empty()) step.before.push_back(std::move(line.text));
    } else if (line.text.empty()) {
      return fail(ErrorKind::invalid_argument,
                  fmt::format("line {}: the commands before it have no ----", line.number));
    } else {
      step.commands.push_back(std::move(line));
    }
  }
  if (in_output) {
    script.steps.push_back(std::move(step));
  } else if (!step.commands.empty()) {
    return fail(ErrorKind::invalid_argument,
                fmt::format("line {}: the last commands have no ----", step.commands.back().number));
  } else {
    script.after = std::move(step.before);
  }
  return script;
}

std::string to_text(const Script& script) {
  std::string text;
  const auto add = [&text](std::string_view line) { text.append(line).push_back('\n'); };
  for (size_t i = 0; i < script.steps.size(); ++i) {
    const Step& step = script.steps[i];
    if (i > 0) add("");
    for (const std::string& line : step.before) add(line);
    for (const Line& line : step.commands) add(line.text);
    add(kRule);
    for (const std::string& line : step.output) add(line);
  }
  if (!script.after.empty()) add("");
  for (const std::string& line : script.after) add(line);
  return text;
}

std::string difference(const std::string& file, const Script& expected, const Script& actual) {
  std::string text;
  for (size_t i = 0; i < expected.steps.size(); ++i) {
    const Step& step = expected.steps[i];
    if (step.output == actual.steps.at(i).output) continue;
    text += fmt::format("{}:{}: {}\n", file, step.output_line, step.commands.back().text);
    for (const std::string& line : line_difference(step.output, actual.steps[i].output)) text += "    " + line + "\n";
  }
  return text;
}

}  // namespace conclave::sim::scenario
