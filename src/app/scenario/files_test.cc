// Scenarios as files: compared, rewritten, run under other seeds; what is wrong is named with its place.
#include "app/scenario/files.h"

#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <iterator>

namespace conclave::app {
namespace {

namespace fs = std::filesystem;
using consensus::EngineKind;
using testing::HasSubstr;

class ScenarioFiles : public testing::Test {
 protected:
  ScenarioFiles() { fs::create_directories(folder_); }
  ~ScenarioFiles() override { fs::remove_all(folder_); }

  fs::path write(const std::string& text) const {
    std::ofstream(folder_ / "one.txt", std::ios::binary) << text;
    return folder_ / "one.txt";
  }
  std::string text() const {
    std::ifstream in(folder_ / "one.txt", std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  const fs::path folder_ = fs::path(testing::TempDir()) / testing::UnitTest::GetInstance()->current_test_info()->name();
};

constexpr const char* kCell =
    "# A cell.\n\ncell\nclient a replicas=2\na create /x one\n----\na: connected to 2\na: create /x \"one\" -> ok at "
    "1:3\n"
    "\ncheck\n----\nok: 1 operations, 0 watch events, 3 transactions\n";

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  return text.replace(text.find(from), from.size(), to);
}

TEST_F(ScenarioFiles, AFileThatSaysWhatIsPrintedPasses) {
  const ScenarioResult result = run_scenario(write(kCell), false);
  EXPECT_TRUE(result.passed) << result.message;
}

TEST_F(ScenarioFiles, AnotherLineIsShownWithItsPlaceAndRewrittenOnDemand) {
  const fs::path file = write(replaced(kCell, "-> ok", "-> no"));
  const ScenarioResult result = run_scenario(file, false);
  EXPECT_FALSE(result.passed);
  EXPECT_THAT(result.message, HasSubstr("one.txt:7: a create /x one"));
  EXPECT_THAT(result.message,
              HasSubstr("- a: create /x \"one\" -> no at 1:3\n    + a: create /x \"one\" -> ok at 1:3"));

  const ScenarioResult rewritten = run_scenario(file, true);
  EXPECT_TRUE(rewritten.passed && rewritten.rewritten) << rewritten.message;
  EXPECT_EQ(text(), kCell);
  EXPECT_FALSE(run_scenario(file, true).rewritten) << "there is nothing to change any more";
}

TEST_F(ScenarioFiles, WhatDoesNotComeFailsWhateverTheFileSays) {
  const fs::path file = write("cell\nuntil master 2 within=1s\ncheck\n----\n");
  const ScenarioResult result = run_scenario(file, true);
  EXPECT_FALSE(result.passed);
  EXPECT_THAT(result.message, HasSubstr("NOT master 2 within 1s"));
  EXPECT_FALSE(run_scenario(file, false).passed) << "it says so itself now";
}

TEST_F(ScenarioFiles, UnderOtherSeedsLinesMayDifferAndNothingElse) {
  // Which replica leads without a first one is a matter of the seed.
  const fs::path file = write("cell first=none\nuntil serving\nstatus\ncheck\n----\n");
  ASSERT_TRUE(run_scenario(file, true).passed);
  const ScenarioResult result = run_under(file, {1, 2, 3, 4, 5}, EngineKind::paxos);
  EXPECT_TRUE(result.passed) << result.message;

  write("cell first=none\nuntil master 1 within=5s\ncheck\n----\n");
  const ScenarioResult failed = run_under(file, {1, 2, 3, 4, 5, 6, 7, 8}, EngineKind::paxos);
  EXPECT_FALSE(failed.passed);
  EXPECT_THAT(failed.message, HasSubstr("higher: "));
  EXPECT_THAT(failed.message, HasSubstr("NOT master 1 within 5s"));
}

TEST_F(ScenarioFiles, ACellThatNamesNoEngineRunsOnEach) {
  const fs::path file = write("cell\nuntil master 2 within=1s\ncheck\n----\n");
  EXPECT_THAT(run_under(file, {0}, EngineKind::raft).message, HasSubstr("raft, with seeds 0 higher: "));
  write("engines raft\ncell\nuntil master 2 within=1s\ncheck\n----\n");
  EXPECT_FALSE(run_under(file, {0}, EngineKind::raft).passed);
  write("engines paxos\ncell\nuntil master 2 within=1s\ncheck\n----\n");
  EXPECT_TRUE(run_under(file, {0}, EngineKind::raft).passed) << "it says that it is for Paxos alone";
  write("cell engine=paxos\nuntil master 2 within=1s\ncheck\n----\n");
  EXPECT_TRUE(run_under(file, {0}, EngineKind::raft).passed) << "its cell names an engine";
}

TEST_F(ScenarioFiles, WhatIsNoScenarioIsNamedWithItsPlace) {
  EXPECT_THAT(run_scenario(folder_ / "none.txt", false).message, HasSubstr("none.txt: cannot be read"));
  EXPECT_THAT(run_scenario(write("cell\nstatus\n"), false).message,
              HasSubstr("line 2: the last commands have no ----"));
  EXPECT_THAT(run_scenario(write("cell\n\n"), false).message, HasSubstr("line 2: the commands before it have no ----"));
  EXPECT_THAT(run_scenario(write("cell\nstaus\n----\n"), false).message, HasSubstr("line 2: cells know no command"));
  EXPECT_THAT(run_scenario(write("cell\nstatus\n----\n"), false).message, HasSubstr("a cell ends with \"check\""));
  EXPECT_FALSE(scenario_files(folder_ / "nowhere"));
}

}  // namespace
}  // namespace conclave::app
