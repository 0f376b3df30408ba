// Walks a whole journal directory and tells a visitor what is there: segments, batches, records, damage, the torn tail.
// Recovery and the inspection commands are both visitors, so that they never disagree. Never writes.
//
// How damage and a torn tail are told apart (CTRL, FAST'18): batches are numbered without gaps, and one is written only
// when the one before is durable. So any whole mark of a later batch, in this segment or a later one, proves that a bad
// batch had been durable: damage. Only the very last batch is in doubt. It was torn if one of its sectors does not
// carry its stamp (sector.h); if all of them do, it was written whole, perhaps acknowledged, and what fails in it is
// damage.
//
// Blocking; any one thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "env/files.h"
#include "storage/journal_format.h"
#include "storage/segment_reader.h"

namespace conclave::storage {

enum class SegmentStanding : uint8_t {
  live,        // part of the journal
  unfinished,  // its creation was cut short by a crash, or its header lost; nothing but its first batch may count
  superseded,  // all it held was written again in a later segment
  unreadable,  // both copies of its header are damaged
};
std::string_view to_string(SegmentStanding standing);

struct SegmentSeen {
  std::string path;
  uint64_t number = 0;
  uint64_t size = 0;
  SegmentStanding standing = SegmentStanding::live;
  SegmentHeader header;      // if live
  int header_copies_ok = 0;  // of 2
};

// The references are valid during the call.
struct BatchSeen {
  const std::string& path;
  const BatchMark& mark;
  bool head_ok = false;
  bool tail_ok = false;
  uint64_t foreign_sectors = 0;  // damage: sectors that hold something else
  uint64_t flipped_stamps = 0;
  std::span<const RecordSeen> records;
};

// Batches that were durable and of which nothing, or not every record's identity, is readable. Every position they may
// have touched is in `touched`; at most kLostPositionsMax of them are not covered.
struct LostBatches {
  uint64_t first_sequence = 0;
  uint64_t count = 0;
  TouchedRange touched;
};

// The last write, cut short by a crash: never acknowledged.
struct TornTail {
  std::string path;
  uint64_t offset = 0;
  uint64_t sequence = 0;
};

struct JournalProblem {
  std::string path;
  uint64_t offset = 0;
  std::string what;
  bool fatal = false;  // recovery cannot go on: the hard state, or which positions were damaged, cannot be known
};

class JournalScanVisitor {
 public:
  virtual ~JournalScanVisitor() = default;
  virtual void on_segment(const SegmentSeen&) {}
  virtual void on_batch(const BatchSeen&) {}
  virtual void on_lost(const LostBatches&) {}
  virtual void on_torn(const TornTail&) {}
  virtual void on_problem(const JournalProblem&) {}
};

// At a fatal problem: stop with the error (recovery), or tell the visitor and go on with the next segment (inspection).
enum class AtFatal : uint8_t { stop, go_on };

// How many positions lost batches may have held, at most: each is remembered one by one. Batches next to each other lie
// further apart only where a snapshot was installed between them, and that covers what lies below it.
inline constexpr uint64_t kLostPositionsMax = uint64_t{1} << 22;

// Positions at or below `covered` are in a snapshot: what happened to them does not matter.
// Errors: io; unsupported (version); corrupt (only with AtFatal::stop).
Result<> scan_journal(env::Files& files, const std::string& directory, Index covered, AtFatal at_fatal,
                      JournalScanVisitor& visitor);

}  // namespace conclave::storage
