#include "app/inspect/inspect.h"

#include <filesystem>
#include <fmt/format.h>
#include <memory>
#include <system_error>

#include "app/inspect/payload.h"
#include "app/log/log_line.h"
#include "os/files.h"
#include "storage/inspect.h"

namespace conclave::app {
namespace {

namespace fs = std::filesystem;

struct Place {
  std::string root;       // what os::Files is opened on
  std::string directory;  // of the journal, below it
  std::string file;       // only this one is shown; empty: all
};

Result<Place> find_journal(const std::string& path) {
  std::error_code error;
  const fs::path full = fs::absolute(path, error).lexically_normal();
  const fs::path trimmed = full.has_filename() ? full : full.parent_path();
  if (fs::is_directory(trimmed / "journal", error)) return Place{trimmed.string(), "journal", ""};
  if (fs::is_directory(trimmed, error)) return Place{trimmed.parent_path().string(), trimmed.filename().string(), ""};
  if (!fs::exists(trimmed, error)) return fail(ErrorKind::not_found, path + ": there is no such file or directory");
  const fs::path directory = trimmed.parent_path();
  return Place{directory.parent_path().string(), directory.filename().string(), trimmed.filename().string()};
}

std::string_view kind_name(consensus::EntryKind kind) {
  switch (kind) {
    case consensus::EntryKind::noop:
      return "noop";
    case consensus::EntryKind::transaction:
      return "transaction";
    case consensus::EntryKind::membership:
      return "membership";
  }
  return "unknown";
}

std::string hard_state_text(const consensus::HardState& state) {
  return fmt::format("promised={} joined={} committed={}{}", to_string(state.promised), to_string(state.joined),
                     state.committed.value, state.owed == Index() ? "" : fmt::format(" owed={}", state.owed.value));
}

class Printer final : public storage::JournalInspector {
 public:
  Printer(const JournalInspection& inspection, std::string only_file, FILE* out)
      : inspection_(inspection), only_file_(std::move(only_file)), out_(out) {}

  void on_segment(const storage::SegmentSeen& segment) override {
    if (!shown(segment.path)) return;
    const bool header_known = segment.standing == storage::SegmentStanding::live;
    fmt::print(out_, "segment {} number={} size={} {}{}\n", segment.path, segment.number, segment.size,
               storage::to_string(segment.standing),
               header_known ? fmt::format(" engine={}", name_of(segment.header.engine)) : "");
  }
  void on_batch(const storage::JournalBatchView& batch) override {
    if (!inspection_.records || !shown(batch.file)) return;
    fmt::print(out_, "  batch {} at {} length={} records={} {}{}\n", batch.sequence, batch.offset, batch.length,
               batch.records, hard_state_text(batch.hard_state), batch.checksum_ok ? "" : " DAMAGED");
  }
  void on_record(const storage::JournalRecordView& record) override {
    if (!inspection_.records || !shown(record.file)) return;
    if (!record.identity_known) {
      fmt::print(out_, "    record at {} length={} DAMAGED\n", record.offset, record.length);
      return;
    }
    fmt::print(out_, "    {} index={} ballot={} at {} length={}{}\n",
               record.type == storage::RecordType::entry ? kind_name(record.kind) : "truncation", record.index.value,
               to_string(record.ballot), record.offset, record.length, record.checksum_ok ? "" : " DAMAGED");
    if (inspection_.payload && record.checksum_ok && record.kind == consensus::EntryKind::transaction &&
        !record.payload.empty()) {
      const auto txn = state::decode_transaction(record.payload);
      fmt::print(out_, "      {}\n", txn ? transaction_text(*txn) : "not a transaction: " + txn.error().message);
    }
  }
  void on_lost(const storage::LostBatches& lost) override {
    fmt::print(out_, "LOST batches {} to {}\n", lost.first_sequence, lost.first_sequence + lost.count - 1);
  }
  void on_torn(const storage::TornTail& torn) override {
    if (!shown(torn.path)) return;
    fmt::print(out_, "torn tail in {} at {}: batch {} was cut short by a crash and never acknowledged\n", torn.path,
               torn.offset, torn.sequence);
  }
  void on_problem(const storage::JournalProblem& problem) override {
    if (!shown(problem.path)) return;
    fmt::print(out_, "{} {} at {}: {}\n", problem.fatal ? "FATAL" : "DAMAGE", problem.path, problem.offset,
               problem.what);
  }

