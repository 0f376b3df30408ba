// Every disk that a power cut at any call may leave of the snapshots (B30, B34, B43).

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>

#include "storage/testing_broken_files.h"
#include "storage/testing_snapshot_run.h"

namespace conclave::storage::testing {
namespace {

class SnapshotCrashStates : public ::testing::TestWithParam<SnapshotScript> {};

TEST_P(SnapshotCrashStates, AreAllRecovered) {
  SnapshotRun run(GetParam().script);
  const CrashReport report = explore_crashes(run, "snapshots", {.combinations_max = 4096});
  for (const std::string& violation : report.violations) ADD_FAILURE() << violation;
  EXPECT_TRUE(run.finished());
  record(report);
}
INSTANTIATE_TEST_SUITE_P(Scripts, SnapshotCrashStates, ::testing::ValuesIn(kSnapshotScripts),
                         [](const auto& p) { return std::string(p.param.name); });

// Tests of the test: a store that leaves out one kind of call is caught.
struct SnapshotMistake : Mistake {
  void (*script)(SnapshotRun&);
  const char* caught_as;
};

constexpr SnapshotMistake kMistakes[] = {
    {{"NoSyncOfAFile", Call::sync, ".partial", ""}, writes, "is listed and not whole"},
    {{"NoSyncOfTheDirectory", Call::sync_directory, "snapshots", "rename"}, writes, "is lost"},  // B30
    {{"NoSyncOfTheDataDirectory", Call::sync_directory, "", "make-directory"}, writes, "is lost"},
    {{"NoSyncAfterPuttingAside", Call::sync_directory, "snapshots", ".corrupt"}, quarantine, "came back"},
    {{"NoSyncAfterPurge", Call::sync_directory, "snapshots", "remove"}, purges, "came back"},
    {{"NoSyncOfAReceivedFile", Call::sync, ".receiving", ""}, a_reception_that_resumes, "is listed and not whole"},
    {{"NoRemovalByPurge", Call::remove, "snapshot-", ""}, purges, "came back"},
    {{"NoRename", Call::rename, ".partial", ""}, writes, "is lost"},
};

class SnapshotMistakes : public ::testing::TestWithParam<SnapshotMistake> {};

TEST_P(SnapshotMistakes, AreFound) {
  const SnapshotMistake& mistake = GetParam();
  SnapshotRun run(mistake.script);
  const CrashReport report =
      explore_crashes(run, "", {.judged_one_in = 1, .recovery_cut_one_in = 0}, omitting(mistake));
  ASSERT_EQ(report.violations.size(), 1u);
  EXPECT_THAT(report.violations[0], ::testing::HasSubstr(mistake.caught_as));
}
INSTANTIATE_TEST_SUITE_P(All, SnapshotMistakes, ::testing::ValuesIn(kMistakes),
                         [](const auto& p) { return std::string(p.param.name); });

}  // namespace
}  // namespace conclave::storage::testing
