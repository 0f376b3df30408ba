// Rot: flipped bits, lost blocks, missing files. Never a wrong answer, never a silent loss (CTRL, FAST'18; B37).

#include <algorithm>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/inspect.h"
#include "storage/journal_format.h"
#include "storage/journal_recovery.h"
#include "storage/sector.h"
#include "storage/testing_journal.h"

namespace conclave::storage::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct Damaged {
  TestJournal j;
  ModelLog model;
  std::vector<uint64_t> offsets;  // of batch n in the newest segment

  void run(const consensus::Persist& persist) {
    j.append_and_wait(persist);
    model.apply(persist);
  }
};

// Two segments, recycled bytes, overwritten slots, a truncation, batches of one and of several records.
void build(Damaged* d) {
  ASSERT_TRUE(d->j.open());
  for (uint64_t i = 1; i <= 24; ++i)
    d->run({.hard_state = promise(1, i - 1), .entries = {entry(i, 1, noise(i, 1400))}});
  d->j.journal->release(Index(20));
  d->j.worker.run();
  d->run({.hard_state = promise(2, 20), .entries = {entry(25, 2, "a"), entry(26, 2, noise(5, 700)), entry(27, 2, "")}});
  d->run({.truncate_from = Index(26), .entries = {entry(26, 2, noise(6, 300))}});
  d->run({.hard_state = promise(3, 26)});
  d->run({.entries = {entry(25, 3, "b"), entry(28, 3, "hole before")}});
}

struct Outcome {
  size_t whole = 0, damaged = 0, refused = 0;
};

// What every recovery from `d` with rot in one place must satisfy.
void judge(const Damaged& d, const Result<RecoveredJournal>& recovered, Outcome* outcome) {
  if (!recovered) {
    ++outcome->refused;
    EXPECT_EQ(recovered.error().kind, ErrorKind::corrupt) << recovered.error().message;
    EXPECT_THAT(recovered.error().message, HasSubstr("journal/segment-"));
    EXPECT_THAT(recovered.error().message, HasSubstr("offset "));
    return;
  }
  ++(recovered->damaged.empty() ? outcome->whole : outcome->damaged);
  EXPECT_EQ(recovered->hard_state, d.model.hard_state);
  std::map<Index, consensus::Entry> found;
  for (const auto& e : recovered->entries) found[e.index] = e;
  for (const auto& [index, expected] : d.model.entries) {
    if (index <= Index(20)) continue;
    if (std::ranges::binary_search(recovered->damaged, index)) continue;
    ASSERT_TRUE(found.contains(index)) << "entry " << index.value << " is gone and nobody says so";
    EXPECT_EQ(found[index], expected) << "entry " << index.value << " is not the one acknowledged";
  }
  for (const auto& [index, e] : found) {
    EXPECT_TRUE(d.model.entries.contains(index)) << "entry " << index.value << " came back from the dead";
  }
}

uint64_t used_bytes(const Bytes& content) {
  const size_t last = content.find_last_not_of('\0');
  return last == Bytes::npos ? 0 : std::min<uint64_t>(content.size(), last + 1 + 1024);
}

TEST(JournalDamage, NoSingleFlippedBitIsEverTakenForTruth) {
  Damaged d;
  build(&d);
  Outcome outcome;
  uint64_t bits = 0;
  ASSERT_GE(d.j.segments().size(), 2u);
  d.j.journal.reset();
  for (const std::string& path : d.j.segments()) {
    Bytes& content = d.j.files->content(path);
    const uint64_t end = used_bytes(content);
    for (uint64_t bit = 0; bit < end * 8; ++bit) {
      const auto flip = [&] { content[bit / 8] = static_cast<char>(content[bit / 8] ^ (1 << (bit % 8))); };
      flip();
      const auto recovered = recover_journal(*d.j.files, "journal", Index(20));
      SCOPED_TRACE(::testing::Message() << path << " byte " << bit / 8 << " bit " << bit % 8);
      judge(d, recovered, &outcome);
      flip();
      ++bits;
      if (HasFailure()) return;
    }
  }
  RecordProperty("bits", std::to_string(bits));
  std::cout << bits << " bits: " << outcome.whole << " recovered whole, " << outcome.damaged << " damaged positions, "
            << outcome.refused << " refused\n";
  EXPECT_EQ(outcome.refused, 0u) << "everything that matters is there twice";
  EXPECT_GT(outcome.damaged, 0u);
}

