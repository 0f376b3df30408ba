// Purge, crashes and failing disks (B30, B34).

#include <algorithm>
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

TEST(SnapshotCrash, WhatARestartListsSurvivesALaterPowerCut) {  // B30
  for (uint64_t at = 0; at <= 10; ++at) {
    TestStore s;
    ASSERT_TRUE(s.open());
    s.files->die_after(s.files->operations() + at);
    (void)s.write(2, kChunks);
    s.files->clear_faults();  // killed: nothing is lost yet
    ASSERT_TRUE(s.open());
    const auto listed = s.indexes();
    s.files->crash(Lost::everything_unsynced);
    ASSERT_TRUE(s.open());
    EXPECT_EQ(s.indexes(), listed) << at;
  }
}

// A crash or an error at every operation: a snapshot is there whole or not at all, and the earlier one stays.
TEST(SnapshotCrash, AtEveryOperationLeavesTheOldOrBoth) {
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
  for (uint64_t at = 0; at <= 10; ++at) {
    for (uint64_t seed = 0; seed < 32; ++seed) {
      TestStore s;
      ASSERT_TRUE(s.open());
      ASSERT_TRUE(s.write(1, kChunks));
      s.files->die_after(s.files->operations() + at);
      const bool done = s.write(2, kChunks).has_value();
      s.files->crash(seed == 0 ? Lost::everything_unsynced : seed == 1 ? Lost::nothing : Lost::by_chance, seed);
      ASSERT_TRUE(s.open());
      EXPECT_EQ(s.indexes().back(), 1u);
      if (done) {
        EXPECT_EQ(s.indexes().front(), 2u);
      }
      for (const SnapshotFile& file : s.store->list()) {
        const auto loaded = s.load(file);
        ASSERT_TRUE(loaded) << loaded.error().message;
        EXPECT_EQ(*loaded, kWhole);
      }
    }
  }
}

TEST(SnapshotCrash, InjectedFaultsAreCleanErrors) {
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

TEST(SnapshotCrash, PurgeCutByACrashKeepsTheNewest) {
  for (uint64_t at = 0; at < 8; ++at) {
    TestStore s;
    ASSERT_TRUE(s.open());
    for (uint64_t index = 1; index <= 5; ++index) ASSERT_TRUE(s.write(index, kChunks));
    ASSERT_TRUE(s.open());
    s.content(s.store->list().at(0))[300] ^= 1;
    s.files->die_after(s.files->operations() + at);
    (void)s.purge(1);
    s.files->crash(Lost::by_chance, at);
    ASSERT_TRUE(s.open());
    const auto& list = s.store->list();
    EXPECT_TRUE(std::ranges::any_of(
        list, [&](const SnapshotFile& f) { return s.load(f).has_value() && f.meta.index == Index(4); }));
  }
}

}  // namespace
}  // namespace conclave::storage::testing
