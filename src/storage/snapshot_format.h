// The structures of a snapshot file and their codecs: header, chunk header, footer, file names.
// docs/formats/snapshot.md gives every byte. Pure; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "storage/snapshot_store.h"

namespace conclave::storage {

inline constexpr uint32_t kSnapshotVersion = 1;
inline constexpr size_t kSnapshotHeaderSize = 128;
inline constexpr size_t kChunkHeaderSize = 48;
inline constexpr size_t kSnapshotFooterSize = 64;
inline constexpr uint64_t kChunkRawBytesMax = 64 << 20;  // what a reader is ready to allocate for one chunk

// --- file names, without the directory. The name holds the whole meta but for the cell.

std::string snapshot_name(const SnapshotMeta& meta);
// "<name>.partial": being written. "<name>.<size>.receiving": being received. "<name>.corrupt": put aside.
std::string partial_name(const SnapshotMeta& meta);
std::string receiving_name(const SnapshotMeta& meta, uint64_t size);
std::string corrupt_name(std::string_view name);

enum class SnapshotNameKind : uint8_t { complete, partial, receiving, corrupt };
struct SnapshotName {
  SnapshotNameKind kind = SnapshotNameKind::complete;
  SnapshotMeta meta;            // the cell is the one given
  uint64_t receiving_size = 0;  // of the whole file, if it is being received
};
std::optional<SnapshotName> parse_snapshot_name(std::string_view name, CellId cell);

// --- the file

std::array<char, kSnapshotHeaderSize> encode_snapshot_header(const SnapshotMeta& meta);
// nullopt: no valid header. An error: valid, but of a version that this build does not know.
Result<std::optional<SnapshotMeta>> decode_snapshot_header(BytesView bytes);
// Binds chunks and footer to the file they belong to: seeds their checksums. REQUIRES: a whole header.
uint64_t snapshot_key(BytesView header);

enum class ChunkEncoding : uint8_t { plain = 0, zstd = 1 };

struct ChunkHeader {
  ChunkEncoding encoding = ChunkEncoding::plain;
  uint64_t ordinal = 0;  // from 0
  uint64_t stored_bytes = 0;
  uint64_t raw_bytes = 0;
  uint64_t checksum = 0;  // of the stored bytes
};
std::array<char, kChunkHeaderSize> encode_chunk_header(const ChunkHeader& header, uint64_t key);
std::optional<ChunkHeader> decode_chunk_header(BytesView bytes, uint64_t key);

struct SnapshotFooter {
  uint64_t chunks = 0;
  uint64_t raw_bytes = 0;
  uint64_t file_bytes = 0;  // header and footer included
  uint64_t digest = 0;      // of all chunk headers, in order
};
std::array<char, kSnapshotFooterSize> encode_snapshot_footer(const SnapshotFooter& footer, uint64_t key);
std::optional<SnapshotFooter> decode_snapshot_footer(BytesView bytes, uint64_t key);

// The digest after one more chunk. Begin with the key of the file.
uint64_t extend_digest(uint64_t digest, BytesView chunk_header);

}  // namespace conclave::storage
