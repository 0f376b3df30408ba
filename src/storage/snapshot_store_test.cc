#include "storage/snapshot_store.h"

#include <algorithm>
#include <cstring>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/checksum.h"
#include "storage/inspect.h"
#include "storage/snapshot_format.h"
#include "storage/testing_journal.h"

namespace conclave::storage::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Lost = MemoryFiles::Lost;

constexpr CellId kCell(0xCE11);

SnapshotMeta meta_at(uint64_t index) {
  return {.cell = kCell,
          .index = Index(index),
          .ballot = {3, ReplicaId(2)},
          .zxid = Zxid(index * 10),
          .taken_ms = 1'700'000'000'000};
}

class TestStore {
 public:
  std::shared_ptr<MemoryFiles> files = std::make_shared<MemoryFiles>();
  InlineWorker worker;
  env::Faults no_faults;
  env::Faults* faults = &no_faults;
  std::unique_ptr<SnapshotStore> store;

  Result<> open() {
    store.reset();
    worker.drop_all();
    auto opened = SnapshotStore::open(*files, worker, *faults, "snapshots", kCell);
    if (!opened) return std::unexpected(opened.error());
    store = std::move(*opened);
    return {};
  }

  // Writes a snapshot of these chunks. The first error, or the file.
  Result<SnapshotFile> write(uint64_t index, const std::vector<Bytes>& chunks) {
    auto writer = store->begin(meta_at(index));
    if (!writer) return std::unexpected(writer.error());
    std::optional<Error> error;
    for (const Bytes& chunk : chunks) {
      (*writer)->append(chunk, [&](Result<> ok) {
        if (!ok && !error) error = ok.error();
      });
      worker.run();
    }
    if (error) {
      writer->reset();
      worker.run();
      return std::unexpected(*error);
    }
    Result<SnapshotFile> out = fail(ErrorKind::closed, "commit never completed");
    (*writer)->commit([&](Result<SnapshotFile> file) { out = std::move(file); });
    worker.run();
    writer->reset();
    worker.run();
    return out;
  }

  Result<Bytes> load(const SnapshotFile& file) {
    Bytes out;
    auto ok = store->load(file, [&](BytesView chunk) -> Result<> {
      out.append(chunk);
      return {};
    });
    if (!ok) return std::unexpected(ok.error());
    return out;
  }

  Result<size_t> purge(size_t keep) {
    Result<size_t> out = fail(ErrorKind::closed, "purge never completed");
    store->purge(keep, [&](Result<size_t> n) { out = std::move(n); });
    worker.run();
    return out;
  }

  std::vector<uint64_t> indexes() const {
    std::vector<uint64_t> out;
    for (const SnapshotFile& file : store->list()) out.push_back(file.meta.index.value);
    return out;
  }
  Bytes& content(const SnapshotFile& file) { return files->content("snapshots/" + file.name); }
};

const std::vector<Bytes> kChunks = {"first chunk, first chunk, first chunk, first chunk", noise(3, 700), "",
                                    Bytes(5000, 'z')};
const Bytes kWhole = kChunks[0] + kChunks[1] + kChunks[2] + kChunks[3];

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
  EXPECT_EQ(s.store->list()[2].meta, meta_at(7));
  EXPECT_EQ(s.store->list()[2].size, file->size);
  EXPECT_EQ(*s.load(s.store->list()[2]), kWhole);
  EXPECT_EQ(*s.load(s.store->list()[0]), "");
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
  EXPECT_EQ(*s.load(*file), kWhole);
}