TEST(JournalDamage, DamageIsReportedAgainAfterEveryRestartUntilWrittenAnew) {
  Damaged d;
  build(&d);
  const std::string path = d.j.segments().back();
  Bytes& content = d.j.files->content(path);
  // A bit in the payload "hole before" of entry 28, in the very last batch.
  const size_t at = content.find("hole before");
  ASSERT_NE(at, Bytes::npos);
  content[at] = static_cast<char>(content[at] ^ 1);
  for (int restart = 0; restart < 3; ++restart) {
    ASSERT_TRUE(d.j.open(Index(20)));
    EXPECT_THAT(d.j.recovered.damaged, ElementsAre(Index(28)));
    EXPECT_EQ(d.j.recovered.hard_state, d.model.hard_state);
    EXPECT_EQ(d.j.recovered.entries.back().index, Index(26));
  }
  d.run({.entries = {entry(28, 4, "repaired by a peer")}});
  ASSERT_TRUE(d.j.open(Index(20)));
  EXPECT_THAT(d.j.recovered.damaged, IsEmpty());
  EXPECT_EQ(d.j.recovered.entries, d.model.above(Index(20)));
}

TEST(JournalDamage, AFlippedBitInTheLastBatchIsDamageNotATornTail) {
  TestJournal j;
  ASSERT_TRUE(j.open());
  j.append_and_wait({.hard_state = promise(1), .entries = {entry(1, 1, noise(1, 5000))}});
  Bytes& content = j.files->content(j.segments()[0]);
  content[kSegmentHeaderBytes + 2 * kSectorBytes + 2000] =
      static_cast<char>(content[kSegmentHeaderBytes + 2 * kSectorBytes + 2000] ^ 4);
  ASSERT_TRUE(j.open());
  EXPECT_THAT(j.recovered.damaged, ElementsAre(Index(1)));
  EXPECT_EQ(j.recovered.hard_state, promise(1));
}

// Every way in which the last write can be cut short over zeroes and over stale bytes.
TEST(JournalDamage, ATornTailIsDroppedWhateverPartOfItIsThere) {
  for (const bool recycled : {false, true}) {
    for (uint64_t mask = 0; mask < 255; ++mask) {  // eight sectors, not all written
      TestJournal j;
      j.options.segment_bytes = 32 << 10;
      ASSERT_TRUE(j.open());
      if (recycled) {
        for (uint64_t i = 1; i <= 40; ++i) j.append_and_wait({.entries = {entry(i, 1, noise(i, 1800))}});
        j.journal->release(Index(40));
        j.worker.run();
      }
      j.append_and_wait({.hard_state = promise(1), .entries = {entry(41, 1, "durable")}});
      const std::string path = j.segments().back();
      const Bytes before = j.files->content(path);
      j.append_and_wait({.hard_state = promise(2), .entries = {entry(42, 2, noise(7, 7 * kSectorData))}});
      Bytes& content = j.files->content(path);
      const uint64_t start = static_cast<uint64_t>(std::ranges::mismatch(before, content).in1 - before.begin()) /
                             kSectorBytes * kSectorBytes;
      ASSERT_EQ(j.segments().back(), path);
      for (uint64_t sector = 0; sector < 8; ++sector) {
        if ((mask >> sector) & 1) continue;
        const size_t at = start + sector * kSectorBytes;
        content.replace(at, kSectorBytes, before, at, kSectorBytes);
      }
      SCOPED_TRACE(::testing::Message() << "sectors written " << mask << (recycled ? " over stale bytes" : ""));
      const auto ok = j.open(Index(40));
      ASSERT_TRUE(ok) << ok.error().message;
      EXPECT_EQ(j.recovered.hard_state, promise(1));
      EXPECT_EQ(j.recovered.entries, std::vector{entry(41, 1, "durable")});
      EXPECT_THAT(j.recovered.damaged, IsEmpty());
      j.append_and_wait({.entries = {entry(42, 3, "instead")}});
      ASSERT_TRUE(j.open(Index(40)));
      EXPECT_EQ(j.recovered.entries, (std::vector{entry(41, 1, "durable"), entry(42, 3, "instead")}));
      if (HasFailure()) return;
    }
  }
}

