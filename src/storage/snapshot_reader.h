// Reads a snapshot file from end to end and checks every byte of it. Used by load, verification after reception, purge
// and the inspection commands. Never writes. Blocking; any one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/result.h"
#include "env/files.h"
#include "storage/snapshot_format.h"

namespace conclave::storage {

struct SnapshotChunkSeen {
  uint64_t ordinal = 0;
  uint64_t offset = 0;  // file offset of the chunk header
  uint64_t stored_bytes = 0;
  uint64_t raw_bytes = 0;
  bool compressed = false;
  bool checksum_ok = false;
  BytesView data;  // uncompressed; empty unless checksum_ok. Valid during the call.
};

struct SnapshotTotals {
  SnapshotMeta meta;
  uint64_t chunks = 0;
  uint64_t raw_bytes = 0;
  uint64_t file_bytes = 0;
  uint64_t digest = 0;
};

// The header alone. Errors: corrupt, unsupported, io.
Result<SnapshotMeta> read_snapshot_meta(env::Files& files, const std::string& path);

// At a chunk whose bytes fail their checksum: stop, or show it (checksum_ok = false) and go on to the next. Either way
// the result is an error.
enum class AtBadChunk : uint8_t { stop, go_on };

// Calls `on_chunk` for every chunk in order; its error ends the reading and is given back as it is.
// Errors: corrupt (names file and offset), unsupported, io.
Result<SnapshotTotals> read_snapshot(env::Files& files, const std::string& path, AtBadChunk at_bad_chunk,
                                     const std::function<Result<>(const SnapshotChunkSeen&)>& on_chunk);

}  // namespace conclave::storage
