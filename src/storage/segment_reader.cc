#include "storage/segment_reader.h"

#include <algorithm>
#include <utility>

#include "base/checksum.h"

namespace conclave::storage {
namespace {

constexpr uint64_t kWindowBytes = 1 << 20;

uint64_t file_offset(const BatchMark& mark, uint64_t logical) {
  return mark.start + logical / kSectorData * kSectorBytes + logical % kSectorData;
}

}  // namespace

std::vector<RecordSeen> BatchImage::records() const {
  std::vector<RecordSeen> out;
  out.reserve(static_cast<size_t>(mark.records));
  const BytesView data = sectors.data;
  const uint64_t directory = kBatchMarkSize + mark.body_bytes;
  const auto at = [&](uint64_t position, uint64_t size) {
    return position <= data.size() ? data.substr(static_cast<size_t>(position), static_cast<size_t>(size))
                                   : BytesView();
  };
  uint64_t position = kBatchMarkSize;  // of the next record
  bool located = true;                 // false once a length is unknown
  for (uint64_t i = 0; i < mark.records; ++i) {
    const RecordIdentity identity{mark.segment, mark.sequence, i};
    RecordSeen record{.ordinal = i};
    const auto copy = decode_record_header(at(directory + i * kRecordHeaderSize, kRecordHeaderSize), identity);
    record.directory_copy_ok = copy.has_value();
    record.header = copy;
    record.offset = file_offset(mark, located ? position : directory + i * kRecordHeaderSize);
    if (located) {
      const auto first = decode_record_header(at(position, kRecordHeaderSize), identity);
      record.head_copy_ok = first.has_value();
      if (first) record.header = first;
    }
    if (located && record.header && record.header->payload_bytes <= directory - std::min(directory, position)) {
      const uint64_t payload_at = position + kRecordHeaderSize;
      const uint64_t size = record.header->payload_bytes;
      const BytesView payload = payload_at + size <= directory ? at(payload_at, size) : BytesView();
      record.payload_ok = payload.size() == size && xxh3_64(payload) == record.header->payload_checksum;
      if (record.payload_ok) record.payload = payload;
      position = payload_at + size;
    } else {
      located = false;
    }
    out.push_back(record);
  }
  return out;
}

Result<SegmentReader> SegmentReader::open(env::Files& files, const std::string& path, uint64_t number) {
  auto file = files.open(path, env::Files::Open::read_only);
  if (!file) return std::unexpected(file.error());
  const auto size = (*file)->size();
  if (!size) return std::unexpected(size.error());
  return SegmentReader(std::move(*file), path, number, *size);
}

Result<BytesView> SegmentReader::read(uint64_t offset, uint64_t size) {
  if (offset >= size_) return BytesView();
  size = std::min(size, size_ - offset);
  if (offset < window_start_ || offset + size > window_start_ + window_.size()) {
    auto bytes = file_->read_at(offset, static_cast<size_t>(std::max(size, kWindowBytes)));
    if (!bytes) return std::unexpected(bytes.error());
    window_ = std::move(*bytes);
    window_start_ = offset;
  }
  return BytesView(window_).substr(static_cast<size_t>(offset - window_start_), static_cast<size_t>(size));
}

Result<SegmentReader::Header> SegmentReader::header() {
  const auto block = file_->read_at(0, kSegmentHeaderBytes);
  if (!block) return std::unexpected(block.error());
  Header out;
  for (const uint64_t offset : {uint64_t{0}, kSegmentHeaderCopyOffset}) {
    if (offset >= block->size()) break;
    auto copy = decode_segment_header(BytesView(*block).substr(static_cast<size_t>(offset), kSegmentHeaderSize));
    if (!copy) return std::unexpected(Error{copy.error().kind, path_ + ": " + copy.error().message});
    // A recycled segment still carries the header of its former life.
    if (!*copy || (*copy)->number != number_) continue;
    if (!out.header) out.header = **copy;
    ++out.copies_ok;
  }
  return out;
}

std::optional<BatchMark> SegmentReader::head_in(BytesView sector, uint64_t offset) const {
  const auto mark = decode_batch_mark(sector.substr(0, kBatchMarkSize), MarkRole::head, number_);
  if (!mark || mark->start != offset) return std::nullopt;
  if (!stamp_matches(sector_stamp(number_, mark->sequence, offset / kSectorBytes), stamp_of(sector)))
    return std::nullopt;
  return mark;
}

std::optional<BatchMark> SegmentReader::tail_in(BytesView sector, uint64_t offset) const {
  const auto mark =
      decode_batch_mark(sector.substr(kSectorData - kBatchMarkSize, kBatchMarkSize), MarkRole::tail, number_);
  if (!mark || mark->start < kSegmentHeaderBytes || mark->end() != offset + kSectorBytes) return std::nullopt;
  if (!stamp_matches(sector_stamp(number_, mark->sequence, offset / kSectorBytes), stamp_of(sector)))
    return std::nullopt;
  return mark;
}

Result<std::optional<BatchMark>> SegmentReader::head_at(uint64_t offset) {
  const auto sector = read(offset, kSectorBytes);
  if (!sector) return std::unexpected(sector.error());
  if (sector->size() < kSectorBytes) return std::nullopt;
  return head_in(*sector, offset);
}

Result<std::optional<BatchMark>> SegmentReader::find(uint64_t offset, uint64_t sequence_min) {
  for (; offset + kSectorBytes <= size_; offset += kSectorBytes) {
    const auto sector = read(offset, kSectorBytes);
    if (!sector) return std::unexpected(sector.error());
    if (sector->size() < kSectorBytes) break;
    auto mark = head_in(*sector, offset);
    if (!mark) mark = tail_in(*sector, offset);
    if (mark && mark->sequence >= sequence_min) return mark;
  }
  return std::nullopt;
}

Result<BatchImage> SegmentReader::load(const BatchMark& mark) {
  const auto bytes = read(mark.start, mark.sectors * kSectorBytes);
  if (!bytes) return std::unexpected(bytes.error());
  const uint64_t whole = bytes->size() / kSectorBytes;
  BatchImage image;
  image.mark = mark;
  image.sectors = unpack_sectors(bytes->substr(0, static_cast<size_t>(whole * kSectorBytes)), mark.segment,
                                 mark.sequence, mark.start / kSectorBytes);
  if (whole < mark.sectors) {  // the file was cut
    if (image.sectors.foreign == 0) image.sectors.first_foreign = whole;
    image.sectors.foreign += mark.sectors - whole;
  } else {
    const BytesView last = bytes->substr(static_cast<size_t>((whole - 1) * kSectorBytes), kSectorBytes);
    image.tail_ok = tail_in(last, mark.end() - kSectorBytes).has_value();
  }
  if (whole > 0) image.head_ok = head_in(bytes->substr(0, kSectorBytes), mark.start).has_value();
  return image;
}

Result<bool> SegmentReader::written_for(uint64_t offset, uint64_t sequence) {
  const auto sector = read(offset, kSectorBytes);
  if (!sector) return std::unexpected(sector.error());
  if (sector->size() < kSectorBytes) return false;
  return stamp_matches(sector_stamp(number_, sequence, offset / kSectorBytes), stamp_of(*sector));
}

}  // namespace conclave::storage
