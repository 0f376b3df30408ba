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

Result<std::string> read(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return fail(ErrorKind::not_found, file.string() + ": cannot be read");
  return std::string{std::istreambuf_iterator<char>(in), {}};
}

// Errors begin with the name of the file.
Result<Script> parse(const fs::path& file, const std::string& text) {
  auto script = sim::scenario::parse_script(text);
  if (!script) return fail(script.error().kind, fmt::format("{}: {}", file.string(), script.error().message));
  return script;
}

Result<Script> run_script(const fs::path& file, const Script& script, sim::scenario::Variant variant) {
  auto now = sim::scenario::run(script, variant);
  if (!now) return fail(now.error().kind, fmt::format("{}: {}", file.string(), now.error().message));
  return now;
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
  const auto text = read(file);
  const auto script = text ? parse(file, *text) : std::unexpected(text.error());
  const auto now = script ? run_script(file, *script, {}) : std::unexpected(script.error());
  if (!now) return {.message = now.error().message + "\n"};

  ScenarioResult result{.message = found_in(file.string(), *now)};
  if (!rewrite) result.message += difference(file.string(), *script, *now);
  if (const std::string fresh = to_text(*now); rewrite && fresh != *text) {
    std::ofstream out(file, std::ios::binary | std::ios::trunc);
    out << fresh;
    if (!out.flush()) return {.message = file.string() + ": cannot be written\n"};
    result.rewritten = true;
  }
  result.passed = result.message.empty();
  return result;
}

ScenarioResult run_under(const fs::path& file, const std::vector<int64_t>& seeds, consensus::EngineKind engine) {
  const auto text = read(file);
  const auto script = text ? parse(file, *text) : std::unexpected(text.error());
  if (!script) return {.message = script.error().message + "\n"};
  ScenarioResult result;
  const bool fixed = engine != consensus::EngineKind::paxos && !sim::scenario::is_for(*script, engine);
  for (const int64_t seed : fixed ? std::vector<int64_t>() : seeds) {
    const auto now = run_script(file, *script, {.more_seed = seed, .engine = engine});
    const std::string found = now ? found_in(file.string(), *now) : now.error().message + "\n";
    if (!found.empty()) result.message += fmt::format("{}, with seeds {} higher: {}", to_string(engine), seed, found);
  }
  result.passed = result.message.empty();
  return result;
}

}  // namespace conclave::app
