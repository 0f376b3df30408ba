#include "storage/snapshot_store.h"

#include <algorithm>
#include <cstring>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/checksum.h"
#include "storage/inspect.h"
#include "storage/snapshot_format.h"
#include "storage/testing_snapshots.h"

namespace conclave::storage::testing::snapshot_store_test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Lost = MemoryFiles::Lost;

TEST(SnapshotStore, WritesListsAndLoads) {
  TestStore s;
  ASSERT_TRUE(s.open());
  EXPECT_THAT(s.indexes(), IsEmpty());
  const auto file = s.write(7, kChunks);
  ASSERT_TRUE(file) << file.error().message;
  ASSERT_TRUE(s.write(9, {}));
  ASSERT_TRUE(s.write(8, {"x"}));
  EXPECT_THAT(s.indexes(), ElementsAre(9, 8, 7));
  s.files->crash(Lost::everything_unsynced);
  ASSERT_TRUE(s.open());
  EXPECT_THAT(s.indexes(), ElementsAre(9, 8, 7)) << "what commit acknowledged is durable (B30)";
  EXPECT_EQ(s.store->list().at(2).meta, meta_at(7));
  EXPECT_EQ(s.store->list().at(2).size, file->size);
  EXPECT_EQ(s.load_whole(s.store->list().at(2)), kWhole);
  EXPECT_EQ(s.load_whole(s.store->list().at(0)), "");
  EXPECT_LT(file->size, kWhole.size()) << "compressed";
}

TEST(SnapshotStore, CutsLongChunks) {
  TestStore s;
  ASSERT_TRUE(s.open());
  const Bytes big = noise(5, 3 << 20) + Bytes(10 << 20, 'q');
  const auto file = s.write(1, {big});
  ASSERT_TRUE(file);
  size_t longest = 0;
  Bytes out;
  ASSERT_TRUE(s.store->load(*file, [&](BytesView chunk) -> Result<> {
    longest = std::max(longest, chunk.size());
    out.append(chunk);
    return {};
  }));
  EXPECT_EQ(out, big);
  EXPECT_LE(longest, size_t{4} << 20);
}

TEST(SnapshotStore, AnUnfinishedWriterLeavesNothing) {
  TestStore s;
  ASSERT_TRUE(s.open());
  {
    auto writer = s.store->begin(meta_at(5));
    (*writer)->append("part", [](Result<> ok) { EXPECT_TRUE(ok); });
    s.worker.run();
    EXPECT_THAT(s.files->names("snapshots"), ElementsAre(HasSubstr(".partial")));
  }
  s.worker.run();
  EXPECT_THAT(s.files->names("snapshots"), IsEmpty());
  // The process dies in the middle: the next start removes the rest.
  auto writer = s.store->begin(meta_at(5));
  (*writer)->append("part", [](Result<>) {});
  s.worker.run();
  auto files = s.files;
  files->crash(Lost::nothing);
  TestStore next;
  next.files = files;
  ASSERT_TRUE(next.open());
  EXPECT_THAT(files->names("snapshots"), IsEmpty());
}

TEST(SnapshotStore, NoSingleFlippedBitOrCutPasses) {
  TestStore s;
  ASSERT_TRUE(s.open());
  const auto file = s.write(7, kChunks);
  ASSERT_TRUE(file);
  Bytes& content = s.content(*file);
  const Bytes good = content;
  const auto refused = [&](const std::string& what) {
    const auto loaded = s.load(*file);
    ASSERT_FALSE(loaded) << what;
    EXPECT_EQ(loaded.error().kind, ErrorKind::corrupt) << what << ": " << loaded.error().message;
    EXPECT_THAT(loaded.error().message, HasSubstr("snapshots/" + file->name + ": offset ")) << what;
    EXPECT_TRUE(s.open()) << "a corrupt file does not keep the store from opening";
  };
  for (size_t bit = 0; bit < good.size() * 8; ++bit) {
    content[bit / 8] = static_cast<char>(content[bit / 8] ^ (1 << (bit % 8)));
    refused("bit " + std::to_string(bit));
    content[bit / 8] = good[bit / 8];
    if (HasFailure()) return;
  }
  for (size_t size = 0; size < good.size(); ++size) {
    content = good.substr(0, size);
    refused("cut to " + std::to_string(size));
    if (HasFailure()) return;
  }
  content = good + '\0';
  refused("one byte more");
  content = good;
  EXPECT_EQ(s.load_whole(*file), kWhole);
}

TEST(SnapshotStore, AFileUnderAnotherNameIsCorrupt) {
  TestStore s;
  ASSERT_TRUE(s.open());
  const auto file = s.write(7, kChunks);
  ASSERT_TRUE(s.files->rename("snapshots/" + file->name, "snapshots/" + snapshot_name(meta_at(8))));
  ASSERT_TRUE(s.open());
  const auto loaded = s.load(s.store->list().at(0));
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().kind, ErrorKind::corrupt);
  EXPECT_THAT(loaded.error().message, HasSubstr("not what its name says"));
}

TEST(SnapshotStore, RefusesAnotherCell) {
  TestStore s;
  ASSERT_TRUE(s.open());
  const auto file = s.write(7, kChunks);
  const auto opened = SnapshotStore::open(*s.files, s.worker, *s.faults, "snapshots", CellId(1));
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().kind, ErrorKind::invalid_argument);
  EXPECT_THAT(opened.error().message, HasSubstr(file->name));
  SnapshotMeta foreign = meta_at(9);
  foreign.cell = CellId(1);
  EXPECT_EQ(s.store->begin(foreign).error().kind, ErrorKind::invalid_argument);
  EXPECT_EQ(s.store->receive(foreign, 10).error().kind, ErrorKind::invalid_argument);
}