TEST(JournalDamage, ALostBlockInTheMiddleIsDamageOfExactlyWhatItMayHaveHeld) {
  TestJournal j;
  ASSERT_TRUE(j.open());
  ModelLog model;
  for (uint64_t i = 1; i <= 12; ++i) {
    const consensus::Persist persist{.hard_state = promise(i),
                                     .entries = {entry(i, i, noise(i, 300))}};  // 2 sectors each
    j.append_and_wait(persist);
    model.apply(persist);
  }
  const std::string path = j.segments()[0];
  const Bytes good = j.files->content(path);
  for (uint64_t sectors = 1; sectors <= 10; ++sectors) {
    for (uint64_t at = 0; at + sectors <= 20; ++at) {  // batches 2 to 11 at sectors 1 to 20 of the first block
      Bytes& content = j.files->content(path);
      content = good;
      content.replace(kSegmentHeaderBytes + (1 + at) * kSectorBytes, sectors * kSectorBytes, sectors * kSectorBytes,
                      '\xEE');
      const auto recovered = recover_journal(*j.files, "journal", Index(0));
      SCOPED_TRACE(::testing::Message() << sectors << " sectors at " << at);
      ASSERT_TRUE(recovered) << recovered.error().message;
      EXPECT_EQ(recovered->hard_state, promise(12));
      EXPECT_EQ(recovered->entries.size() + recovered->damaged.size(), 12u);
      for (const auto& e : recovered->entries) EXPECT_EQ(e, model.entries[e.index]);
      // A batch's payload stands in its first sector; what is in the second one is there twice.
      EXPECT_EQ(recovered->damaged.empty(), sectors == 1 && at % 2 == 1);
      if (HasFailure()) return;
    }
  }
  Bytes& content = j.files->content(path);
  content = good;
  content.replace(kSegmentHeaderBytes + kSectorBytes, 18 * kSectorBytes, 18 * kSectorBytes, '\0');
  const auto refused = j.open();
  ASSERT_FALSE(refused) << "nine batches are lost, and each describes only the eight before it";
  EXPECT_EQ(refused.error().kind, ErrorKind::corrupt);
  EXPECT_THAT(refused.error().message,
              HasSubstr("journal/segment-0000000000000001: offset 4608: 9 batches are not readable"));
}

// What a restart says of lost batches, the next one says too: the batch that it writes again must describe as many of
// those before it as the one on the disk did.
TEST(JournalDamage, LostBatchesAreToldAlikeByEveryRestart) {
  TestJournal written;
  ASSERT_TRUE(written.open());
  for (uint64_t i = 1; i <= 10; ++i) written.append_and_wait({.entries = {entry(i, 1, "one sector")}});
  const Bytes good = written.files->content(written.segments()[0]);
  for (uint64_t lost = 1; lost <= 8; ++lost) {
    for (uint64_t at = 0; at + lost <= 10; ++at) {  // the last of the eleven batches stays
      SCOPED_TRACE(::testing::Message() << lost << " batches from the one at sector " << at);
      TestJournal j;
      ASSERT_TRUE(j.open());
      j.files->content(j.segments()[0]) = good;
      j.files->content(j.segments()[0])
          .replace(kSegmentHeaderBytes + at * kSectorBytes, lost * kSectorBytes, lost * kSectorBytes, '\0');
      ASSERT_TRUE(j.open());
      const consensus::Recovered first = std::move(j.recovered);
      for (int restart = 1; restart <= 2; ++restart) {
        const auto again = j.open();
        ASSERT_TRUE(again) << "restart " << restart << ": " << again.error().message;
        EXPECT_EQ(j.recovered.damaged, first.damaged);
        EXPECT_EQ(j.recovered.entries, first.entries);
      }
    }
  }
}

// A batch with an unknown record is told twice, as a batch and as lost. To count it twice would make the next batch
// claim more batches than it describes, and a loss of all of them would go unseen (J4).
TEST(JournalDamage, ABatchWithAnUnknownRecordCountsOnce) {
  TestJournal j;
  ASSERT_TRUE(j.open());
  j.append_and_wait({.entries = {entry(1, 1, "unknown")}});
  j.append_and_wait({.entries = {entry(2, 1, "whole")}});
  Bytes& content = j.files->content(j.segments()[0]);
  const size_t head = content.find("CREC");
  content[head + 20] ^= 1;
  content[content.find("CREC", head + 1) + 20] ^= 1;
  const auto recovered = recover_journal(*j.files, "journal", Index(0));
  ASSERT_TRUE(recovered) << recovered.error().message;
  EXPECT_THAT(recovered->damaged, ElementsAre(Index(1)));
  EXPECT_EQ(recovered->last_sequence, 3u);
  EXPECT_EQ(recovered->recent.count(), 2) << "batches 1 and 2";
}

