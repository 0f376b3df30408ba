#include "storage/journal_recovery.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>

#include "base/log.h"
#include "base/plant.h"
#include "base/probe.h"
#include "storage/journal_scan.h"

namespace conclave::storage {
namespace {

class Gather final : public JournalScanVisitor {
 public:
  explicit Gather(Index snapshot_index) : snapshot_index_(snapshot_index) {}

  void on_segment(const SegmentSeen& segment) override {
    out_.highest_number = std::max(out_.highest_number, segment.number);
    if (segment.standing != SegmentStanding::live) {
      out_.void_segments.push_back(segment.number);
      return;
    }
    out_.segments.push_back({.number = segment.number, .size = segment.size, .header = segment.header});
  }

  void on_batch(const BatchSeen& batch) override {
    RecoveredSegment* const segment = segment_of(batch.mark.segment);
    out_.last_batch_in_segment = segment != nullptr;
    if (segment != nullptr) {
      ++segment->batches;
      segment->last_batch_at = batch.mark.start;
    }
    out_.hard_state = batch.mark.hard_state;
    next_is(batch.mark.sequence, {});
    out_.last_batch_whole = true;
    out_.last_batch.clear();
    for (const RecordSeen& record : batch.records) {
      ++out_.records;
      if (!record.header) {
        out_.last_batch_whole = false;
        continue;
      }
      replay(*record.header, record);
    }
    if (segment != nullptr) segment->last = std::max(segment->last, out_.last_touched.last);
  }

  void on_lost(const LostBatches& lost) override {
    // The next batch follows in the same segment or in the next one: the lost ones may be in either.
    for (RecoveredSegment& segment : out_.segments) segment.last = std::max(segment.last, lost.touched.last);
    // As many batches as there were, each perhaps with all of it: the next one is written again with what is counted
    // here. The first may have been told already, by the records of it that are known.
    const uint64_t end = lost.first_sequence + lost.count;
    for (uint64_t sequence = lost.first_sequence; sequence < end; ++sequence) next_is(sequence, lost.touched);
    if (const Index from = lost.touched.truncated_from; from.value != 0) {
      // Nobody knows whether what stands from there on was made void: its positions are in doubt.
      for (auto it = slots_.lower_bound(from); it != slots_.end(); ++it) it->second.reset();
    }
    for (uint64_t n = lost.touched.positions_above(snapshot_index_); n > 0; --n) {
      slots_[Index(lost.touched.last.value - n + 1)] = std::nullopt;
    }
  }

  void on_torn(const TornTail& torn) override {
    CONCLAVE_PROBE("journal.torn-tail");
    log::info("journal", "dropped the last write, which a crash had cut short",
              {{"file", torn.path}, {"offset", torn.offset}, {"batch", torn.sequence}});
  }

  void on_problem(const JournalProblem& problem) override {
    CONCLAVE_PROBE("journal.damage");
    log::warning("journal", "damage found: " + problem.what, {{"file", problem.path}, {"offset", problem.offset}});
  }

  RecoveredJournal take() {
    for (auto& [index, entry] : slots_) {
      if (index == snapshot_index_) out_.at_snapshot = entry ? entry->ballot : consensus::Ballot();
      if (index <= snapshot_index_) {
        if (entry && entry->ballot && index > out_.hard_state.committed) out_.doubtful.push_back(index);
        continue;
      }
      if (entry) {
        out_.entries.push_back(std::move(*entry));
      } else {
        out_.damaged.push_back(index);
      }
    }
    return std::move(out_);
  }

 private:
  // Null: it is in a segment that was not finished.
  RecoveredSegment* segment_of(uint64_t number) {
    const auto segment = std::ranges::find(out_.segments, number, &RecoveredSegment::number);
    return segment == out_.segments.end() ? nullptr : &*segment;
  }

  // The batch seen last becomes one of the recent ones, unless it is the same again.
  void next_is(uint64_t sequence, const TouchedRange& touched) {
    if (out_.last_sequence != 0 && sequence != out_.last_sequence) out_.recent.push(out_.last_touched);
    out_.last_sequence = sequence;
    out_.last_touched = touched;
  }

  void replay(const RecordHeader& header, const RecordSeen& record) {
    if (header.type == RecordType::truncation) {
      slots_.erase(slots_.lower_bound(header.index), slots_.end());
      out_.last_batch.push_back({.truncate_from = header.index});
      out_.last_touched.add({.truncated_from = header.index});
      return;
    }
    out_.last_touched.add({.first = header.index, .last = header.index});
    if (!record.payload_ok) {
      out_.last_batch_whole = false;
      slots_.insert_or_assign(header.index, std::nullopt);
      if (CONCLAVE_PLANT(damage_forgotten)) slots_.erase(header.index);
      return;
    }
    consensus::Entry entry{.index = header.index, .ballot = header.ballot, .kind = header.kind};
    if (!record.payload.empty()) entry.payload = Blob(Bytes(record.payload));
    out_.last_batch.push_back({.entry = entry});
    slots_.insert_or_assign(header.index, std::move(entry));
  }

  const Index snapshot_index_;
  RecoveredJournal out_;
  std::map<Index, std::optional<consensus::Entry>> slots_;  // nullopt: damaged
};

}  // namespace

Result<RecoveredJournal> recover_journal(env::Files& files, const std::string& directory, Index snapshot_index) {
  Gather gather(snapshot_index);
  if (auto ok = scan_journal(files, directory, snapshot_index, AtFatal::stop, gather); !ok)
    return std::unexpected(ok.error());
  return gather.take();
}

}  // namespace conclave::storage
