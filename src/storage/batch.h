// One batch of the journal while it is filled: everything that shares a write and a sync. Persists are encoded straight
// into the buffer that is written; sealing fills in what is only known when the batch gets its place.
//
// Loop thread until sealed; then bytes() may be read by the worker that owns it.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "consensus/api/output.h"
#include "storage/journal_format.h"
#include "storage/sector.h"

namespace conclave::storage {

class Batch {
 public:
  Batch();

  // Hard state, truncation and entries, in that order.
  void add(const consensus::Persist& persist);
  void set_hard_state(const consensus::HardState& state) { hard_state_ = state; }
  void add_truncation(Index from);
  void add_entry(const consensus::Entry& entry);

  // No record and no hard state: nothing to write.
  bool empty() const { return directory_.empty() && !hard_state_; }
  uint64_t records() const { return directory_.size(); }
  const std::optional<consensus::HardState>& hard_state() const { return hard_state_; }
  const TouchedRange& touched() const { return touched_; }
  // Size when sealed now.
  uint64_t sectors() const;
  // By how many bytes, at most, add(persist) makes the sealed batch longer.
  static uint64_t bytes_bound(const consensus::Persist& persist);

  struct Place {
    uint64_t segment = 0;
    uint64_t sequence = 0;
    uint64_t start = 0;               // file offset
    consensus::HardState hard_state;  // in force at the end of the batch
    uint16_t recent_batches = 0;
    TouchedRange recent;
  };
  void seal(const Place& place);
  BytesView bytes() const { return out_.physical(); }  // REQUIRES: sealed
  // Back to a new batch; keeps the memory.
  void clear();
  size_t capacity() const { return out_.capacity(); }  // bytes of memory it keeps

 private:
  void add_record(RecordHeader header, BytesView payload);

  SectorWriter out_;
  std::vector<RecordHeader> directory_;
  std::optional<consensus::HardState> hard_state_;
  TouchedRange touched_;
};

}  // namespace conclave::storage
