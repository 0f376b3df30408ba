#include "storage/batch.h"

#include <algorithm>

#include "base/checksum.h"

namespace conclave::storage {
namespace {

BytesView view(const auto& array) {
  return BytesView(array.data(), array.size());
}

}  // namespace

Batch::Batch() {
  out_.pad_to(kBatchMarkSize);
}

void Batch::add(const consensus::Persist& persist) {
  if (persist.hard_state) set_hard_state(*persist.hard_state);
  if (persist.truncate_from) add_truncation(*persist.truncate_from);
  for (const consensus::Entry& entry : persist.entries) add_entry(entry);
}

void Batch::add_truncation(Index from) {
  add_record({.type = RecordType::truncation, .index = from, .payload_checksum = xxh3_64({})}, {});
  touched_.add({.truncated_from = from});
}

void Batch::add_entry(const consensus::Entry& entry) {
  const BytesView payload = entry.payload.view();
  add_record({.type = RecordType::entry,
              .kind = entry.kind,
              .index = entry.index,
              .ballot = entry.ballot,
              .payload_bytes = payload.size(),
              .payload_checksum = xxh3_64(payload)},
             payload);
  touched_.add({.first = entry.index, .last = entry.index});
}

void Batch::add_record(RecordHeader header, BytesView payload) {
  directory_.push_back(header);
  out_.pad_to(out_.logical_size() + kRecordHeaderSize);  // filled in by seal()
  out_.append(payload);
}

uint64_t Batch::sectors() const {
  const uint64_t logical = out_.logical_size() + directory_.size() * kRecordHeaderSize + kBatchMarkSize;
  return (logical + kSectorData - 1) / kSectorData;
}

uint64_t Batch::bytes_bound(const consensus::Persist& persist) {
  uint64_t logical = persist.truncate_from ? 2 * kRecordHeaderSize : 0;
  for (const consensus::Entry& entry : persist.entries) logical += 2 * kRecordHeaderSize + entry.payload.size();
  return (logical / kSectorData + 1) * kSectorBytes;
}

void Batch::seal(const Place& place) {
  BatchMark mark;
  mark.segment = place.segment;
  mark.sequence = place.sequence;
  mark.start = place.start;
  mark.sectors = sectors();
  mark.records = directory_.size();
  mark.body_bytes = out_.logical_size() - kBatchMarkSize;
  mark.hard_state = place.hard_state;
  mark.recent_batches = place.recent_batches;
  mark.recent = place.recent;

  uint64_t position = kBatchMarkSize;
  const uint64_t records = directory_.size();
  for (uint64_t i = 0; i < records; ++i) {
    const RecordHeader& header = directory_[static_cast<size_t>(i)];
    const auto encoded = encode_record_header(header, {place.segment, place.sequence, i});
    out_.overwrite(position, view(encoded));
    out_.append(view(encoded));
    position += kRecordHeaderSize + header.payload_bytes;
  }
  out_.overwrite(0, view(encode_batch_mark(mark, MarkRole::head)));
  out_.pad_to(mark.sectors * kSectorData - kBatchMarkSize);
  out_.append(view(encode_batch_mark(mark, MarkRole::tail)));
  out_.stamp(place.segment, place.sequence, place.start / kSectorBytes);
}

void Batch::clear() {
  out_.clear();
  out_.pad_to(kBatchMarkSize);
  directory_.clear();
  hard_state_.reset();
  touched_ = {};
}

}  // namespace conclave::storage
