#include "storage/journal.h"

#include <cstring>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/checksum.h"
#include "base/log.h"
#include "storage/journal_format.h"
#include "storage/testing_journal.h"

namespace conclave::storage::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(Journal, BeginsEmpty) {
  TestJournal j;
  ASSERT_TRUE(j.open());
  EXPECT_EQ(j.recovered.hard_state, consensus::HardState{});
  EXPECT_TRUE(j.recovered.entries.empty());
  j.expect_after_restart({});
}

TEST(Journal, KeepsEntriesAndHardState) {
  TestJournal j;
  ASSERT_TRUE(j.open());
  ModelLog model;
  const consensus::Persist persist{.hard_state = promise(7, 2),
                                   .entries = {entry(1, 6, "a"), entry(2, 6, ""), entry(5, 7, noise(1, 3000))}};
  j.append_and_wait(persist);
  model.apply(persist);
  EXPECT_THAT(j.acknowledged, ElementsAre(0));
  j.expect_after_restart(model);
  j.expect_after_restart(model);  // a restart that wrote nothing changes nothing
  EXPECT_EQ(j.recovered.entries[1].kind, consensus::EntryKind::noop);
}

TEST(Journal, TheLastRecordOfAnIndexWins) {  // PX: a slot is accepted again under a higher ballot
  TestJournal j;
  ASSERT_TRUE(j.open());
  j.append_and_wait({.entries = {entry(1, 1, "old"), entry(2, 1, "kept")}});
  j.append_and_wait({.entries = {entry(1, 2, "new")}});
  ASSERT_TRUE(j.open());
  EXPECT_THAT(j.recovered.entries, ElementsAre(entry(1, 2, "new"), entry(2, 1, "kept")));
}

TEST(Journal, GivesNothingBackThatASnapshotCovers) {
  TestJournal j;
  ASSERT_TRUE(j.open());
  j.append_and_wait({.entries = {entry(1, 1, "a"), entry(2, 1, "b"), entry(3, 1, "c")}});
  ASSERT_TRUE(j.open(Index(2)));
  EXPECT_THAT(j.recovered.entries, ElementsAre(entry(3, 1, "c")));
}

TEST(Journal, TellsWhatItHoldsAtTheSnapshot) {
  TestJournal journal;
  ASSERT_TRUE(journal.open());
  EXPECT_FALSE(journal.recovered.at_snapshot);
  journal.append_and_wait({.entries = {entry(1, 3, "a"), entry(2, 4, "b"), entry(3, 5, "c")}});
  ASSERT_TRUE(journal.open(Index(2)));
  EXPECT_EQ(journal.recovered.at_snapshot, (consensus::Ballot{4, ReplicaId(1)}));
  EXPECT_EQ(journal.recovered.entries.size(), 1u);
  ASSERT_TRUE(journal.open(Index(7)));
  EXPECT_FALSE(journal.recovered.at_snapshot);
}

TEST(Journal, TellsWhatItHoldsBelowTheSnapshotAndAboveTheCommittedHint) {
  TestJournal journal;
  ASSERT_TRUE(journal.open());
  journal.append_and_wait({.hard_state = consensus::HardState{.committed = Index(2)},
                           .entries = {entry(1, 1, "a"), entry(2, 1, "b"), entry(3, 1, "c"), entry(5, 1, "d")}});
  journal.append_and_wait({.entries = {consensus::Entry{.index = Index(5)}, entry(6, 1, "e"), entry(9, 1, "f")}});
  ASSERT_TRUE(journal.open(Index(6)));
  EXPECT_THAT(journal.recovered.doubtful, ElementsAre(Index(3), Index(6))) << "position 5 is void";
  EXPECT_THAT(journal.recovered.entries, ElementsAre(entry(9, 1, "f")));
}

