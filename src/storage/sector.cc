#include "storage/sector.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/assert.h"

namespace conclave::storage {
namespace {

uint64_t mix(uint64_t z) {  // finalizer of splitmix64
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
  return z ^ (z >> 31);
}

uint64_t batch_key(uint64_t segment, uint64_t sequence) {
  return mix(segment * 0x9E3779B97F4A7C15 + 1) ^ mix(sequence * 0xD1B54A32D192ED03 + 2);
}

uint64_t stamp_for(uint64_t key, uint64_t sector) {
  return mix(key + sector * 0x9E3779B97F4A7C15);
}

size_t physical_position(uint64_t logical) {
  return static_cast<size_t>(logical / kSectorData * kSectorBytes + logical % kSectorData);
}

}  // namespace

uint64_t sector_stamp(uint64_t segment, uint64_t sequence, uint64_t sector) {
  return stamp_for(batch_key(segment, sequence), sector);
}

bool stamp_matches(uint64_t expected, uint64_t found) {
  return std::popcount(expected ^ found) <= 1;
}

uint64_t stamp_of(BytesView sector) {
  CONCLAVE_ASSERT(sector.size() == kSectorBytes);
  uint64_t stamp = 0;
  std::memcpy(&stamp, sector.data() + kSectorData, sizeof(stamp));
  return stamp;
}

void SectorWriter::append(BytesView bytes) {
  while (!bytes.empty()) {
    const uint64_t room = kSectorData - logical_size_ % kSectorData;
    const BytesView piece = bytes.substr(0, static_cast<size_t>(room));
    bytes_.append(piece);
    bytes.remove_prefix(piece.size());
    logical_size_ += piece.size();
    if (logical_size_ % kSectorData == 0) bytes_.append(sizeof(uint64_t), '\0');
  }
}

void SectorWriter::overwrite(uint64_t position, BytesView bytes) {
  CONCLAVE_ASSERT(position + bytes.size() <= logical_size_);
  while (!bytes.empty()) {
    const uint64_t room = kSectorData - position % kSectorData;
    const BytesView piece = bytes.substr(0, static_cast<size_t>(room));
    std::memcpy(bytes_.data() + physical_position(position), piece.data(), piece.size());
    bytes.remove_prefix(piece.size());
    position += piece.size();
  }
}

void SectorWriter::pad_to(uint64_t logical_size) {
  static constexpr char kZeroes[kSectorData] = {};
  CONCLAVE_ASSERT(logical_size >= logical_size_);
  while (logical_size_ < logical_size) {
    append(BytesView(kZeroes, static_cast<size_t>(std::min<uint64_t>(kSectorData, logical_size - logical_size_))));
  }
}

void SectorWriter::stamp(uint64_t segment, uint64_t sequence, uint64_t first_sector) {
  CONCLAVE_ASSERT(logical_size_ % kSectorData == 0);
  const uint64_t key = batch_key(segment, sequence);
  for (uint64_t i = 0; i < bytes_.size() / kSectorBytes; ++i) {
    const uint64_t value = stamp_for(key, first_sector + i);
    std::memcpy(bytes_.data() + i * kSectorBytes + kSectorData, &value, sizeof(value));
  }
}

void SectorWriter::clear() {
  bytes_.clear();
  logical_size_ = 0;
}

UnpackedSectors unpack_sectors(BytesView sectors, uint64_t segment, uint64_t sequence, uint64_t first_sector) {
  CONCLAVE_ASSERT(sectors.size() % kSectorBytes == 0);
  UnpackedSectors out;
  const uint64_t count = sectors.size() / kSectorBytes;
  const uint64_t key = batch_key(segment, sequence);
  out.data.reserve(static_cast<size_t>(count * kSectorData));
  for (uint64_t i = 0; i < count; ++i) {
    const BytesView sector = sectors.substr(static_cast<size_t>(i * kSectorBytes), kSectorBytes);
    out.data.append(sector.substr(0, kSectorData));
    const uint64_t expected = stamp_for(key, first_sector + i);
    const uint64_t found = stamp_of(sector);
    if (expected == found) continue;
    if (stamp_matches(expected, found)) {
      ++out.flipped;
    } else if (out.foreign++ == 0) {
      out.first_foreign = i;
    }
  }
  return out;
}

}  // namespace conclave::storage
