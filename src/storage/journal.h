// The journal: the one durable log of all engines. Append-only, checksummed records in preallocated, recycled segment
// files; group commit; the last record of an index wins, so that a Paxos slot can be accepted again under a higher
// ballot. docs/formats/journal.md gives every byte.
//
// Used from the loop thread; blocking work runs on the worker given. Nothing is retried: the first failed write or sync
// makes the journal report `on_failure` once and ignore everything afterwards (B36).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/engine_number.h"
#include "base/result.h"
#include "base/task.h"
#include "consensus/api/engine.h"
#include "env/clock.h"
#include "env/executor.h"
#include "env/faults.h"
#include "env/files.h"

namespace conclave::storage {

struct JournalOptions {
  CellId cell;
  ReplicaId replica;
  EngineNumber engine = EngineNumber::multi_paxos;
  uint64_t segment_bytes = 64 << 20;
  size_t spare_segments_max = 2;                // recycled files kept ready
  Duration slow_sync = Duration::millis(1000);  // a sync slower than this is logged
};

struct JournalFigures {
  uint64_t segments = 0;
  uint64_t bytes_on_disk = 0;
  uint64_t records = 0;
  uint64_t bytes_appended = 0;
  uint64_t syncs = 0;
  Duration sync_p50{0}, sync_p99{0}, sync_max{0};  // over the last thousand or so
};

// What the journal holds now; cheap to ask for.
struct JournalHoldings {
  uint64_t segments = 0;
  Index oldest_last;           // highest index that the oldest segment may hold
  uint64_t bytes_waiting = 0;  // appended, and neither written nor being written
};

class Journal {
 public:
  // What recovery found. `recovered.snapshot_*` are left for the caller to fill from the snapshot store.
  struct Opened {
    std::unique_ptr<Journal> journal;
    consensus::Recovered recovered;
  };

  // Opens or creates the journal in `directory` ("journal" under the data directory) and reads all of it. Entries at or
  // below `snapshot_index` are not given back. A torn tail (a last write cut short by a crash) is dropped and
  // overwritten; damage before the last durable record is told apart: the positions it may have held go to
  // Recovered::damaged. Errors: corrupt (the hard state, or which positions were damaged, cannot be known; the message
  // names file and offset), io, unsupported (version), invalid_argument (belongs to another cell or
  // replica, or was written by another engine; then nothing was changed on the disk).
  static Result<Opened> open(env::Files& files, env::Worker& worker, const env::Clock& clock, env::Faults& faults,
                             std::string directory, JournalOptions options, Index snapshot_index);

  virtual ~Journal() = default;

  // Queues `persist` (hard state, truncation, entries, in that order) and calls `done` on the loop when it and all
  // earlier ones are durable. Everything queued while a sync is under way shares the next one.
  virtual void append(const consensus::Persist& persist, Task done) = 0;

  // Everything at or below `index` is in a durable snapshot: whole segments below are recycled. The hard state
  // survives.
  virtual void release(Index index) = 0;

  virtual void on_failure(std::move_only_function<void(Error)> handler) = 0;
  virtual JournalFigures figures() const = 0;
  virtual JournalHoldings holdings() const = 0;
};

}  // namespace conclave::storage