TEST(Journal, TruncatesAppendsAndRestarts) {  // B33, B31: nothing behind a hole, everything acknowledged readable
  TestJournal j;
  j.options.segment_bytes = 16 << 10;
  ASSERT_TRUE(j.open());
  ModelLog model;
  const auto run = [&](const consensus::Persist& persist) {
    j.append_and_wait(persist);
    model.apply(persist);
  };
  for (uint64_t i = 1; i <= 30; ++i) run({.entries = {entry(i, 1, noise(i, 1000))}});  // several segments
  EXPECT_GT(j.segments().size(), 1u);
  run({.hard_state = promise(2), .truncate_from = Index(4), .entries = {entry(4, 2, "four")}});
  run({.entries = {entry(5, 2, "five")}});
  j.expect_after_restart(model);
  run({.truncate_from = Index(5)});
  j.expect_after_restart(model);
  j.expect_after_restart(model);
  run({.entries = {entry(5, 3, "five again")}});
  j.expect_after_restart(model);
  EXPECT_EQ(model.entries.size(), 5u);
}

TEST(Journal, SharesOneSyncAmongAllThatWait) {
  TestJournal j;
  j.options.segment_bytes = 1 << 20;
  ASSERT_TRUE(j.open());
  const uint64_t before = j.files->operations();
  j.append({.entries = {entry(1, 1, "a")}});
  EXPECT_TRUE(j.acknowledged.empty());
  j.worker.work_only();  // the first is being written
  for (uint64_t i = 2; i <= 50; ++i) j.append({.entries = {entry(i, 1, "b")}});
  EXPECT_TRUE(j.acknowledged.empty()) << "nothing is acknowledged before its completion runs on the loop";
  j.worker.run();
  EXPECT_EQ(j.count_operations("write", before), 2u) << "one contiguous write per batch";
  EXPECT_EQ(j.count_operations("sync ", before), 2u);
  ASSERT_EQ(j.acknowledged.size(), 50u);
  EXPECT_TRUE(std::ranges::is_sorted(j.acknowledged)) << "in the order queued";
  EXPECT_EQ(j.journal->figures().syncs, 2u);
}

TEST(Journal, AnEmptyPersistWaitsForAllBefore) {
  TestJournal j;
  ASSERT_TRUE(j.open());
  j.append({.entries = {entry(1, 1, "a")}});
  j.append({});
  EXPECT_TRUE(j.acknowledged.empty());
  j.worker.run();
  EXPECT_THAT(j.acknowledged, ElementsAre(0, 1));
  const uint64_t before = j.files->operations();
  j.append_and_wait({});
  EXPECT_THAT(j.acknowledged, ElementsAre(0, 1, 2));
  EXPECT_EQ(j.files->operations(), before) << "nothing to write";
}

TEST(Journal, CompletionsMayAppendAndMayDestroyTheJournal) {
  TestJournal j;
  ASSERT_TRUE(j.open());
  bool second = false;
  j.journal->append({.entries = {entry(1, 1, "a")}}, [&] {
    j.journal->append({.entries = {entry(2, 1, "b")}}, [&] {
      second = true;
      j.journal.reset();
    });
    j.journal->append({.entries = {entry(3, 1, "c")}}, [&] { ADD_FAILURE() << "the journal is gone"; });
  });
  j.worker.run();
  EXPECT_TRUE(second);
}

TEST(Journal, RollsAndRecyclesSegments) {
  TestJournal j;
  j.options.spare_segments_max = 4;
  ASSERT_TRUE(j.open());
  ModelLog model;
  uint64_t index = 0;
  const auto next = [&] { return ++index; };
  uint64_t most = 0;
  for (int round = 0; round < 20; ++round) {
    for (int i = 0; i < 10; ++i) {
      const consensus::Persist persist{.hard_state = promise(1, index), .entries = {entry(next(), 1, noise(7, 1500))}};
      j.append_and_wait(persist);
      model.apply(persist);
    }
    j.journal->release(Index(index - 3));
    j.worker.run();
    most = std::max(most, j.files->bytes_used());
    EXPECT_EQ(j.files->bytes_used(), j.journal->figures().bytes_on_disk);
  }
  EXPECT_LE(most, 6u * (16 << 10)) << "disk use is bounded";
  EXPECT_LE(j.count_operations("create"), 5u) << "segments are recycled, not made";
  // Stale records of the recycled files never come back.
  ASSERT_TRUE(j.open(Index(index - 3)));
  EXPECT_EQ(j.recovered.entries, model.above(Index(index - 3)));
  EXPECT_EQ(j.recovered.hard_state, model.hard_state)
      << "the hard state survives the release of the segment it was set in";
}

