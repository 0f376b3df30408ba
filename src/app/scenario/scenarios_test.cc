// Every scenario of tests/scenarios, and that its table knows them and every row of the bug catalogue.
// CONCLAVE_REWRITE=1 writes the outputs anew.
#include <cstdlib>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>

#include "app/scenario/files.h"

namespace conclave::app {
namespace {

namespace fs = std::filesystem;

const fs::path kSource = CONCLAVE_SOURCE_DIR;
const fs::path kScenarios = kSource / "tests/scenarios";

std::vector<fs::path> all_files() {
  return scenario_files(kScenarios).value_or(std::vector<fs::path>());
}

std::string name_of(const fs::path& file) {
  return fs::relative(file, kScenarios).string();
}

class Scenario : public testing::TestWithParam<fs::path> {};

TEST_P(Scenario, Holds) {
  const bool rewrite = std::getenv("CONCLAVE_REWRITE") != nullptr;
  const ScenarioResult result = run_scenario(GetParam(), rewrite);
  EXPECT_TRUE(result.passed) << result.message;
}

// Where it leaves the engine open: what must never be is not there with Raft either, and what is waited for comes.
TEST_P(Scenario, HoldsWithRaft) {
  const ScenarioResult result = run_under(GetParam(), {0}, consensus::EngineKind::raft);
  EXPECT_TRUE(result.passed) << result.message;
}

INSTANTIATE_TEST_SUITE_P(Files, Scenario, testing::ValuesIn(all_files()), [](const auto& file) {
  return std::regex_replace(name_of(file.param), std::regex("[^A-Za-z0-9]"), "_");
});

std::string read(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// The rows "| B12 | ... |" of a page, by number; a number in two rows has both.
std::map<std::string, std::vector<std::string>> rows_of(const fs::path& page) {
  std::map<std::string, std::vector<std::string>> rows;
  std::istringstream in(read(page));
  static const std::regex kRow(R"(^\| (B\d\d) \|.*)");
  std::smatch match;
  for (std::string line; std::getline(in, line);) {
    if (std::regex_match(line, match, kRow)) rows[match[1]].push_back(line);
  }
  return rows;
}

TEST(ScenarioTable, HasEveryRowOfTheCatalogueOnce) {
  const auto catalogue = rows_of(kSource / "docs/requirements/bugs.md");
  const auto table = rows_of(kScenarios / "README.md");
  ASSERT_EQ(catalogue.size(), 54u);
  for (const auto& [number, rows] : catalogue) {
    ASSERT_TRUE(table.contains(number)) << number << " has no row in tests/scenarios/README.md";
    EXPECT_EQ(table.at(number).size(), 1u) << number;
  }
  for (const auto& [number, rows] : table) EXPECT_TRUE(catalogue.contains(number)) << number << " is no known bug";
}

// Every name in backquotes in its tables that looks like one of a file or of a test is one.
TEST(ScenarioTable, NamesWhatThereIs) {
  std::set<std::string> named;
  std::string tests;
  for (const auto& entry : fs::recursive_directory_iterator(kSource / "src")) {
    if (entry.path().string().ends_with("_test.cc")) tests += read(entry.path());
  }
  std::string page;  // its tables
  std::istringstream lines(read(kScenarios / "README.md"));
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with('|')) page += line + "\n";
  }
  static const std::regex kQuoted("`([^`]+)`"), kTest(R"((\w+)\.(\w+))"), kFile(R"([\w/]+\.(txt|py|cc|h|md))");
  for (auto it = std::sregex_iterator(page.begin(), page.end(), kQuoted); it != std::sregex_iterator(); ++it) {
    const std::string name = (*it)[1];
    std::smatch match;
    if (std::regex_match(name, kFile)) {
      named.insert(name);
      EXPECT_TRUE(fs::exists(kScenarios / name) || fs::exists(kSource / name)) << name << " does not exist";
    } else if (std::regex_match(name, match, kTest)) {
      const std::regex definition("TEST(_F|_P)?\\(" + match[1].str() + ", " + match[2].str() + "\\)");
      EXPECT_TRUE(std::regex_search(tests, definition)) << "there is no test " << name;
    }
  }
  for (const fs::path& file : all_files()) {
    EXPECT_TRUE(named.contains(name_of(file))) << name_of(file) << " is not in tests/scenarios/README.md";
  }
}

}  // namespace
}  // namespace conclave::app
