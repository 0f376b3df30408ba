#include "storage/journal_format.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <fmt/format.h>

#include "base/assert.h"
#include "base/checksum.h"
#include "storage/sector.h"

namespace conclave::storage {
namespace {

constexpr uint64_t kSegmentMagic = 0x4C4E524A434E4F43;  // "CONCJRNL"
constexpr uint32_t kHeadMagic = 0x44484243;             // "CBHD"
constexpr uint32_t kTailMagic = 0x4C544243;             // "CBTL"
constexpr uint32_t kRecordMagic = 0x43455243;           // "CREC"

template <class T>
void put(char* to, T value) {
  std::memcpy(to, &value, sizeof(T));
}
template <class T>
T get(const char* from) {
  T value;
  std::memcpy(&value, from, sizeof(T));
  return value;
}

std::optional<uint64_t> parse_numbered(std::string_view name, std::string_view prefix) {
  if (!name.starts_with(prefix) || name.size() != prefix.size() + 16) return std::nullopt;
  name.remove_prefix(prefix.size());
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number, 16);
  if (error != std::errc() || end != name.data() + name.size()) return std::nullopt;
  return number;
}

uint64_t record_seed(const RecordIdentity& identity) {
  return sector_stamp(identity.segment, identity.sequence, ~identity.ordinal);
}

}  // namespace

std::string segment_name(uint64_t number) {
  return fmt::format("segment-{:016x}", number);
}
std::optional<uint64_t> parse_segment_name(std::string_view name) {
  return parse_numbered(name, "segment-");
}
std::string spare_name(uint64_t number) {
  return fmt::format("spare-{:016x}", number);
}
std::optional<uint64_t> parse_spare_name(std::string_view name) {
  return parse_numbered(name, "spare-");
}

Bytes encode_segment_header(const SegmentHeader& header) {
  Bytes block(kSegmentHeaderBytes, '\0');
  char* p = block.data();
  put<uint64_t>(p, kSegmentMagic);
  put<uint32_t>(p + 8, kJournalVersion);
  put<uint32_t>(p + 12, kSegmentHeaderSize);
  put<uint64_t>(p + 16, header.cell.value);
  put<uint64_t>(p + 24, 0);  // cell incarnation, reserved
  put<uint32_t>(p + 32, 0);  // partition id, reserved
  put<uint8_t>(p + 36, header.replica.value);
  put<uint64_t>(p + 40, header.number);
  put<uint64_t>(p + 48, header.previous);
  put<uint64_t>(p + 56, header.first_sequence);
  put<uint64_t>(p + 64, header.segment_bytes);
  put<uint8_t>(p + 72, static_cast<uint8_t>(header.engine));  // and 15 reserved bytes
  put<uint64_t>(p + 88, xxh3_64(BytesView(p, kSegmentHeaderSize - 8)));
  std::memcpy(p + kSegmentHeaderCopyOffset, p, kSegmentHeaderSize);
  return block;
}

Result<std::optional<SegmentHeader>> decode_segment_header(BytesView copy) {
  if (copy.size() < kSegmentHeaderSize) return std::nullopt;
  const char* p = copy.data();
  if (get<uint64_t>(p) != kSegmentMagic) return std::nullopt;
  if (get<uint64_t>(p + 88) != xxh3_64(copy.substr(0, kSegmentHeaderSize - 8))) return std::nullopt;
  if (const auto version = get<uint32_t>(p + 8); version != kJournalVersion) {
    return fail(ErrorKind::unsupported,
                fmt::format("journal format version {}; this build knows version {}", version, kJournalVersion));
  }
  SegmentHeader header;
  header.cell = CellId(get<uint64_t>(p + 16));
  header.replica = ReplicaId(get<uint8_t>(p + 36));
  header.number = get<uint64_t>(p + 40);
  header.previous = get<uint64_t>(p + 48);
  header.first_sequence = get<uint64_t>(p + 56);
  header.segment_bytes = get<uint64_t>(p + 64);
  header.engine = engine_number(get<uint8_t>(p + 72));
  return header;
}

void TouchedRange::add(const TouchedRange& other) {
  const auto lower = [](Index a, Index b) { return a.value == 0 ? b : b.value == 0 ? a : std::min(a, b); };
  first = lower(first, other.first);
  last = std::max(last, other.last);
  truncated_from = lower(truncated_from, other.truncated_from);
}

uint64_t TouchedRange::positions_above(Index covered) const {
  if (first.value == 0 || last < first || last <= covered) return 0;
  return last - std::max(first.prev(), covered);
}

uint64_t BatchMark::end() const {
  return start + sectors * kSectorBytes;
}