// A segment that is all covered while it is the newest goes when the next one begins, not at the next release.
TEST(Journal, ReleasesASegmentThatWasInUse) {
  TestJournal j;
  ASSERT_TRUE(j.open());
  j.append_and_wait({.entries = {entry(1, 1, noise(1, 1400))}});
  j.journal->release(Index(1));
  EXPECT_EQ(j.journal->figures().segments, 1u);
  for (uint64_t index = 2; index <= 30; ++index) {
    const size_t before = j.journal->figures().segments;
    j.journal->release(Index(index - 1));
    j.append_and_wait({.entries = {entry(index, 1, noise(index, 1400))}});
    j.worker.run();
    EXPECT_EQ(j.journal->figures().segments, 1u) << index << ", before " << before;
  }
  ASSERT_TRUE(j.open(Index(29)));
  EXPECT_EQ(j.recovered.entries.size(), 1u);
}

TEST(Journal, HardStateSurvivesReleaseOfEverything) {
  TestJournal j;
  ASSERT_TRUE(j.open());
  j.append_and_wait({.hard_state = promise(9, 4)});
  for (uint64_t i = 1; i <= 40; ++i) j.append_and_wait({.entries = {entry(i, 9, noise(i, 1500))}});
  j.journal->release(Index(40));
  j.worker.run();
  EXPECT_EQ(j.segments().size(), 1u);
  ASSERT_TRUE(j.open(Index(40)));
  EXPECT_EQ(j.recovered.hard_state, promise(9, 4));
  EXPECT_TRUE(j.recovered.entries.empty());
}

TEST(Journal, KeepsASpareReady) {
  TestJournal j;
  ASSERT_TRUE(j.open());
  uint64_t index = 0;
  const auto next = [&] { return ++index; };
  const auto half_a_segment = [&] {
    for (int i = 0; i < 5; ++i) j.append_and_wait({.entries = {entry(next(), 1, noise(7, 1500))}});
  };
  half_a_segment();
  EXPECT_THAT(j.files->names("journal"), ElementsAre("segment-0000000000000001", HasSubstr("spare-")));
  const uint64_t before = j.files->operations();
  while (j.segments().size() == 1) j.append_and_wait({.entries = {entry(next(), 1, noise(7, 1500))}});
  EXPECT_EQ(j.count_operations("create", before), 0u) << "the new segment was the spare";
}

TEST(Journal, ANewJournalTrustsNoSpareOfAFormerOne) {
  TestJournal j;
  ASSERT_TRUE(j.open());
  for (uint64_t i = 1; i <= 30; ++i) j.append_and_wait({.entries = {entry(i, 1, noise(i, 1400))}});
  j.journal->release(Index(30));  // segment 1 becomes a spare, with the batches of its life
  j.worker.run();
  j.journal.reset();
  for (const std::string& segment : j.segments()) ASSERT_TRUE(j.files->remove(segment));  // by an operator, say

  ASSERT_TRUE(j.open());
  EXPECT_TRUE(j.recovered.entries.empty());
  ModelLog model;
  const consensus::Persist first{.entries = {entry(1, 5, "of the new life")}};
  j.append_and_wait(first);
  model.apply(first);
  j.expect_after_restart(model);
}

TEST(Journal, AnEntryMayOutgrowASegment) {
  TestJournal j;
  ASSERT_TRUE(j.open());
  ModelLog model;
  for (const size_t size : {size_t{100'000}, size_t{10}, size_t{200'000}}) {
    const consensus::Persist persist{.entries = {entry(model.entries.size() + 1, 1, noise(size, size))}};
    j.append_and_wait(persist);
    model.apply(persist);
  }
  j.expect_after_restart(model);
  j.expect_after_restart(model);
}

TEST(Journal, ManyRestartsDoNotFillTheDisk) {
  TestJournal j;
  j.options.segment_bytes = 1 << 20;
  ASSERT_TRUE(j.open());
  ModelLog model;
  for (uint64_t i = 1; i <= 40; ++i) {
    const consensus::Persist persist{.entries = {entry(i, 1, "x")}};
    j.append_and_wait(persist);
    model.apply(persist);
    j.expect_after_restart(model);
    j.expect_after_restart(model);
  }
  EXPECT_LT(j.files->bytes_used(), uint64_t{4} << 20);
}

