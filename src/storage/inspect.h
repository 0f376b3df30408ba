// Looking into a data directory without changing anything, for the commands `conclave journal dump|verify` and
// `conclave snapshot inspect|verify`. Works on a damaged directory and reads file by file, so memory stays small.
// Blocking; any one thread. The replica should not be running on the directory.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "storage/journal_scan.h"
#include "storage/snapshot_reader.h"
#include "storage/snapshot_store.h"

namespace conclave::storage {

// --- journal

struct JournalRecordView {
  const std::string& file;
  uint64_t segment = 0;
  uint64_t sequence = 0;        // of its batch
  uint64_t offset = 0;          // of the record header in the file
  uint64_t length = 0;          // of header and payload, without the stamps of sectors
  bool checksum_ok = false;     // header and payload
  bool identity_known = false;  // type, kind, index, ballot are right even if the payload is damaged
  RecordType type = RecordType::entry;
  consensus::EntryKind kind = consensus::EntryKind::noop;
  Index index;
  consensus::Ballot ballot;
  BytesView payload;  // valid during the call; empty unless checksum_ok
};

struct JournalBatchView {
  const std::string& file;
  uint64_t segment = 0;
  uint64_t sequence = 0;
  uint64_t offset = 0;
  uint64_t length = 0;
  uint64_t records = 0;
  consensus::HardState hard_state;
  bool checksum_ok = false;  // both marks and every record
};

class JournalInspector {
 public:
  virtual ~JournalInspector() = default;
  virtual void on_segment(const SegmentSeen&) {}
  virtual void on_batch(const JournalBatchView&) {}
  virtual void on_record(const JournalRecordView&) {}  // after its batch, in order
  virtual void on_lost(const LostBatches&) {}
  virtual void on_torn(const TornTail&) {}
  virtual void on_problem(const JournalProblem&) {}
};

struct JournalSummary {
  uint64_t segments = 0;  // live ones
  uint64_t batches = 0;
  uint64_t records = 0;
  uint64_t bytes = 0;     // size of the live segments
  uint64_t problems = 0;  // damage of any kind; a torn tail is none
  uint64_t fatal = 0;     // of these, ones that make a restart fail
  bool torn_tail = false;
  consensus::HardState hard_state;
  Index first, last;           // lowest and highest index of an entry
  std::vector<Index> damaged;  // positions that a restart would report as damaged, all of them
  bool clean() const { return problems == 0; }
};

// Calls the inspector for everything in the journal, in the order written. Errors: io, unsupported, not_found.
Result<JournalSummary> inspect_journal(env::Files& files, const std::string& directory, JournalInspector& inspector);

// --- snapshots

// Every file of a snapshot directory that is one or was to become one, by name.
struct SnapshotDirectoryEntry {
  std::string name;
  SnapshotNameKind kind = SnapshotNameKind::complete;
  uint64_t size = 0;
};
Result<std::vector<SnapshotDirectoryEntry>> list_snapshots(env::Files& files, const std::string& directory);

// Calls `on_chunk` for every chunk, damaged ones too (checksum_ok = false). Any damage makes the result an error.
// Errors: corrupt (names file and offset), unsupported, io. read_snapshot_meta gives the header alone.
Result<SnapshotTotals> inspect_snapshot(env::Files& files, const std::string& path,
                                        const std::function<void(const SnapshotChunkSeen&)>& on_chunk);

}  // namespace conclave::storage
