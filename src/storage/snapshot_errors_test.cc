// Purge among damaged files (B34), and a disk that fails.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/snapshot_format.h"
#include "storage/testing_snapshots.h"

namespace conclave::storage::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Lost = MemoryFiles::Lost;

// B34: purge counts only files that are whole, and never removes the last of them.
TEST(SnapshotPurge, KeepsTheNewestWholeOnes) {
  TestStore s;
  ASSERT_TRUE(s.open());
  for (uint64_t index = 1; index <= 5; ++index) ASSERT_TRUE(s.write(index, kChunks));
  EXPECT_EQ(s.purge(3).value(), 2u);
  EXPECT_THAT(s.indexes(), ElementsAre(5, 4, 3));
  EXPECT_EQ(s.purge(3).value(), 0u);
  EXPECT_EQ(s.purge(0).value(), 2u) << "one is always kept";
  EXPECT_THAT(s.indexes(), ElementsAre(5));
  s.files->crash(Lost::everything_unsynced);
  ASSERT_TRUE(s.open());
  EXPECT_THAT(s.indexes(), ElementsAre(5));
}

TEST(SnapshotPurge, NeverCountsCorruptOnes) {
  for (size_t corrupt = 0; corrupt <= 4; ++corrupt) {
    TestStore s;
    ASSERT_TRUE(s.open());
    for (uint64_t index = 1; index <= 4; ++index) ASSERT_TRUE(s.write(index, kChunks));
    ASSERT_TRUE(s.open());  // what this process wrote is trusted; a later one verifies
    for (size_t i = 0; i < corrupt; ++i) s.content(s.store->list().at(i))[200] ^= 1;
    EXPECT_EQ(s.purge(1).value(), corrupt >= 4 ? 0u : 3u - corrupt) << corrupt;
    if (corrupt < 4) {
      EXPECT_THAT(s.indexes(), ElementsAre(4 - corrupt));
      EXPECT_EQ(s.load_whole(s.store->list().at(0)), kWhole);
    } else {
      EXPECT_THAT(s.indexes(), IsEmpty());
    }
    size_t kept_aside = 0;
    for (const std::string& name : s.files->names("snapshots")) kept_aside += name.ends_with(".corrupt") ? 1 : 0;
    EXPECT_EQ(kept_aside, corrupt) << "for the operator";
  }
}

TEST(SnapshotPurge, LeavesWhatItCannotRead) {
  TestStore s;
  ASSERT_TRUE(s.open());
  for (uint64_t index = 1; index <= 3; ++index) ASSERT_TRUE(s.write(index, kChunks));
  ASSERT_TRUE(s.open());
  s.files->set_read_error("snapshots/" + s.store->list().at(0).name, 300);
  EXPECT_EQ(s.purge(1).value(), 1u);
  EXPECT_THAT(s.indexes(), ElementsAre(3, 2));
}

// An error at any operation: the earlier snapshot stays, nothing is left over, and the store goes on.
TEST(SnapshotErrors, AtEveryOperationAreClean) {
  for (const auto kind : {ErrorKind::io, ErrorKind::no_space}) {
    for (uint64_t at = 1; at <= 10; ++at) {
      TestStore s;
      ASSERT_TRUE(s.open());
      ASSERT_TRUE(s.write(1, kChunks));
      s.files->fail_at(s.files->operations() + at, kind);
      const auto second = s.write(2, kChunks);
      EXPECT_EQ(second.has_value(), !s.files->failed());
      if (!second) {
        EXPECT_EQ(second.error().kind, kind);
        for (const std::string& name : s.files->names("snapshots")) EXPECT_FALSE(name.ends_with(".partial")) << at;
      }
      s.files->clear_faults();
      ASSERT_TRUE(s.write(3, kChunks)) << "the store goes on";
      EXPECT_EQ(s.indexes().front(), 3u);
    }
  }
}

TEST(SnapshotErrors, OfInjectedFaultsAreClean) {
  for (const char* point : {"snapshot.write", "snapshot.sync", "snapshot.receive"}) {
    TestStore a, s;
    ASSERT_TRUE(a.open());
    const auto file = a.write(7, kChunks);
    ChanceFaults faults(1, {point}, 1);
    s.faults = &faults;
    ASSERT_TRUE(s.open());
    if (std::string(point) == "snapshot.receive") {
      EXPECT_FALSE(transfer(a, *file, s));
    } else {
      EXPECT_FALSE(s.write(1, kChunks));
      EXPECT_THAT(s.files->names("snapshots"), IsEmpty());
    }
  }
}

}  // namespace
}  // namespace conclave::storage::testing