TEST(JournalDamage, ALostTruncationPutsInDoubtWhatItMayHaveVoided) {
  TestJournal j;
  ASSERT_TRUE(j.open());
  j.append_and_wait({.entries = {entry(1, 1, "a"), entry(2, 1, "b"), entry(3, 1, "c")}});
  j.append_and_wait({.truncate_from = Index(2)});
  j.append_and_wait({.hard_state = promise(4)});
  Bytes& content = j.files->content(j.segments()[0]);
  const size_t truncation = kSegmentHeaderBytes + kSectorBytes + 2 * kSectorBytes;
  content.replace(truncation, kSectorBytes, kSectorBytes, '\xEE');
  ASSERT_TRUE(j.open());
  EXPECT_EQ(j.recovered.hard_state, promise(4));
  EXPECT_THAT(j.recovered.entries, IsEmpty());
  EXPECT_THAT(j.recovered.damaged, ElementsAre(Index(1), Index(2), Index(3)));
}

struct Listing final : JournalInspector {
  std::vector<std::string> lines;
  void on_segment(const SegmentSeen& s) override { lines.push_back("segment " + std::string(to_string(s.standing))); }
  void on_batch(const JournalBatchView& b) override {
    lines.push_back("batch " + std::to_string(b.sequence) + (b.checksum_ok ? " ok" : " bad"));
  }
  void on_record(const JournalRecordView& r) override {
    lines.push_back(std::string(to_string(r.type)) + " " + to_string(r.index) + " " + to_string(r.ballot) + " " +
                    (r.checksum_ok ? std::string(r.payload) : "bad"));
  }
  void on_lost(const LostBatches& l) override { lines.push_back("lost " + std::to_string(l.first_sequence)); }
  void on_torn(const TornTail&) override { lines.push_back("torn"); }
  void on_problem(const JournalProblem& p) override { lines.push_back((p.fatal ? "fatal: " : "problem: ") + p.what); }
};

TEST(InspectJournal, ListsEverythingAndChangesNothing) {
  TestJournal j;
  ASSERT_TRUE(j.open());
  j.append_and_wait({.hard_state = promise(1), .entries = {entry(1, 1, "first"), entry(2, 1, "second")}});
  j.append_and_wait({.truncate_from = Index(2), .entries = {entry(2, 2, "again")}});
  const uint64_t operations = j.files->operations();
  Listing listing;
  auto summary = inspect_journal(*j.files, "journal", listing);
  ASSERT_TRUE(summary);
  EXPECT_THAT(listing.lines, ElementsAre("segment live", "batch 1 ok", "batch 2 ok", "entry 1 1.1 first",
                                         "entry 2 1.1 second", "batch 3 ok", "truncation 2 0.0 ", "entry 2 2.1 again"));
  EXPECT_TRUE(summary->clean());
  EXPECT_EQ(summary->records, 4u);
  EXPECT_EQ(summary->batches, 3u);
  EXPECT_EQ(summary->hard_state, promise(1));
  EXPECT_EQ(summary->first, Index(1));
  EXPECT_EQ(summary->last, Index(2));
  EXPECT_EQ(j.files->operations(), operations);

  Bytes& content = j.files->content(j.segments()[0]);
  content[content.find("first")] = 'F';
  Listing damaged;
  summary = inspect_journal(*j.files, "journal", damaged);
  ASSERT_TRUE(summary);
  EXPECT_THAT(damaged.lines, ::testing::Contains("entry 1 1.1 bad"));
  EXPECT_THAT(damaged.lines, ::testing::Contains("problem: the payload of the record of index 1 is damaged"));
  EXPECT_THAT(summary->damaged, ElementsAre(Index(1)));
  EXPECT_EQ(summary->problems, 1u);
  EXPECT_EQ(summary->fatal, 0u);
}

TEST(InspectJournal, ShowsLostBatchesAndTheTornTail) {
  TestJournal j;
  ASSERT_TRUE(j.open());
  for (uint64_t i = 1; i <= 3; ++i) j.append_and_wait({.entries = {entry(i, 1, noise(i, 300))}});  // 2 sectors each
  j.append_and_wait({.entries = {entry(4, 1, noise(4, 3000))}});
  Bytes& content = j.files->content(j.segments()[0]);
  content.replace(kSegmentHeaderBytes + 3 * kSectorBytes, 2 * kSectorBytes, 2 * kSectorBytes, '\0');  // batch 3
  content.replace(kSegmentHeaderBytes + 9 * kSectorBytes, kSectorBytes, kSectorBytes, '\0');          // part of batch 5
  Listing listing;
  const auto summary = inspect_journal(*j.files, "journal", listing);
  ASSERT_TRUE(summary);
  EXPECT_THAT(listing.lines, ::testing::Contains("lost 3"));
  EXPECT_THAT(listing.lines, ::testing::Contains("torn"));
  EXPECT_TRUE(summary->torn_tail);
  EXPECT_THAT(summary->damaged, ElementsAre(Index(1), Index(2)));
  ASSERT_TRUE(j.open());
  EXPECT_EQ(j.recovered.damaged, summary->damaged) << "a restart says the same";
}