TEST(Journal, RefusesTheJournalOfAnother) {
  TestJournal j;
  ASSERT_TRUE(j.open());
  j.options.replica = ReplicaId(2);
  auto refused = j.open();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::invalid_argument);
  EXPECT_THAT(refused.error().message,
              HasSubstr("journal/segment-0000000000000001: belongs to replica 1 of cell 000000000000ce11"));
  j.options.replica = ReplicaId(1);
  j.options.cell = CellId(5);
  refused = j.open();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::invalid_argument);
}

TEST(Journal, LogsASlowSync) {
  TestJournal j;
  ASSERT_TRUE(j.open());
  std::vector<std::string> lines;
  log::set_sink([&](log::Level, std::string_view, std::string_view message, log::Fields fields) {
    lines.push_back(std::string(message) + " " + fields.begin()->value);
  });
  j.append_and_wait({.entries = {entry(1, 1, "a")}});
  EXPECT_TRUE(lines.empty());
  j.clock.step = Duration::millis(1500);
  j.append_and_wait({.entries = {entry(2, 1, "a")}});
  log::set_sink({});
  EXPECT_THAT(lines, ElementsAre("slow sync 1500"));
  EXPECT_EQ(j.journal->figures().sync_max, Duration::millis(1500));
  EXPECT_EQ(j.journal->figures().records, 2u);
}

// B36: the first failed write or sync stops everything, for good.
class JournalFailure : public ::testing::TestWithParam<std::string> {};

TEST_P(JournalFailure, StopsTheJournal) {
  TestJournal j;
  ChanceFaults faults(1, {GetParam()}, 1);
  ASSERT_TRUE(j.open());
  j.append_and_wait({.entries = {entry(1, 1, "a")}});
  j.faults = &faults;
  j.journal.reset();
  auto files = j.files;
  // A journal that fails at its first write after the start.
  TestJournal k;
  k.files = files;
  ChanceFaults never(1, {GetParam()}, uint64_t{1} << 60);
  k.faults = &never;
  ASSERT_TRUE(k.open());
  never = ChanceFaults(1, {GetParam()}, 1);
  k.append({.entries = {entry(2, 1, "b")}});
  k.append({.entries = {entry(3, 1, "c")}});
  k.worker.run();
  EXPECT_TRUE(k.acknowledged.empty());
  ASSERT_EQ(k.failures.size(), 1u);
  EXPECT_EQ(k.failures[0].kind, ErrorKind::io);
  never = ChanceFaults(1, {}, 1);  // the disk is well again: nothing is retried
  k.append({.entries = {entry(4, 1, "d")}});
  k.journal->release(Index(1));
  k.worker.run();
  EXPECT_TRUE(k.acknowledged.empty());
  EXPECT_EQ(k.failures.size(), 1u);
  bool told = false;
  k.journal->on_failure([&](const Error&) { told = true; });
  EXPECT_TRUE(told) << "a handler that comes late is told at once";
}
INSTANTIATE_TEST_SUITE_P(Points, JournalFailure, ::testing::Values("journal.write", "journal.sync"),
                         [](const auto& p) { return p.param.substr(8); });

TEST(Journal, TouchesNothingOnceAWriteFailed) {  // B36
  TestJournal j;
  ASSERT_TRUE(j.open());
  for (uint64_t i = 1; i <= 20; ++i) j.append_and_wait({.entries = {entry(i, 1, noise(i, 1400))}});
  const auto segments = j.segments();
  ASSERT_GT(segments.size(), 2u);
  j.files->fail_at(j.files->operations() + 1, ErrorKind::io);
  j.append({.entries = {entry(21, 1, "fails")}});
  j.append({.entries = {entry(22, 1, "waits")}});
  j.journal->release(Index(20));  // queued behind the write that fails
  const uint64_t before = j.files->operations();
  j.worker.run();
  EXPECT_EQ(j.files->operations(), before + 1);
  EXPECT_EQ(j.segments(), segments);
  EXPECT_EQ(j.failures.size(), 1u);
  j.append_and_wait({.entries = {entry(23, 1, "ignored")}});
  EXPECT_EQ(j.files->operations(), before + 1);
  EXPECT_EQ(j.acknowledged.size(), 20u);
}

