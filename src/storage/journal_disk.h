// The worker's half of the journal: the file being written and the pool of segments. Every method blocks. After the
// first error all later calls fail, so that work queued behind a failure touches nothing (B36).
//
// On the journal's worker, or before the loop starts.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "env/clock.h"
#include "env/faults.h"
#include "env/files.h"
#include "storage/journal_format.h"
#include "storage/segment_pool.h"

namespace conclave::storage {

class JournalDisk {
 public:
  JournalDisk(env::Files& files, const env::Clock& clock, env::Faults& faults, std::string directory,
              uint64_t segment_bytes, size_t spares_max)
      : files_(files), clock_(clock), faults_(faults), pool_(files, std::move(directory), segment_bytes, spares_max) {}

  SegmentPool& pool() { return pool_; }

  struct Write {
    std::optional<SegmentHeader> new_segment;  // begin this segment with the batch
    uint64_t segment_bytes = 0;                // size of the new segment at least
    uint64_t offset = 0;
    BytesView batch;
  };
  // Writes one batch and makes it durable. Returns how long the syncs took.
  //
  // A new segment gets its header after its first batch is durable. A segment with a header therefore always begins
  // with a whole batch, and what it says about older segments (SegmentHeader::first_sequence) may be relied on.
  Result<Duration> write(const Write& write);

  Result<> recycle(uint64_t segment);
  // As SegmentPool::prepare_step. Its failure is not one of the journal: no record was at stake.
  Result<bool> prepare_step();
  // Cuts a segment that is no longer written.
  Result<> cut(uint64_t segment, uint64_t size);
  Result<> sync_segment(uint64_t segment);

 private:
  Result<Duration> write_and_sync(const Write& write);
  Result<> write_at(uint64_t offset, BytesView bytes);
  Result<> sync();

  env::Files& files_;
  const env::Clock& clock_;
  env::Faults& faults_;
  SegmentPool pool_;
  std::unique_ptr<env::File> file_;
  std::string path_;
  std::optional<Error> failure_;
};

}  // namespace conclave::storage