TEST(JournalDamage, ALostBatchAroundTheInstallationOfASnapshotCostsNoMoreThanItsNeighbours) {
  TestJournal j;
  ASSERT_TRUE(j.open());
  const uint64_t far = uint64_t{1} << 40;  // the replica was behind by so much when it got the snapshot
  j.append_and_wait({.entries = {entry(5, 1, "before")}});
  j.append_and_wait({.entries = {entry(far + 1, 2, "after")}});
  j.append_and_wait({.entries = {entry(far + 2, 2, "later")}});
  j.files->content(j.segments()[0]).replace(kSegmentHeaderBytes + 2 * kSectorBytes, kSectorBytes, kSectorBytes, '\0');

  ASSERT_TRUE(j.open(Index(far)));
  EXPECT_THAT(j.recovered.damaged, ElementsAre(Index(far + 1)));
  EXPECT_THAT(j.recovered.entries, ElementsAre(entry(far + 2, 2, "later")));
}

TEST(JournalDamage, RefusesWhenMorePositionsMayBeLostThanItCanRemember) {
  TestJournal j;
  ASSERT_TRUE(j.open());
  j.append_and_wait({.entries = {entry(5, 1, "before")}});
  j.append_and_wait({.entries = {entry(uint64_t{1} << 40, 2, "after")}});
  j.append_and_wait({.entries = {entry((uint64_t{1} << 40) + 1, 2, "later")}});
  j.files->content(j.segments()[0]).replace(kSegmentHeaderBytes + 2 * kSectorBytes, kSectorBytes, kSectorBytes, '\0');
  const auto recovered = recover_journal(*j.files, "journal", Index(0));
  ASSERT_FALSE(recovered);
  EXPECT_EQ(recovered.error().kind, ErrorKind::corrupt);
  EXPECT_THAT(recovered.error().message, HasSubstr("may have held any of"));
  EXPECT_THAT(recovered.error().message, HasSubstr("offset "));
}

TEST(JournalDamage, RefusesWhenTheEndOfTheLogCannotBeKnown) {
  TestJournal j;
  ASSERT_TRUE(j.open());
  j.append_and_wait({.entries = {entry(1, 1, noise(1, 3000))}});  // seven sectors
  const std::string path = j.segments()[0];
  const Bytes good = j.files->content(path);
  const auto refused = [&](const std::string& why) {
    const auto opened = recover_journal(*j.files, "journal", Index(0));
    ASSERT_FALSE(opened) << why;
    EXPECT_EQ(opened.error().kind, ErrorKind::corrupt);
    EXPECT_THAT(opened.error().message, HasSubstr(why));
    EXPECT_THAT(opened.error().message, HasSubstr(path + ": offset "));
    Listing listing;
    const auto summary = inspect_journal(*j.files, "journal", listing);
    ASSERT_TRUE(summary);
    EXPECT_EQ(summary->fatal, 1u);
    j.files->content(path) = good;
  };
  const size_t batch = kSegmentHeaderBytes + kSectorBytes;
  const size_t tail = batch + 6 * kSectorBytes + kSectorData - kBatchMarkSize;
  Bytes& content = j.files->content(path);
  content[batch + 20] ^= 1;
  content[tail + 20] ^= 1;
  refused("batch 2 was written here and neither of its marks is whole");
  content[batch + kBatchMarkSize + 20] ^= 1;                      // the record header
  content[tail - 1] ^= 1;                                         // padding: harmless
  content[content.find("CREC", batch + kSectorBytes) + 20] ^= 1;  // its copy in the directory
  refused("the last durable batch is damaged and nothing tells which positions it held");
  content.replace(kSegmentHeaderBytes, 8 * kSectorBytes, 8 * kSectorBytes, '\0');
  refused("the first batch of the segment is not whole although it had been durable");
}

TEST(InspectJournal, GoesOnAfterFatalDamage) {
  TestJournal j;
  ASSERT_TRUE(j.open());
  for (uint64_t i = 1; i <= 20; ++i) j.append_and_wait({.entries = {entry(i, 1, noise(i, 1400))}});
  ASSERT_TRUE(j.files->remove(j.segments()[1]));
  Listing listing;
  const auto summary = inspect_journal(*j.files, "journal", listing);
  ASSERT_TRUE(summary);
  EXPECT_EQ(summary->fatal, 1u);
  EXPECT_GT(summary->records, 0u);
  EXPECT_FALSE(inspect_journal(*j.files, "elsewhere", listing));
}

}  // namespace
}  // namespace conclave::storage::testing