TEST(Journal, AFailureHandlerMayDestroyTheJournal) {
  TestJournal j;
  ASSERT_TRUE(j.open());
  j.journal->on_failure([&](const Error&) { j.journal.reset(); });
  j.files->fail_at(j.files->operations() + 1, ErrorKind::io);
  j.append_and_wait({.entries = {entry(1, 1, "fails")}});
  EXPECT_EQ(j.journal, nullptr);
}

// Entries, ballots and what a hard state promises mean something else to another engine.
TEST(Journal, RefusesWhatAnotherEngineWroteAndChangesNothing) {
  TestJournal j;
  j.options.engine = EngineNumber::raft;
  ASSERT_TRUE(j.open());
  ModelLog model;
  for (uint64_t i = 1; i <= 4; ++i) {
    const consensus::Persist persist{.entries = {entry(i, 1, noise(i, 1400))}};
    j.append_and_wait(persist);
    model.apply(persist);
  }
  const std::vector<std::string> names = j.files->names("journal");
  EXPECT_THAT(names, ::testing::Contains(HasSubstr("spare-")));
  const uint64_t before = j.files->operations();
  j.options.engine = EngineNumber::multi_paxos;
  j.options.spare_segments_max = 0;  // one that opens would remove the spare
  const auto refused = j.open();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::invalid_argument);
  EXPECT_THAT(refused.error().message,
              HasSubstr("journal/segment-0000000000000001: written by Raft, and this replica is to run Multi-Paxos"));
  EXPECT_EQ(j.files->names("journal"), names);
  for (const char* change : {"create", "write", "resize", "rename", "remove"}) {
    EXPECT_EQ(j.count_operations(change, before), 0u) << change;
  }
  j.options.engine = EngineNumber::raft;
  j.expect_after_restart(model);
}

TEST(Journal, NamesTheFileWhoseVersionItDoesNotKnow) {
  TestJournal j;
  ASSERT_TRUE(j.open());
  Bytes& content = j.files->content(j.segments()[0]);
  for (const size_t at : {size_t{0}, size_t{kSegmentHeaderCopyOffset}}) {
    content[at + 8] = 2;
    const uint64_t checksum = xxh3_64(BytesView(content).substr(at, kSegmentHeaderSize - 8));
    std::memcpy(content.data() + at + kSegmentHeaderSize - 8, &checksum, 8);
  }
  const auto refused = j.open();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::unsupported);
  EXPECT_THAT(refused.error().message, HasSubstr("journal/segment-0000000000000001: journal format version 2"));
}

TEST(Journal, ReportsAReadError) {
  TestJournal j;
  ASSERT_TRUE(j.open());
  j.append_and_wait({.entries = {entry(1, 1, "a")}});
  j.files->set_read_error(j.segments()[0], kSegmentHeaderBytes + 600);
  const auto refused = j.open();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::io);
  EXPECT_THAT(refused.error().message, HasSubstr("segment-0000000000000001"));
}

TEST(Journal, BehavesAlikeWhenBatchesAreSmallAndSegmentsShort) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    TestJournal j;
    ChanceFaults faults(seed, {"journal.batch.alone", "journal.roll.early"}, 3);
    j.faults = &faults;
    ASSERT_TRUE(j.open());
    Random random(seed);
    ModelLog model;
    uint64_t last = 0;
    const auto next = [&] { return ++last; };
    for (int i = 0; i < 60; ++i) {
      consensus::Persist persist;
      if (random.chance(1, 4)) persist.hard_state = promise(static_cast<uint64_t>(i), last);
      if (last > 4 && random.chance(1, 8)) persist.truncate_from = Index(last -= random.below(3));
      for (uint64_t n = random.below(4); n > 0; --n) {
        persist.entries.push_back(entry(next(), 1, noise(random.u64(), random.below(2000))));
      }
      model.apply(persist);
      j.append(persist);
      if (random.chance(1, 3)) j.worker.step();
    }
    j.worker.run();
    ASSERT_EQ(j.acknowledged.size(), j.submitted);
    j.expect_after_restart(model);
  }
}

}  // namespace
}  // namespace conclave::storage::testing
