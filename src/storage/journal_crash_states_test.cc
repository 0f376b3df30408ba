// Every disk that a power cut at any call may leave of the journal (B01, B02, B30, B31).

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <memory>
#include <string>

#include "storage/testing_broken_files.h"
#include "storage/testing_crash_explorer.h"
#include "storage/testing_journal_run.h"

namespace conclave::storage::testing {
namespace {

class JournalCrashStates : public ::testing::TestWithParam<JournalScript> {};

TEST_P(JournalCrashStates, AreAllRecovered) {
  JournalRun run(GetParam().script);
  const CrashReport report = explore_crashes(run, "journal");
  for (const std::string& violation : report.violations) ADD_FAILURE() << violation;
  EXPECT_TRUE(run.finished());
  record(report);
}
INSTANTIATE_TEST_SUITE_P(Scripts, JournalCrashStates, ::testing::ValuesIn(kJournalScripts),
                         [](const auto& p) { return std::string(p.param.name); });

// Tests of the test: a journal that leaves out one kind of call is caught, unless the call is for speed only.
struct JournalMistake : Mistake {
  const char* caught_as;  // empty: it does no harm
};

constexpr JournalMistake kMistakes[] = {
    {{"NoSync", Call::sync, "", ""}, "the first batch of the segment is not whole although it had been durable"},
    {{"NoSyncOfABatch", Call::sync, "journal/segment", "segment-0000000000000001 4608+"},
     "not the state after any of the persists"},
    {{"NoSyncOfAFirstBatch", Call::sync, "journal/segment", "segment-0000000000000002 4096+"},
     "the first batch of the segment is not whole although it had been durable"},
    {{"NoSyncOfASegmentHeader", Call::sync, "journal/segment", "segment-0000000000000002 0+"},
     "both copies of the segment header are damaged"},
    {{"NoSyncOfDirectories", Call::sync_directory, "", ""}, "not the state after any of the persists"},  // B30
    {{"NoSyncOfTheDataDirectory", Call::sync_directory, "", "make-directory"},
     "not the state after any of the persists"},
    {{"NoSyncAfterPlacing", Call::sync_directory, "journal", "rename journal/spare"},
     "not the state after any of the persists"},
    {{"NoSyncAfterReleasing", Call::sync_directory, "journal", "rename journal/segment"}, "is missing"},
    // Sizes are for speed and against a full disk: a write beyond the end of a file extends it.
    {{"NoPreallocation", Call::resize, "", ""}, ""},
    {{"NoSyncOfASpare", Call::sync, "journal/spare", ""}, ""},
};

class JournalMistakes : public ::testing::TestWithParam<JournalMistake> {};

TEST_P(JournalMistakes, AreFound) {
  const JournalMistake& mistake = GetParam();
  JournalRun run(rolls_releases_and_recycling);
  const CrashReport report = explore_crashes(
      run, "", {.combinations_max = 64, .judged_one_in = 1, .recovery_cut_one_in = 0}, omitting(mistake));
  if (std::string_view(mistake.caught_as).empty()) {
    for (const std::string& violation : report.violations) ADD_FAILURE() << violation;
  } else {
    ASSERT_EQ(report.violations.size(), 1u);
    EXPECT_THAT(report.violations[0], ::testing::HasSubstr(mistake.caught_as));
  }
}
INSTANTIATE_TEST_SUITE_P(All, JournalMistakes, ::testing::ValuesIn(kMistakes),
                         [](const auto& p) { return std::string(p.param.name); });

// J6: what a killed process left in the page cache is read by the next start, which must not rely on it before it is
// durable.
TEST(JournalMistakes, OfARestartAreFound) {
  constexpr Mistake kMistake = {"", Call::sync, "journal/segment", "segment-0000000000000002 "};
  JournalRun run(votes);  // never gets to a second segment itself
  const CrashReport report = explore_crashes(run, "", {.judged_one_in = 1}, omitting(kMistake));
  ASSERT_EQ(report.violations.size(), 1u);
  EXPECT_THAT(report.violations[0], ::testing::HasSubstr("the first batch of the segment is not whole"));
}

}  // namespace
}  // namespace conclave::storage::testing
