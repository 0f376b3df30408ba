#include "storage/inspect.h"

#include <algorithm>
#include <map>

#include "storage/snapshot_format.h"

namespace conclave::storage {
namespace {

class Summarise final : public JournalScanVisitor {
 public:
  explicit Summarise(JournalInspector& inspector) : inspector_(inspector) {}

  void on_segment(const SegmentSeen& segment) override {
    if (segment.standing == SegmentStanding::live) {
      ++out_.segments;
      out_.bytes += segment.size;
    }
    inspector_.on_segment(segment);
  }

  void on_batch(const BatchSeen& batch) override {
    ++out_.batches;
    out_.records += batch.records.size();
    out_.hard_state = batch.mark.hard_state;
    const bool whole = batch.head_ok && batch.tail_ok && batch.foreign_sectors == 0 &&
                       std::ranges::all_of(batch.records, [](const RecordSeen& r) {
                         return r.head_copy_ok && r.directory_copy_ok && r.payload_ok;
                       });
    inspector_.on_batch({.file = batch.path,
                         .segment = batch.mark.segment,
                         .sequence = batch.mark.sequence,
                         .offset = batch.mark.start,
                         .length = batch.mark.end() - batch.mark.start,
                         .records = batch.mark.records,
                         .hard_state = batch.mark.hard_state,
                         .checksum_ok = whole});
    for (const RecordSeen& record : batch.records) show(batch, record);
  }

  void on_lost(const LostBatches& lost) override {
    if (lost.touched.truncated_from.value != 0) {
      for (auto it = damaged_.lower_bound(lost.touched.truncated_from); it != damaged_.end(); ++it) it->second = true;
    }
    for (uint64_t n = lost.touched.positions_above(Index(0)); n > 0; --n) {
      damaged_[Index(lost.touched.last.value - n + 1)] = true;
    }
    inspector_.on_lost(lost);
  }
  void on_torn(const TornTail& torn) override {
    out_.torn_tail = true;
    inspector_.on_torn(torn);
  }
  void on_problem(const JournalProblem& problem) override {
    ++out_.problems;
    if (problem.fatal) ++out_.fatal;
    inspector_.on_problem(problem);
  }

  JournalSummary take() {
    for (const auto& [index, damaged] : damaged_) {
      if (damaged) out_.damaged.push_back(index);
    }
    if (!damaged_.empty()) {
      out_.first = damaged_.begin()->first;
      out_.last = damaged_.rbegin()->first;
    }
    return std::move(out_);
  }

 private:
  void show(const BatchSeen& batch, const RecordSeen& record) {
    JournalRecordView view{.file = batch.path,
                           .segment = batch.mark.segment,
                           .sequence = batch.mark.sequence,
                           .offset = record.offset,
                           .length = kRecordHeaderSize,
                           .identity_known = record.header.has_value()};
    if (record.header) {
      view.length += record.header->payload_bytes;
      view.checksum_ok = record.head_copy_ok && record.directory_copy_ok && record.payload_ok;
      view.type = record.header->type;
      view.kind = record.header->kind;
      view.index = record.header->index;
      view.ballot = record.header->ballot;
      view.payload = record.payload;
      if (view.type == RecordType::truncation) {
        damaged_.erase(damaged_.lower_bound(view.index), damaged_.end());
      } else {
        damaged_[view.index] = !record.payload_ok;
      }
    }
    inspector_.on_record(view);
  }

  JournalInspector& inspector_;
  JournalSummary out_;
  std::map<Index, bool> damaged_;  // every position with an entry
};

}  // namespace

Result<JournalSummary> inspect_journal(env::Files& files, const std::string& directory, JournalInspector& inspector) {
  Summarise visitor(inspector);
  if (auto ok = scan_journal(files, directory, Index(0), AtFatal::go_on, visitor); !ok)
    return std::unexpected(ok.error());
  return visitor.take();
}

Result<std::vector<SnapshotDirectoryEntry>> list_snapshots(env::Files& files, const std::string& directory) {
  auto names = files.list(directory);
  if (!names) return std::unexpected(names.error());
  std::vector<SnapshotDirectoryEntry> out;
  for (const std::string& name : *names) {
    const auto parsed = parse_snapshot_name(name, CellId());
    if (!parsed) continue;
    auto file = files.open(directory + "/" + name, env::Files::Open::read_only);
    if (!file) return std::unexpected(file.error());
    const auto size = (*file)->size();
    if (!size) return std::unexpected(size.error());
    out.push_back({.name = name, .kind = parsed->kind, .size = *size});
  }
  return out;
}

Result<SnapshotTotals> inspect_snapshot(env::Files& files, const std::string& path,
                                        const std::function<void(const SnapshotChunkSeen&)>& on_chunk) {
  return read_snapshot(files, path, AtBadChunk::go_on, [&](const SnapshotChunkSeen& chunk) -> Result<> {
    on_chunk(chunk);
    return {};
  });
}

}  // namespace conclave::storage
