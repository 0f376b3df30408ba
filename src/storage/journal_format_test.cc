#include "storage/journal_format.h"

#include <cstring>
#include <gtest/gtest.h>

#include "base/checksum.h"
#include "storage/batch.h"
#include "storage/sector.h"
#include "storage/sync_times.h"
#include "storage/testing_journal.h"

namespace conclave::storage::testing {
namespace {

BytesView view(const auto& array) {
  return BytesView(array.data(), array.size());
}

TEST(JournalFormat, ARecordIsOnlyValidInItsPlace) {  // stale bytes of a recycled segment never pass
  const RecordHeader header{.type = RecordType::entry,
                            .kind = consensus::EntryKind::transaction,
                            .index = Index(7),
                            .ballot = {3, ReplicaId(2)},
                            .payload_bytes = 11,
                            .payload_checksum = 12};
  const auto encoded = encode_record_header(header, {.segment = 4, .sequence = 5, .ordinal = 6});
  EXPECT_EQ(decode_record_header(view(encoded), {4, 5, 6}), header);
  EXPECT_FALSE(decode_record_header(view(encoded), {3, 5, 6}));
  EXPECT_FALSE(decode_record_header(view(encoded), {4, 4, 6}));
  EXPECT_FALSE(decode_record_header(view(encoded), {4, 5, 5}));
  EXPECT_FALSE(decode_record_header(view(encoded).substr(1), {4, 5, 6}));
}

TEST(JournalFormat, ASegmentNamesTheEngineThatWroteIt) {
  SegmentHeader header{.cell = CellId(5), .replica = ReplicaId(2), .engine = EngineNumber::raft, .number = 4};
  header.first_sequence = 9;
  header.segment_bytes = 1 << 20;
  Bytes block = encode_segment_header(header);
  EXPECT_EQ(block[72], 2);
  EXPECT_EQ(decode_segment_header(block).value(), header);
  // Before engines were numbered there was one.
  block[72] = 0;
  const uint64_t checksum = xxh3_64(BytesView(block).substr(0, kSegmentHeaderSize - 8));
  std::memcpy(block.data() + kSegmentHeaderSize - 8, &checksum, 8);
  EXPECT_EQ(decode_segment_header(block).value().value().engine, EngineNumber::multi_paxos);
}

TEST(JournalFormat, AMarkIsOnlyValidInItsSegmentAndRole) {
  BatchMark mark{.segment = 4, .sequence = 9, .start = 4096, .sectors = 3, .records = 2, .body_bytes = 500};
  mark.hard_state = promise(8, 6);
  mark.recent_batches = 2;
  mark.recent = {Index(1), Index(5), Index(3)};
  const auto encoded = encode_batch_mark(mark, MarkRole::head);
  EXPECT_EQ(decode_batch_mark(view(encoded), MarkRole::head, 4), mark);
  EXPECT_FALSE(decode_batch_mark(view(encoded), MarkRole::tail, 4));
  EXPECT_FALSE(decode_batch_mark(view(encoded), MarkRole::head, 5));
}

TEST(JournalFormat, AMarkWhoseLengthsContradictIsRefused) {
  const BatchMark good{.segment = 4, .sequence = 9, .start = 4096, .sectors = 3, .records = 2, .body_bytes = 500};
  const auto accepted = [](const BatchMark& mark) {
    return decode_batch_mark(view(encode_batch_mark(mark, MarkRole::head)), MarkRole::head, 4).has_value();
  };
  EXPECT_TRUE(accepted(good));
  for (const auto change : std::initializer_list<void (*)(BatchMark*)>{
           [](BatchMark* m) { m->sectors = 0; }, [](BatchMark* m) { m->sectors = ~uint64_t{0}; },
           [](BatchMark* m) { m->start = 4097; }, [](BatchMark* m) { m->records = ~uint64_t{0}; },
           [](BatchMark* m) { m->body_bytes = ~uint64_t{0}; }, [](BatchMark* m) { m->body_bytes = 1300; }}) {
    BatchMark bad = good;
    change(&bad);
    EXPECT_FALSE(accepted(bad));
  }
}

TEST(JournalFormat, NamesRoundTrip) {
  EXPECT_EQ(segment_name(42), "segment-000000000000002a");
  EXPECT_EQ(parse_segment_name("segment-000000000000002a"), 42u);
  EXPECT_EQ(parse_spare_name(spare_name(~uint64_t{0})), ~uint64_t{0});
  for (const char* other :
       {"segment-2a", "segment-000000000000002g", "spare-000000000000002a", "segment-000000000000002aa", ""}) {
    EXPECT_FALSE(parse_segment_name(other)) << other;
  }
}

TEST(Sector, BytesComeBackAndStampsSayWhoseTheyAre) {
  for (const size_t size : {size_t{1}, size_t{503}, size_t{504}, size_t{505}, size_t{5000}}) {
    SectorWriter out;
    const Bytes bytes = noise(size, size);
    out.append(bytes);
    const uint64_t sectors = (size + kSectorData - 1) / kSectorData;
    out.pad_to(sectors * kSectorData);
    out.overwrite(size - 1, BytesView("!"));
    out.stamp(7, 8, 100);
    ASSERT_EQ(out.physical().size(), sectors * kSectorBytes);
    const UnpackedSectors back = unpack_sectors(out.physical(), 7, 8, 100);
    EXPECT_EQ(back.data.substr(0, size), bytes.substr(0, size - 1) + "!");
    EXPECT_EQ(back.foreign, 0u);
    EXPECT_EQ(back.flipped, 0u);
    EXPECT_EQ(unpack_sectors(out.physical(), 6, 8, 100).foreign, sectors);
    EXPECT_EQ(unpack_sectors(out.physical(), 7, 9, 100).foreign, sectors);
    EXPECT_EQ(unpack_sectors(out.physical(), 7, 8, 101).foreign, sectors);
    Bytes rotten(out.physical());
    rotten[kSectorData + 3] ^= 16;
    EXPECT_EQ(unpack_sectors(rotten, 7, 8, 100).flipped, 1u);
    rotten[kSectorData + 4] ^= 16;
    EXPECT_EQ(unpack_sectors(rotten, 7, 8, 100).foreign, 1u);
  }
}

TEST(Batch, KnowsItsSizeAndItsBound) {
  Random random(1);
  for (int i = 0; i < 200; ++i) {
    Batch batch;
    uint64_t bound = batch.sectors() * kSectorBytes;
    for (uint64_t n = random.below(5); n > 0; --n) {
      consensus::Persist persist{.entries = {entry(n + 1, 1, noise(n, random.below(2000))), entry(n + 2, 1, "")}};
      if (random.chance(1, 2)) persist.truncate_from = Index(1);
      bound += Batch::bytes_bound(persist);
      batch.add(persist);
    }
    const uint64_t sectors = batch.sectors();
    EXPECT_LE(sectors * kSectorBytes, bound);
    batch.seal({.segment = 1, .sequence = 1, .start = kSegmentHeaderBytes});
    EXPECT_EQ(batch.bytes().size(), sectors * kSectorBytes);
  }
}

TEST(SyncTimes, KeepTheLastThousand) {
  SyncTimes times;
  EXPECT_EQ(times.percentile(50), Duration{0});
  for (int i = 0; i < 5000; ++i) times.add(Duration::micros(i < 3000 ? 1'000'000 : i % 100));
  EXPECT_EQ(times.percentile(100), Duration::micros(99));
  EXPECT_NEAR(static_cast<double>(times.percentile(50).us), 50, 2);
}

}  // namespace
}  // namespace conclave::storage::testing