std::array<char, kBatchMarkSize> encode_batch_mark(const BatchMark& mark, MarkRole role) {
  std::array<char, kBatchMarkSize> out{};
  char* p = out.data();
  put<uint32_t>(p, role == MarkRole::head ? kHeadMagic : kTailMagic);
  put<uint8_t>(p + 4, kJournalVersion);
  put<uint8_t>(p + 5, static_cast<uint8_t>(role));
  put<uint16_t>(p + 6, mark.recent_batches);
  put<uint64_t>(p + 8, mark.segment);
  put<uint64_t>(p + 16, mark.sequence);
  put<uint64_t>(p + 24, mark.start);
  put<uint64_t>(p + 32, mark.sectors);
  put<uint64_t>(p + 40, mark.records);
  put<uint64_t>(p + 48, mark.body_bytes);
  put<uint64_t>(p + 56, mark.hard_state.promised.round);
  put<uint64_t>(p + 64, mark.hard_state.joined.round);
  put<uint64_t>(p + 72, mark.hard_state.committed.value);
  put<uint8_t>(p + 80, mark.hard_state.promised.replica.value);
  put<uint8_t>(p + 81, mark.hard_state.joined.replica.value);
  put<uint64_t>(p + 88, mark.recent.first.value);
  put<uint64_t>(p + 96, mark.recent.last.value);
  put<uint64_t>(p + 104, mark.recent.truncated_from.value);
  put<uint64_t>(p + 112, mark.hard_state.owed.value);
  put<uint64_t>(p + 120, xxh3_64(BytesView(p, kBatchMarkSize - 8), mark.segment));
  return out;
}

std::optional<BatchMark> decode_batch_mark(BytesView bytes, MarkRole role, uint64_t segment) {
  if (bytes.size() < kBatchMarkSize) return std::nullopt;
  const char* p = bytes.data();
  if (get<uint32_t>(p) != (role == MarkRole::head ? kHeadMagic : kTailMagic)) return std::nullopt;
  if (get<uint64_t>(p + 120) != xxh3_64(bytes.substr(0, kBatchMarkSize - 8), segment)) return std::nullopt;
  BatchMark mark;
  mark.recent_batches = get<uint16_t>(p + 6);
  mark.segment = get<uint64_t>(p + 8);
  mark.sequence = get<uint64_t>(p + 16);
  mark.start = get<uint64_t>(p + 24);
  mark.sectors = get<uint64_t>(p + 32);
  mark.records = get<uint64_t>(p + 40);
  mark.body_bytes = get<uint64_t>(p + 48);
  mark.hard_state.promised = {get<uint64_t>(p + 56), ReplicaId(get<uint8_t>(p + 80))};
  mark.hard_state.joined = {get<uint64_t>(p + 64), ReplicaId(get<uint8_t>(p + 81))};
  mark.hard_state.committed = Index(get<uint64_t>(p + 72));
  mark.hard_state.owed = Index(get<uint64_t>(p + 112));
  mark.recent.first = Index(get<uint64_t>(p + 88));
  mark.recent.last = Index(get<uint64_t>(p + 96));
  mark.recent.truncated_from = Index(get<uint64_t>(p + 104));
  if (get<uint8_t>(p + 4) != kJournalVersion || mark.segment != segment) return std::nullopt;
  // The checksum held, so these hold too, unless the writer was wrong: never index memory by a number unchecked.
  const uint64_t room = mark.sectors > (uint64_t{1} << 40) ? 0 : mark.sectors * kSectorData;
  if (room < 2 * kBatchMarkSize || mark.start % kSectorBytes != 0) return std::nullopt;
  if (mark.body_bytes > room || mark.records > room / kRecordHeaderSize) return std::nullopt;
  if (2 * kBatchMarkSize + mark.body_bytes + mark.records * kRecordHeaderSize > room) return std::nullopt;
  return mark;
}

std::string_view to_string(RecordType type) {
  switch (type) {
    case RecordType::entry:
      return "entry";
    case RecordType::truncation:
      return "truncation";
  }
  return "unknown";
}

std::array<char, kRecordHeaderSize> encode_record_header(const RecordHeader& header, const RecordIdentity& identity) {
  std::array<char, kRecordHeaderSize> out{};
  char* p = out.data();
  put<uint32_t>(p, kRecordMagic);
  put<uint8_t>(p + 4, kJournalVersion);
  put<uint8_t>(p + 5, static_cast<uint8_t>(header.type));
  put<uint8_t>(p + 6, static_cast<uint8_t>(header.kind));
  put<uint8_t>(p + 7, header.ballot.replica.value);
  put<uint64_t>(p + 8, header.index.value);
  put<uint64_t>(p + 16, header.ballot.round);
  put<uint64_t>(p + 24, header.payload_bytes);
  put<uint64_t>(p + 32, header.payload_checksum);
  put<uint64_t>(p + 40, xxh3_64(BytesView(p, kRecordHeaderSize - 8), record_seed(identity)));
  return out;
}

std::optional<RecordHeader> decode_record_header(BytesView bytes, const RecordIdentity& identity) {
  if (bytes.size() < kRecordHeaderSize) return std::nullopt;
  const char* p = bytes.data();
  if (get<uint32_t>(p) != kRecordMagic || get<uint8_t>(p + 4) != kJournalVersion) return std::nullopt;
  if (get<uint64_t>(p + 40) != xxh3_64(bytes.substr(0, kRecordHeaderSize - 8), record_seed(identity))) {
    return std::nullopt;
  }
  RecordHeader header;
  header.type = static_cast<RecordType>(get<uint8_t>(p + 5));
  header.kind = static_cast<consensus::EntryKind>(get<uint8_t>(p + 6));
  header.ballot = {get<uint64_t>(p + 16), ReplicaId(get<uint8_t>(p + 7))};
  header.index = Index(get<uint64_t>(p + 8));
  header.payload_bytes = get<uint64_t>(p + 24);
  header.payload_checksum = get<uint64_t>(p + 32);
  if (header.type != RecordType::entry && header.type != RecordType::truncation) return std::nullopt;
  return header;
}

}  // namespace conclave::storage
