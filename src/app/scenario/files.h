// Scenarios as files (tests/scenarios): found, run, compared, rewritten.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"
#include "consensus/factory/factory.h"

namespace conclave::app {

// The *.txt files at and beneath `path`, sorted; itself if it is a file. Error: not_found.
Result<std::vector<std::filesystem::path>> scenario_files(const std::filesystem::path& path);

struct ScenarioResult {
  bool passed = false;
  bool rewritten = false;
  std::string message;  // why it failed: places and differences, or what is wrong with the file
};

// Runs the file. With `rewrite` the outputs in it become what they are now; a scenario that tells of something wrong
// (a line with FOUND) fails all the same.
ScenarioResult run_scenario(const std::filesystem::path& file, bool rewrite);

// Runs the file once for each of `seeds`, which are added to those of its cells, with this engine where it leaves that
// open. What is printed may differ; it passes if nothing is found wrong and all that is waited for comes. A file that
// has nothing to show with this engine passes.
ScenarioResult run_under(const std::filesystem::path& file, const std::vector<int64_t>& seeds,
                         consensus::EngineKind engine);

}  // namespace conclave::app