 private:
  bool shown(std::string_view path) const {
    return only_file_.empty() || path.substr(path.rfind('/') + 1) == only_file_;
  }
  const JournalInspection& inspection_;
  std::string only_file_;
  FILE* out_;
};

void print_summary(const storage::JournalSummary& summary, FILE* out) {
  fmt::print(out, "{} segments, {} batches, {} records, {} bytes\n", summary.segments, summary.batches, summary.records,
             summary.bytes);
  if (summary.last.value != 0) fmt::print(out, "entries {} to {}\n", summary.first.value, summary.last.value);
  fmt::print(out, "hard state: {}\n", hard_state_text(summary.hard_state));
  if (!summary.damaged.empty()) {
    std::string positions;
    for (const Index index : summary.damaged) positions += " " + std::to_string(index.value);
    fmt::print(out, "positions to be learnt again from peers:{}\n", positions);
  }
  if (summary.clean()) {
    fmt::print(out, "clean{}\n", summary.torn_tail ? ", but for a torn tail that a restart drops" : "");
  } else {
    fmt::print(out, "{} problems{}\n", summary.problems,
               summary.fatal > 0 ? fmt::format(", {} of which stop a restart", summary.fatal) : "");
  }
}

int report_error(const Error& error, FILE* errors) {
  fmt::print(errors, "conclave: {}: {}\n", to_string(error.kind), error.message);
  return error.kind == ErrorKind::corrupt ? kDamaged : kUnreadable;
}

}  // namespace

int inspect_journal_command(const JournalInspection& inspection, FILE* out, FILE* errors) {
  const auto place = find_journal(inspection.path);
  if (!place) return report_error(place.error(), errors);
  auto files = os::Files::open_directory(place->root);
  if (!files) return report_error(files.error(), errors);
  Printer printer(inspection, place->file, out);
  const auto summary = storage::inspect_journal(**files, place->directory, printer);
  if (!summary) return report_error(summary.error(), errors);
  print_summary(*summary, out);
  return summary->clean() ? kClean : kDamaged;
}

int inspect_snapshot_command(const SnapshotInspection& inspection, FILE* out, FILE* errors) {
  std::error_code error;
  const fs::path full = fs::absolute(inspection.path, error).lexically_normal();
  if (!fs::is_regular_file(full, error)) {
    return report_error({ErrorKind::not_found, inspection.path + ": there is no such file"}, errors);
  }
  auto files = os::Files::open_directory(full.parent_path().string());
  if (!files) return report_error(files.error(), errors);
  const auto on_chunk = [&](const storage::SnapshotChunkSeen& chunk) {
    if (!inspection.chunks && chunk.checksum_ok) return;
    fmt::print(out, "chunk {} at {} stored={} raw={}{}{}\n", chunk.ordinal, chunk.offset, chunk.stored_bytes,
               chunk.raw_bytes, chunk.compressed ? " compressed" : "", chunk.checksum_ok ? "" : " DAMAGED");
  };
  const auto totals = storage::inspect_snapshot(**files, full.filename().string(), on_chunk);
  if (!totals) return report_error(totals.error(), errors);
  const storage::SnapshotMeta& meta = totals->meta;
  fmt::print(out, "state at index {} ballot {} zxid {:#x} of cell {:016x}, taken {}\n", meta.index.value,
             to_string(meta.ballot), meta.zxid.value, meta.cell.value, format_utc(meta.taken_ms));
  fmt::print(out, "{} chunks, {} bytes of state in {} bytes of file, digest {:016x}\nclean\n", totals->chunks,
             totals->raw_bytes, totals->file_bytes, totals->digest);
  return kClean;
}

}  // namespace conclave::app