TEST(SnapshotStore, AFileUnderAnotherNameIsCorrupt) {
  TestStore s;
  ASSERT_TRUE(s.open());
  const auto file = s.write(7, kChunks);
  ASSERT_TRUE(s.files->rename("snapshots/" + file->name, "snapshots/" + snapshot_name(meta_at(8))));
  ASSERT_TRUE(s.open());
  const auto loaded = s.load(s.store->list()[0]);
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
    for (size_t i = 0; i < corrupt; ++i) s.content(s.store->list()[i])[200] ^= 1;
    EXPECT_EQ(s.purge(1).value(), corrupt >= 4 ? 0u : 3u - corrupt) << corrupt;
    if (corrupt < 4) {
      EXPECT_THAT(s.indexes(), ElementsAre(4 - corrupt));
      EXPECT_EQ(*s.load(s.store->list()[0]), kWhole);
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
  s.files->set_read_error("snapshots/" + s.store->list()[0].name, 300);
  EXPECT_EQ(s.purge(1).value(), 1u);
  EXPECT_THAT(s.indexes(), ElementsAre(3, 2));
}

TEST(SnapshotStore, PutsACorruptFileAside) {
  TestStore s;
  ASSERT_TRUE(s.open());
  ASSERT_TRUE(s.write(1, kChunks));
  ASSERT_TRUE(s.write(2, kChunks));
  ASSERT_TRUE(s.store->quarantine(s.store->list()[0]));
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

// Sends `file` of `from` to `to` in pieces, stopping after `pieces`.
Result<SnapshotFile> transfer(TestStore& from, const SnapshotFile& file, TestStore& to, size_t pieces = SIZE_MAX,
                              size_t piece = 300) {
  auto receiver = to.store->receive(file.meta, file.size);
  if (!receiver) return std::unexpected(receiver.error());
  Result<SnapshotFile> out = fail(ErrorKind::closed, "stopped");
  while ((*receiver)->have() < file.size && pieces-- > 0) {
    const uint64_t offset = (*receiver)->have();
    std::optional<Error> error;
    from.store->read(file, offset, piece, [&](Result<Bytes> bytes) {
      ASSERT_TRUE(bytes);
      (*receiver)->append(offset, std::move(*bytes), [&](Result<> ok) {
        if (!ok) error = ok.error();
      });
      to.worker.run();
    });
    from.worker.run();
    if (error) return std::unexpected(*error);
  }
  if ((*receiver)->have() < file.size) return out;
  (*receiver)->commit([&](Result<SnapshotFile> received) { out = std::move(received); });
  to.worker.run();
  return out;
}

TEST(SnapshotReceiver, ReceivesAFileOfAPeer) {
  TestStore a, b;
  ASSERT_TRUE(a.open());
  ASSERT_TRUE(b.open());
  const auto file = a.write(7, kChunks);
  const auto received = transfer(a, *file, b);
  ASSERT_TRUE(received) << received.error().message;
  EXPECT_THAT(b.indexes(), ElementsAre(7));
  EXPECT_EQ(*b.load(*received), kWhole);
  b.files->crash(Lost::everything_unsynced);
  ASSERT_TRUE(b.open());
  EXPECT_EQ(*b.load(b.store->list()[0]), kWhole);
}

TEST(SnapshotReceiver, ResumesAfterARestart) {  // B43
  TestStore a, b;
  ASSERT_TRUE(a.open());
  ASSERT_TRUE(b.open());
  const auto file = a.write(7, kChunks);
  EXPECT_FALSE(transfer(a, *file, b, 2));
  ASSERT_TRUE(b.open());
  EXPECT_THAT(b.indexes(), IsEmpty()) << "an incomplete file is no snapshot";
  EXPECT_EQ((*b.store->receive(file->meta, file->size))->have(), 600u);
  EXPECT_EQ((*b.store->receive(file->meta, file->size + 1))->have(), 0u) << "another file";
  ASSERT_TRUE(transfer(a, *file, b));
  EXPECT_EQ(*b.load(b.store->list()[0]), kWhole);
}

TEST(SnapshotReceiver, EveryCrashEndsInTheWholeFileOrInNone) {
  TestStore a;
  ASSERT_TRUE(a.open());
  const auto file = a.write(7, kChunks);
  for (uint64_t at = 0; at < 12; ++at) {
    for (uint64_t seed = 0; seed < 8; ++seed) {
      TestStore b;
      ASSERT_TRUE(b.open());
      b.files->die_after(b.files->operations() + at);
      const bool done = transfer(a, *file, b).has_value();
      b.files->crash(Lost::by_chance, seed);
      ASSERT_TRUE(b.open());
      if (done) {
        EXPECT_THAT(b.indexes(), ElementsAre(7));
      }
      for (const SnapshotFile& there : b.store->list()) EXPECT_EQ(*b.load(there), kWhole);
      // A resumed part may have rotted in the crash; then it is thrown away, and the second try is whole.
      if (!transfer(a, *file, b)) {
        ASSERT_TRUE(transfer(a, *file, b));
      }
      EXPECT_EQ(*b.load(b.store->list()[0]), kWhole);
    }
  }
}

TEST(SnapshotReceiver, RemovesWhatArrivesCorrupt) {
  TestStore a, b;
  ASSERT_TRUE(a.open());
  ASSERT_TRUE(b.open());
  const auto file = a.write(7, kChunks);
  a.content(*file)[400] ^= 1;
  const auto received = transfer(a, *file, b);
  ASSERT_FALSE(received);
  EXPECT_EQ(received.error().kind, ErrorKind::corrupt);
  EXPECT_THAT(received.error().message, HasSubstr(": offset "));
  EXPECT_THAT(b.files->names("snapshots"), IsEmpty());
  EXPECT_THAT(b.indexes(), IsEmpty());
}

TEST(SnapshotReceiver, RefusesBytesOutOfPlace) {
  TestStore b;
  ASSERT_TRUE(b.open());
  auto receiver = b.store->receive(meta_at(3), 10);
  ASSERT_TRUE(receiver);
  const auto refused = b.store->receive(meta_at(3), 10);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::already_exists);
  std::vector<ErrorKind> errors;
  const auto note = [&](auto ok) {
    if (!ok) errors.push_back(ok.error().kind);
  };
  (*receiver)->append(4, "abc", note);
  (*receiver)->append(0, "abcdefghijk", note);
  b.worker.run();
  EXPECT_THAT(errors, ElementsAre(ErrorKind::invalid_argument, ErrorKind::invalid_argument));
  EXPECT_EQ((*receiver)->have(), 0u);
  (*receiver)->append(0, "abc", note);
  (*receiver)->append(3, "def", note);
  b.worker.run();
  EXPECT_EQ((*receiver)->have(), 6u);
  (*receiver)->commit(note);
  b.worker.run();
  EXPECT_EQ(errors.size(), 3u) << "incomplete";
}

TEST(SnapshotReceiver, RefusesAFileForWhichThereIsNoRoom) {
  TestStore b;
  ASSERT_TRUE(b.open());
  b.files->set_free_bytes(1000);
  const auto refused = b.store->receive(meta_at(3), 1001);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::no_space);
}

TEST(SnapshotStore, ReceptionsThatANewerSnapshotOvertookAreRemoved) {
  TestStore a, b;
  ASSERT_TRUE(a.open());
  ASSERT_TRUE(b.open());
  const auto file = a.write(7, kChunks);
  EXPECT_FALSE(transfer(a, *file, b, 2));
  ASSERT_TRUE(b.write(8, kChunks));
  ASSERT_TRUE(b.open());
  EXPECT_THAT(b.files->names("snapshots"), ElementsAre(snapshot_name(meta_at(8))));
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
    s.content(s.store->list()[0])[300] ^= 1;
    s.files->die_after(s.files->operations() + at);
    (void)s.purge(1);
    s.files->crash(Lost::by_chance, at);
    ASSERT_TRUE(s.open());
    const auto& list = s.store->list();
    EXPECT_TRUE(std::ranges::any_of(
        list, [&](const SnapshotFile& f) { return s.load(f).has_value() && f.meta.index == Index(4); }));
  }
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
}  // namespace conclave::storage::testing
