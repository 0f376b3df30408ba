// The structures of a journal segment and their codecs: segment header, batch mark, record header, file names.
// docs/formats/journal.md gives every byte. Pure; any thread.
//
// Every structure has a fixed size, its own magic, version and checksum (XXH3-64), and the checksum is seeded with what
// the structure belongs to (segment number, batch sequence, ordinal), so that the stale bytes of a recycled segment or
// a structure at the wrong place never pass for a valid one.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/engine_number.h"
#include "base/ids.h"
#include "base/result.h"
#include "consensus/api/entry.h"
#include "consensus/api/hard_state.h"

namespace conclave::storage {

inline constexpr uint32_t kJournalVersion = 1;
inline constexpr uint64_t kSegmentHeaderBytes = 4096;       // the header block: two copies of the header
inline constexpr uint64_t kSegmentHeaderCopyOffset = 2048;  // of the second copy
inline constexpr size_t kSegmentHeaderSize = 96;
inline constexpr size_t kBatchMarkSize = 128;
inline constexpr size_t kRecordHeaderSize = 48;

// --- file names, without the directory

std::string segment_name(uint64_t number);  // "segment-000000000000002a"
std::optional<uint64_t> parse_segment_name(std::string_view name);
std::string spare_name(uint64_t number);  // "spare-0000000000000003"
std::optional<uint64_t> parse_spare_name(std::string_view name);

// --- segment header

struct SegmentHeader {
  CellId cell;
  ReplicaId replica;
  EngineNumber engine = EngineNumber::multi_paxos;
  uint64_t number = 0;          // unique in the journal, increasing
  uint64_t previous = 0;        // number of the segment before this one; 0: none
  uint64_t first_sequence = 0;  // of the first batch. Batches of earlier segments from here on are void.
  uint64_t segment_bytes = 0;

  friend bool operator==(const SegmentHeader&, const SegmentHeader&) = default;
};

// The whole header block.
Bytes encode_segment_header(const SegmentHeader& header);
// From one copy. nullopt: not a valid copy. An error: valid, but of a version that this build does not know.
Result<std::optional<SegmentHeader>> decode_segment_header(BytesView copy);

// --- batch marks: the same words at both ends of a batch

enum class MarkRole : uint8_t { head = 1, tail = 2 };

// Which positions earlier batches wrote: what may be lost when they are.
struct TouchedRange {
  Index first, last;     // lowest and highest index of their entries; zero: none
  Index truncated_from;  // lowest truncation mark; zero: none

  void add(const TouchedRange& other);
  // How many positions from `first` to `last` are above `covered`.
  uint64_t positions_above(Index covered) const;
  bool empty() const { return first.value == 0 && truncated_from.value == 0; }
  friend bool operator==(const TouchedRange&, const TouchedRange&) = default;
};

struct BatchMark {
  uint64_t segment = 0;
  uint64_t sequence = 0;  // of the batch, without gaps across segments
  uint64_t start = 0;     // file offset of its first sector
  uint64_t sectors = 0;
  uint64_t records = 0;
  uint64_t body_bytes = 0;          // record headers and payloads together
  consensus::HardState hard_state;  // as of the end of the batch
  uint16_t recent_batches = 0;      // how many batches before this one `recent` covers
  TouchedRange recent;

  uint64_t end() const;  // file offset behind its last sector
  friend bool operator==(const BatchMark&, const BatchMark&) = default;
};

std::array<char, kBatchMarkSize> encode_batch_mark(const BatchMark& mark, MarkRole role);
// nullopt: not a valid mark of this segment in this role.
std::optional<BatchMark> decode_batch_mark(BytesView bytes, MarkRole role, uint64_t segment);

// --- record headers: once before the payload, once in the directory at the end of the batch

enum class RecordType : uint8_t { entry = 1, truncation = 2 };
std::string_view to_string(RecordType type);

struct RecordHeader {
  RecordType type = RecordType::entry;
  consensus::EntryKind kind = consensus::EntryKind::noop;
  Index index;  // of the entry; of a truncation mark the first void index
  consensus::Ballot ballot;
  uint64_t payload_bytes = 0;
  uint64_t payload_checksum = 0;

  friend bool operator==(const RecordHeader&, const RecordHeader&) = default;
};

// Which record a header belongs to; seeds its checksum.
struct RecordIdentity {
  uint64_t segment = 0;
  uint64_t sequence = 0;
  uint64_t ordinal = 0;  // in the batch, from 0
};

std::array<char, kRecordHeaderSize> encode_record_header(const RecordHeader& header, const RecordIdentity& identity);
std::optional<RecordHeader> decode_record_header(BytesView bytes, const RecordIdentity& identity);

}  // namespace conclave::storage
