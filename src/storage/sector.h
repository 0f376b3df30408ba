// Stamped sectors, the physical layer of the journal. A batch is a run of 512-byte sectors; each carries 504 bytes of
// the batch and an 8-byte stamp that says which batch of which segment it was written for.
//
// The stamp is what tells a torn write from damage (CTRL, FAST'18). A disk writes a sector whole or not at all, so
// after a crash a sector holds either its new bytes with the right stamp or something older without it, zeroes or the
// bytes of a recycled segment. A sector with the right stamp whose bytes fail their checksum was written and rotted
// later. One flipped bit cannot make a stamp look foreign: a stamp one bit away from the right one still counts as
// right.
//
// Pure; any thread.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace conclave::storage {

inline constexpr uint64_t kSectorBytes = 512;
inline constexpr uint64_t kSectorData = kSectorBytes - sizeof(uint64_t);

// The stamp of sector number `sector` (file offset / 512), written for batch `sequence` of segment `segment`.
uint64_t sector_stamp(uint64_t segment, uint64_t sequence, uint64_t sector);

// True if a sector that should carry `expected` was written for it: equal up to one flipped bit.
bool stamp_matches(uint64_t expected, uint64_t found);

// The stamp found in a sector. REQUIRES: sector.size() == kSectorBytes.
uint64_t stamp_of(BytesView sector);

// Lays logical bytes out over sectors, leaving room for the stamps.
class SectorWriter {
 public:
  void append(BytesView bytes);
  // Replaces bytes appended before. REQUIRES: position + bytes.size() <= logical_size().
  void overwrite(uint64_t position, BytesView bytes);
  void pad_to(uint64_t logical_size);  // with zeroes
  // Stamps every sector. REQUIRES: logical_size() is a multiple of kSectorData.
  void stamp(uint64_t segment, uint64_t sequence, uint64_t first_sector);
  void clear();

  uint64_t logical_size() const { return logical_size_; }
  BytesView physical() const { return bytes_; }
  size_t capacity() const { return bytes_.capacity(); }

 private:
  Bytes bytes_;
  uint64_t logical_size_ = 0;
};

// Sectors read back: their data joined, and how many were not written for this batch.
struct UnpackedSectors {
  Bytes data;
  uint64_t foreign = 0;        // sectors without the stamp
  uint64_t first_foreign = 0;  // number of the first of them, counted from the start of the run
  uint64_t flipped = 0;        // stamps one bit off
};

// Joins the data of whole sectors that begin at sector number `first_sector` of the file.
UnpackedSectors unpack_sectors(BytesView sectors, uint64_t segment, uint64_t sequence, uint64_t first_sector);

}  // namespace conclave::storage