TEST(SnapshotStore, NamesAVersionItDoesNotKnow) {
  TestStore s;
  ASSERT_TRUE(s.open());
  const auto file = s.write(7, kChunks);
  Bytes& content = s.content(*file);
  content[8] = 2;
  const uint64_t checksum = xxh3_64(BytesView(content).substr(0, kSnapshotHeaderSize - 8));
  std::memcpy(content.data() + kSnapshotHeaderSize - 8, &checksum, 8);
  const auto opened = s.open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().kind, ErrorKind::unsupported);
  EXPECT_THAT(opened.error().message, HasSubstr(file->name + ": snapshot format version 2"));
}

TEST(SnapshotStore, AnErrorOfTheReaderEndsTheLoad) {
  TestStore s;
  ASSERT_TRUE(s.open());
  const auto file = s.write(7, kChunks);
  const auto ok = s.store->load(*file, [](BytesView) -> Result<> { return fail(ErrorKind::limit, "enough"); });
  ASSERT_FALSE(ok);
  EXPECT_EQ(ok.error().message, "enough");
}

TEST(SnapshotStore, PutsACorruptFileAside) {
  TestStore s;
  ASSERT_TRUE(s.open());
  ASSERT_TRUE(s.write(1, kChunks));
  ASSERT_TRUE(s.write(2, kChunks));
  ASSERT_TRUE(s.store->quarantine(s.store->list().at(0)));
  EXPECT_THAT(s.indexes(), ElementsAre(1));
  s.files->crash(Lost::everything_unsynced);
  ASSERT_TRUE(s.open());
  EXPECT_THAT(s.indexes(), ElementsAre(1));
  const auto entries = list_snapshots(*s.files, "snapshots");
  ASSERT_TRUE(entries);
  ASSERT_EQ(entries->size(), 2u);
  EXPECT_EQ((*entries)[1].kind, SnapshotNameKind::corrupt);
  EXPECT_FALSE(s.store->quarantine({.meta = meta_at(9), .name = "nothing"}));
}

TEST(SnapshotStore, ReadsRawBytes) {
  TestStore s;
  ASSERT_TRUE(s.open());
  const auto file = s.write(7, kChunks);
  const Bytes whole = s.content(*file);
  Bytes got;
  s.store->read(*file, 10, 100, [&](Result<Bytes> bytes) { got = *bytes; });
  s.worker.run();
  EXPECT_EQ(got, whole.substr(10, 100));
  bool failed = false;
  s.store->read({.meta = meta_at(99), .name = "snapshot-none"}, 0, 1, [&](Result<Bytes> bytes) { failed = !bytes; });
  s.worker.run();
  EXPECT_TRUE(failed);
}

TEST(InspectSnapshot, ShowsEveryChunkEvenOfADamagedFile) {
  TestStore s;
  ASSERT_TRUE(s.open());
  const auto file = s.write(7, kChunks);
  const std::string path = "snapshots/" + file->name;
  std::vector<SnapshotChunkSeen> seen;
  const auto note = [&](const SnapshotChunkSeen& chunk) { seen.push_back(chunk); };
  auto totals = inspect_snapshot(*s.files, path, note);
  ASSERT_TRUE(totals);
  EXPECT_EQ(totals->meta, meta_at(7));
  EXPECT_EQ(totals->chunks, 3u);
  EXPECT_EQ(totals->raw_bytes, kWhole.size());
  EXPECT_EQ(totals->file_bytes, file->size);
  ASSERT_EQ(seen.size(), 3u);
  EXPECT_EQ(seen[0].offset, kSnapshotHeaderSize);
  EXPECT_TRUE(seen[0].compressed);
  EXPECT_FALSE(seen[1].compressed) << "noise does not shrink";

  s.content(*file)[seen[1].offset + kChunkHeaderSize + 5] ^= 1;
  const uint64_t damaged_at = seen[1].offset;
  seen.clear();
  totals = inspect_snapshot(*s.files, path, note);
  ASSERT_FALSE(totals);
  EXPECT_THAT(totals.error().message, HasSubstr(path + ": offset " + std::to_string(damaged_at)));
  ASSERT_EQ(seen.size(), 3u);
  EXPECT_TRUE(seen[0].checksum_ok);
  EXPECT_FALSE(seen[1].checksum_ok);
  EXPECT_TRUE(seen[2].checksum_ok);
  EXPECT_FALSE(inspect_snapshot(*s.files, "snapshots/none", note));
  EXPECT_FALSE(list_snapshots(*s.files, "elsewhere"));
}

TEST(SnapshotNames, RoundTripAndRefuseOthers) {
  SnapshotMeta meta = meta_at(0xABCDEF);
  meta.taken_ms = -5;
  const auto complete = parse_snapshot_name(snapshot_name(meta), kCell);
  ASSERT_TRUE(complete);
  EXPECT_EQ(complete->meta, meta);
  const auto receiving = parse_snapshot_name(receiving_name(meta, 77), kCell);
  ASSERT_TRUE(receiving);
  EXPECT_EQ(receiving->kind, SnapshotNameKind::receiving);
  EXPECT_EQ(receiving->receiving_size, 77u);
  const std::string name = snapshot_name(meta);
  for (const std::string& other : {std::string("snapshot-"), name + ".x", name + ".zz.receiving", "x" + name,
                                   name.substr(1), name.substr(0, name.size() - 1), std::string("journal")}) {
    EXPECT_FALSE(parse_snapshot_name(other, kCell)) << other;
  }
}

}  // namespace
}  // namespace conclave::storage::testing::snapshot_store_test
