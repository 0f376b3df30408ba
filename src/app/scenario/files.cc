#include "app/scenario/files.h"

#include <algorithm>
#include <fmt/format.h>
#include <fstream>
#include <iterator>
#include <system_error>

#include "sim/scenario/interpreter.h"

namespace conclave::app {
namespace {

namespace fs = std::filesystem;
using sim::scenario::Script;

// Lines that tell of something wrong, with their places: no file may hold one, whoever wrote it there.
std::string found_in(const std::string& name, const Script& script) {
  std::string text;
  for (const auto& step : script.steps) {
    for (const std::string& line : step.output) {
      const std::string_view words = std::string_view(line).substr(std::min(line.find_first_not_of(' '), line.size()));
      if (!words.starts_with(sim::scenario::kFound) && !words.starts_with(sim::scenario::kNot)) continue;
      text += fmt::format("{}:{}: {}\n    {}\n", name, step.output_line, step.commands.back().text, line);
    }
  }
  return text;
}

}  // namespace

Result<std::vector<fs::path>> scenario_files(const fs::path& path) {
  std::error_code error;
  if (fs::is_regular_file(path, error)) return std::vector{path};
  if (!fs::is_directory(path, error)) return fail(ErrorKind::not_found, path.string() + ": no such file or folder");
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(path)) {
    if (entry.path().extension() == ".txt") files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

ScenarioResult run_scenario(const fs::path& file, bool rewrite) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return {.message = file.string() + ": cannot be read\n"};
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  const auto script = sim::scenario::parse_script(text);
  if (!script) return {.message = fmt::format("{}: {}\n", file.string(), script.error().message)};
  const auto now = sim::scenario::run(*script);
  if (!now) return {.message = fmt::format("{}: {}\n", file.string(), now.error().message)};

  ScenarioResult result{.message = found_in(file.string(), *now)};
  if (!rewrite) result.message += difference(file.string(), *script, *now);
  if (const std::string fresh = to_text(*now); rewrite && fresh != text) {
    std::ofstream out(file, std::ios::binary | std::ios::trunc);
    out << fresh;
    if (!out.flush()) return {.message = file.string() + ": cannot be written\n"};
    result.rewritten = true;
  }
  result.passed = result.message.empty();
  return result;
}

}  // namespace conclave::app
