// What a journal directory holds, gathered for a restart: the newest record of every index, the damaged positions, the
// hard state, and where writing goes on. Reads only; Journal::open acts on it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "consensus/api/engine.h"
#include "env/files.h"
#include "storage/journal_format.h"
#include "storage/recent_batches.h"

namespace conclave::storage {

struct RecoveredSegment {
  uint64_t number = 0;
  uint64_t size = 0;
  uint64_t batches = 0;        // of those that count
  uint64_t last_batch_at = 0;  // file offset of the last one
  Index last;                  // highest index that it may hold
  SegmentHeader header;
};

// One record of the last batch, in order.
struct RecoveredRecord {
  std::optional<Index> truncate_from;  // or an entry
  consensus::Entry entry;
};

struct RecoveredJournal {
  consensus::HardState hard_state;
  std::optional<consensus::Ballot> at_snapshot;  // of the entry at the snapshot index asked for, if there is one
  std::vector<Index> doubtful;                   // as in consensus::Recovered
  std::vector<consensus::Entry> entries;         // sorted, all above it
  std::vector<Index> damaged;                    // sorted, likewise
  uint64_t records = 0;

  std::vector<RecoveredSegment> segments;  // oldest first; empty: a new journal
  std::vector<uint64_t> void_segments;     // unfinished or superseded
  uint64_t highest_number = 0;             // of all segment files there, void ones too

  uint64_t last_sequence = 0;          // of the last batch that counts
  bool last_batch_whole = false;       // every record of it is whole
  bool last_batch_in_segment = false;  // of `segments`; else its segment was not finished
  std::vector<RecoveredRecord> last_batch;
  RecentBatches recent;       // before the last batch
  TouchedRange last_touched;  // by the last batch
};

// Errors: corrupt, io, unsupported.
Result<RecoveredJournal> recover_journal(env::Files& files, const std::string& directory, Index snapshot_index);

}  // namespace conclave::storage
