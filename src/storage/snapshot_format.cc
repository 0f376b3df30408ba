#include "storage/snapshot_format.h"

#include <charconv>
#include <cstring>
#include <fmt/format.h>
#include <vector>

#include "base/checksum.h"

namespace conclave::storage {
namespace {

constexpr uint64_t kHeaderMagic = 0x50414E53434E4F43;  // "CONCSNAP"
constexpr uint32_t kChunkMagic = 0x4B484343;           // "CCHK"
constexpr uint64_t kFooterMagic = 0x444E4553434E4F43;  // "CONCSEND"
constexpr std::string_view kPrefix = "snapshot-";
constexpr std::string_view kPartial = ".partial";
constexpr std::string_view kReceiving = ".receiving";
constexpr std::string_view kCorrupt = ".corrupt";

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

// Takes `digits` hexadecimal digits off the front.
std::optional<uint64_t> take_hex(std::string_view* in, size_t digits) {
  if (in->size() < digits) return std::nullopt;
  uint64_t value = 0;
  const char* end = in->data() + digits;
  const auto [stop, error] = std::from_chars(in->data(), end, value, 16);
  if (error != std::errc() || stop != end) return std::nullopt;
  in->remove_prefix(digits);
  return value;
}

bool take(std::string_view* in, std::string_view word) {
  if (!in->starts_with(word)) return false;
  in->remove_prefix(word.size());
  return true;
}

}  // namespace

std::string snapshot_name(const SnapshotMeta& meta) {
  return fmt::format("{}{:016x}-{:016x}-{:02x}-{:016x}-{:016x}", kPrefix, meta.index.value, meta.ballot.round,
                     meta.ballot.replica.value, meta.zxid.value, static_cast<uint64_t>(meta.taken_ms));
}

std::string partial_name(const SnapshotMeta& meta) {
  return snapshot_name(meta) + std::string(kPartial);
}

std::string receiving_name(const SnapshotMeta& meta, uint64_t size) {
  return fmt::format("{}.{:016x}{}", snapshot_name(meta), size, kReceiving);
}

std::string corrupt_name(std::string_view name) {
  return std::string(name) + std::string(kCorrupt);
}

std::optional<SnapshotName> parse_snapshot_name(std::string_view name, CellId cell) {
  SnapshotName out;
  out.meta.cell = cell;
  if (!take(&name, kPrefix)) return std::nullopt;
  std::vector<uint64_t> numbers;
  for (const size_t digits : {size_t{16}, size_t{16}, size_t{2}, size_t{16}, size_t{16}}) {
    if (!numbers.empty() && !take(&name, "-")) return std::nullopt;
    const auto number = take_hex(&name, digits);
    if (!number) return std::nullopt;
    numbers.push_back(*number);
  }
  out.meta.index = Index(numbers[0]);
  out.meta.ballot = {numbers[1], ReplicaId(static_cast<uint8_t>(numbers[2]))};
  out.meta.zxid = Zxid(numbers[3]);
  out.meta.taken_ms = static_cast<int64_t>(numbers[4]);
  if (name.empty()) return out;
  if (name == kPartial) {
    out.kind = SnapshotNameKind::partial;
    return out;
  }
  if (name == kCorrupt) {
    out.kind = SnapshotNameKind::corrupt;
    return out;
  }
  if (!take(&name, ".")) return std::nullopt;
  const auto size = take_hex(&name, 16);
  if (!size || name != kReceiving) return std::nullopt;
  out.kind = SnapshotNameKind::receiving;
  out.receiving_size = *size;
  return out;
}

std::array<char, kSnapshotHeaderSize> encode_snapshot_header(const SnapshotMeta& meta) {
  std::array<char, kSnapshotHeaderSize> out{};
  char* p = out.data();
  put<uint64_t>(p, kHeaderMagic);
  put<uint32_t>(p + 8, kSnapshotVersion);
  put<uint32_t>(p + 12, kSnapshotHeaderSize);
  put<uint64_t>(p + 16, meta.cell.value);
  put<uint64_t>(p + 24, 0);  // cell incarnation, reserved
  put<uint32_t>(p + 32, 0);  // partition id, reserved
  put<uint8_t>(p + 36, meta.ballot.replica.value);
  put<uint64_t>(p + 40, meta.index.value);
  put<uint64_t>(p + 48, meta.ballot.round);
  put<uint64_t>(p + 56, meta.zxid.value);
  put<int64_t>(p + 64, meta.taken_ms);
  put<uint64_t>(p + 120, xxh3_64(BytesView(p, kSnapshotHeaderSize - 8)));
  return out;
}

Result<std::optional<SnapshotMeta>> decode_snapshot_header(BytesView bytes) {
  if (bytes.size() < kSnapshotHeaderSize) return std::nullopt;
  const char* p = bytes.data();
  if (get<uint64_t>(p) != kHeaderMagic) return std::nullopt;
  if (get<uint64_t>(p + 120) != xxh3_64(bytes.substr(0, kSnapshotHeaderSize - 8))) return std::nullopt;
  if (const auto version = get<uint32_t>(p + 8); version != kSnapshotVersion) {
    return fail(ErrorKind::unsupported,
                fmt::format("snapshot format version {}; this build knows version {}", version, kSnapshotVersion));
  }
  SnapshotMeta meta;
  meta.cell = CellId(get<uint64_t>(p + 16));
  meta.ballot = {get<uint64_t>(p + 48), ReplicaId(get<uint8_t>(p + 36))};
  meta.index = Index(get<uint64_t>(p + 40));
  meta.zxid = Zxid(get<uint64_t>(p + 56));
  meta.taken_ms = get<int64_t>(p + 64);
  return meta;
}

uint64_t snapshot_key(BytesView header) {
  return get<uint64_t>(header.data() + 120);
}

std::array<char, kChunkHeaderSize> encode_chunk_header(const ChunkHeader& header, uint64_t key) {
  std::array<char, kChunkHeaderSize> out{};
  char* p = out.data();
  put<uint32_t>(p, kChunkMagic);
  put<uint8_t>(p + 4, static_cast<uint8_t>(header.encoding));
  put<uint64_t>(p + 8, header.ordinal);
  put<uint64_t>(p + 16, header.stored_bytes);
  put<uint64_t>(p + 24, header.raw_bytes);
  put<uint64_t>(p + 32, header.checksum);
  put<uint64_t>(p + 40, xxh3_64(BytesView(p, kChunkHeaderSize - 8), key));
  return out;
}

std::optional<ChunkHeader> decode_chunk_header(BytesView bytes, uint64_t key) {
  if (bytes.size() < kChunkHeaderSize) return std::nullopt;
  const char* p = bytes.data();
  if (get<uint32_t>(p) != kChunkMagic) return std::nullopt;
  if (get<uint64_t>(p + 40) != xxh3_64(bytes.substr(0, kChunkHeaderSize - 8), key)) return std::nullopt;
  ChunkHeader header;
  header.encoding = static_cast<ChunkEncoding>(get<uint8_t>(p + 4));
  header.ordinal = get<uint64_t>(p + 8);
  header.stored_bytes = get<uint64_t>(p + 16);
  header.raw_bytes = get<uint64_t>(p + 24);
  header.checksum = get<uint64_t>(p + 32);
  if (header.encoding != ChunkEncoding::plain && header.encoding != ChunkEncoding::zstd) return std::nullopt;
  if (header.raw_bytes > kChunkRawBytesMax) return std::nullopt;
  return header;
}

std::array<char, kSnapshotFooterSize> encode_snapshot_footer(const SnapshotFooter& footer, uint64_t key) {
  std::array<char, kSnapshotFooterSize> out{};
  char* p = out.data();
  put<uint64_t>(p, kFooterMagic);
  put<uint64_t>(p + 8, footer.chunks);
  put<uint64_t>(p + 16, footer.raw_bytes);
  put<uint64_t>(p + 24, footer.file_bytes);
  put<uint64_t>(p + 32, footer.digest);
  put<uint64_t>(p + 56, xxh3_64(BytesView(p, kSnapshotFooterSize - 8), key));
  return out;
}

std::optional<SnapshotFooter> decode_snapshot_footer(BytesView bytes, uint64_t key) {
  if (bytes.size() < kSnapshotFooterSize) return std::nullopt;
  const char* p = bytes.data();
  if (get<uint64_t>(p) != kFooterMagic) return std::nullopt;
  if (get<uint64_t>(p + 56) != xxh3_64(bytes.substr(0, kSnapshotFooterSize - 8), key)) return std::nullopt;
  return SnapshotFooter{.chunks = get<uint64_t>(p + 8),
                        .raw_bytes = get<uint64_t>(p + 16),
                        .file_bytes = get<uint64_t>(p + 24),
                        .digest = get<uint64_t>(p + 32)};
}

uint64_t extend_digest(uint64_t digest, BytesView chunk_header) {
  return xxh3_64(chunk_header, digest);
}

}  // namespace conclave::storage
