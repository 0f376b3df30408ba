// Segments that are missing, and headers of segments that are damaged or lost.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <utility>

#include "storage/journal_format.h"
#include "storage/testing_journal.h"

namespace conclave::storage::testing {
namespace {

using ::testing::HasSubstr;

TEST(JournalDamage, RefusesWhenSegmentsAreMissing) {
  TestJournal j;
  ASSERT_TRUE(j.open());
  for (uint64_t i = 1; i <= 40; ++i) j.append_and_wait({.entries = {entry(i, 1, noise(i, 1400))}});
  const auto segments = j.segments();
  ASSERT_GE(segments.size(), 4u);
  ASSERT_TRUE(j.files->remove(segments[1]));
  const auto refused = j.open();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::corrupt);
  EXPECT_THAT(refused.error().message, HasSubstr(segments[0] + ": offset 0: the segment after this one is missing"));
}

TEST(JournalDamage, RefusesWhenBothHeadersAreDamaged) {
  TestJournal j;
  ASSERT_TRUE(j.open());
  for (uint64_t i = 1; i <= 20; ++i) j.append_and_wait({.entries = {entry(i, 1, noise(i, 1400))}});
  for (const std::string& path : j.segments()) {
    const Bytes good = j.files->content(path);
    j.files->content(path).replace(0, kSegmentHeaderBytes, kSegmentHeaderBytes, '\0');
    const auto refused = j.open();
    ASSERT_FALSE(refused) << path;
    EXPECT_EQ(refused.error().kind, ErrorKind::corrupt);
    EXPECT_THAT(refused.error().message, HasSubstr(path + ": offset 0: both copies of the segment header are damaged"));
    j.files->content(path) = good;
  }
  EXPECT_TRUE(j.open());
}

// A start wrote the last batch again, and the disk lost the write of the header behind it. What the batch repeats may
// be gone in its old place, where it perhaps never was durable. Found by the simulator (seed 1028172): the batch had
// been acknowledged by then.
TEST(JournalDamage, ALostHeaderOfTheNewestSegmentCostsNothing) {
  TestJournal j;
  ASSERT_TRUE(j.open());
  for (uint64_t i = 1; i <= 3; ++i) j.append_and_wait({.entries = {entry(i, 1, "e" + std::to_string(i))}});
  const std::string before = j.segments().back();
  const Bytes with_the_last = j.files->content(before);
  ASSERT_TRUE(j.open());
  const std::string newest = j.segments().back();
  ASSERT_NE(newest, before);
  const std::vector<consensus::Entry> all = j.recovered.entries;
  ASSERT_EQ(all.size(), 3u);
  for (const bool still_there : {true, false}) {
    for (int restarts = 0; restarts < 3; ++restarts) {
      Bytes& header = j.files->content(j.segments().back());
      header.replace(0, kSegmentHeaderBytes, kSegmentHeaderBytes, '\0');
      if (still_there && restarts == 0) {
        Bytes& old = j.files->content(before);
        old.replace(0, with_the_last.size(), with_the_last);
      }
      ASSERT_TRUE(j.open());
      EXPECT_EQ(j.recovered.entries, all);
      EXPECT_TRUE(j.recovered.damaged.empty());
    }
  }
  j.append_and_wait({.entries = {entry(4, 1, "e4")}});
  ASSERT_TRUE(j.open());
  EXPECT_EQ(j.recovered.entries.size(), 4u);
}

// An unfinished segment that repeats less than the newest finished one holds is of a start that never was.
TEST(JournalDamage, AnUnfinishedSegmentCountsForNothingWhereAFinishedOneGoesOnBeyondIt) {
  TestJournal j;
  ASSERT_TRUE(j.open());
  for (uint64_t i = 1; i <= 3; ++i) j.append_and_wait({.entries = {entry(i, 1, "old")}});
  ASSERT_TRUE(j.open());
  const std::string finished = j.segments().back();
  const Bytes as_begun = j.files->content(finished);
  for (uint64_t i = 4; i <= 5; ++i) j.append_and_wait({.entries = {entry(i, 1, "new")}});
  const Bytes as_used = std::exchange(j.files->content(finished), as_begun);
  ASSERT_TRUE(j.open());  // a segment that repeats entry 3
  const std::string unfinished = j.segments().back();
  ASSERT_NE(unfinished, finished);
  j.files->content(unfinished).replace(0, kSegmentHeaderBytes, kSegmentHeaderBytes, '\0');
  auto again = j.files->open(finished, env::Files::Open::create_or_truncate);
  ASSERT_TRUE(again);
  ASSERT_TRUE((*again)->write_at(0, as_used));
  ASSERT_TRUE(j.open());
  EXPECT_EQ(j.recovered.entries.size(), 5u);
  EXPECT_TRUE(j.recovered.damaged.empty());
}

TEST(JournalDamage, RefusesAJournalOfOneSegmentWithoutHeader) {
  TestJournal j;
  ASSERT_TRUE(j.open());
  j.append_and_wait({.entries = {entry(1, 1, "a")}});
  ASSERT_TRUE(j.open());  // its first batch now holds the entry, and there is no second one
  j.files->content(j.segments().back()).replace(0, kSegmentHeaderBytes, kSegmentHeaderBytes, '\0');
  for (const std::string& path : j.segments()) {
    if (path != j.segments().back()) {
      ASSERT_TRUE(j.files->remove(path));
    }
  }
  const auto refused = j.open();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::corrupt);
}

}  // namespace
}  // namespace conclave::storage::testing
