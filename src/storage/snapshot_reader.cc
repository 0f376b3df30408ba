#include "storage/snapshot_reader.h"

#include <algorithm>
#include <fmt/format.h>
#include <optional>
#include <utility>
#include <zstd.h>

#include "base/checksum.h"

namespace conclave::storage {
namespace {

constexpr uint64_t kReadAheadBytes = 1 << 20;

class Reader {
 public:
  Reader(std::unique_ptr<env::File> file, std::string path, uint64_t size)
      : file_(std::move(file)), path_(std::move(path)), size_(size) {}

  static Result<Reader> open(env::Files& files, const std::string& path) {
    auto file = files.open(path, env::Files::Open::read_only);
    if (!file) return std::unexpected(file.error());
    const auto size = (*file)->size();
    if (!size) return std::unexpected(size.error());
    return Reader(std::move(*file), path, *size);
  }

  Result<SnapshotMeta> header() {
    const auto bytes = read(0, kSnapshotHeaderSize);
    if (!bytes) return std::unexpected(bytes.error());
    auto meta = decode_snapshot_header(*bytes);
    if (!meta) return std::unexpected(Error{meta.error().kind, path_ + ": " + meta.error().message});
    if (!*meta) return corrupt(0, "no valid snapshot header");
    key_ = snapshot_key(*bytes);
    digest_ = key_;
    offset_ = kSnapshotHeaderSize;
    return **meta;
  }

  // The next chunk header; nullopt if the footer stands here.
  Result<std::optional<ChunkHeader>> next() {
    const auto bytes = read(offset_, std::max(kChunkHeaderSize, kSnapshotFooterSize));
    if (!bytes) return std::unexpected(bytes.error());
    const auto chunk = decode_chunk_header(*bytes, key_);
    if (!chunk) {
      const auto footer = decode_snapshot_footer(*bytes, key_);
      if (!footer) return corrupt(offset_, "neither a valid chunk nor a valid footer");
      if (auto ok = check(*footer); !ok) return std::unexpected(ok.error());
      return std::nullopt;
    }
    if (chunk->ordinal != chunks_) {
      return corrupt(offset_, fmt::format("chunk {} where chunk {} belongs", chunk->ordinal, chunks_));
    }
    digest_ = extend_digest(digest_, bytes->substr(0, kChunkHeaderSize));
    return chunk;
  }

  // The raw bytes of the chunk whose header next() gave. Valid until the next call.
  Result<BytesView> data(const ChunkHeader& chunk) {
    const uint64_t at = offset_;
    ++chunks_;
    raw_bytes_ += chunk.raw_bytes;
    const uint64_t from = offset_ + kChunkHeaderSize;
    offset_ = from + chunk.stored_bytes;
    if (chunk.stored_bytes > size_ - std::min(size_, from)) return corrupt(at, "the file ends within this chunk");
    auto stored = read(from, chunk.stored_bytes);
    if (!stored) return std::unexpected(stored.error());
    if (xxh3_64(*stored, key_) != chunk.checksum) return corrupt(at, "the bytes of this chunk fail their checksum");
    if (chunk.encoding == ChunkEncoding::plain) {
      if (chunk.stored_bytes != chunk.raw_bytes) return corrupt(at, "the lengths of this chunk contradict each other");
      return *stored;
    }
    raw_.resize(static_cast<size_t>(chunk.raw_bytes));
    const size_t got = ZSTD_decompress(raw_.data(), raw_.size(), stored->data(), stored->size());
    if (ZSTD_isError(got) || got != raw_.size()) return corrupt(at, "this chunk cannot be decompressed");
    return BytesView(raw_);
  }

  bool cut() const { return offset_ > size_; }
  uint64_t offset() const { return offset_; }
  SnapshotTotals totals(const SnapshotMeta& meta) const {
    return {.meta = meta, .chunks = chunks_, .raw_bytes = raw_bytes_, .file_bytes = size_, .digest = digest_};
  }

 private:
  std::unexpected<Error> corrupt(uint64_t offset, std::string_view what) const {
    return fail(ErrorKind::corrupt, fmt::format("{}: offset {}: {}", path_, offset, what));
  }

  Result<> check(const SnapshotFooter& footer) const {
    if (footer.chunks != chunks_ || footer.raw_bytes != raw_bytes_ || footer.digest != digest_) {
      return corrupt(offset_, "the footer does not describe the chunks before it");
    }
    if (footer.file_bytes != size_ || offset_ + kSnapshotFooterSize != size_) {
      return corrupt(offset_, fmt::format("the file has {} bytes, its footer says {}", size_, footer.file_bytes));
    }
    return {};
  }

  Result<BytesView> read(uint64_t offset, uint64_t size) {
    if (offset >= size_) return BytesView();
    size = std::min(size, size_ - offset);
    if (offset < window_start_ || offset + size > window_start_ + window_.size()) {
      auto bytes = file_->read_at(offset, static_cast<size_t>(std::max(size, kReadAheadBytes)));
      if (!bytes) return std::unexpected(bytes.error());
      window_ = std::move(*bytes);
      window_start_ = offset;
    }
    return BytesView(window_).substr(static_cast<size_t>(offset - window_start_), static_cast<size_t>(size));
  }

  std::unique_ptr<env::File> file_;
  std::string path_;
  uint64_t size_;
  uint64_t window_start_ = 0;
  Bytes window_;
  Bytes raw_;
  uint64_t key_ = 0;
  uint64_t offset_ = 0;
  uint64_t chunks_ = 0;
  uint64_t raw_bytes_ = 0;
  uint64_t digest_ = 0;
};

}  // namespace

Result<SnapshotMeta> read_snapshot_meta(env::Files& files, const std::string& path) {
  auto reader = Reader::open(files, path);
  if (!reader) return std::unexpected(reader.error());
  return reader->header();
}

Result<SnapshotTotals> read_snapshot(env::Files& files, const std::string& path, AtBadChunk at_bad_chunk,
                                     const std::function<Result<>(const SnapshotChunkSeen&)>& on_chunk) {
  auto reader = Reader::open(files, path);
  if (!reader) return std::unexpected(reader.error());
  const auto meta = reader->header();
  if (!meta) return std::unexpected(meta.error());
  std::optional<Error> first_bad;
  while (true) {
    const uint64_t at = reader->offset();
    const auto chunk = reader->next();
    if (!chunk) return std::unexpected(first_bad.value_or(chunk.error()));
    if (!*chunk) break;
    const auto data = reader->data(**chunk);
    if (!data) {
      if (data.error().kind != ErrorKind::corrupt || at_bad_chunk == AtBadChunk::stop || reader->cut()) {
        return std::unexpected(first_bad.value_or(data.error()));
      }
      if (!first_bad) first_bad = data.error();
    }
    auto ok = on_chunk({.ordinal = (*chunk)->ordinal,
                        .offset = at,
                        .stored_bytes = (*chunk)->stored_bytes,
                        .raw_bytes = (*chunk)->raw_bytes,
                        .compressed = (*chunk)->encoding == ChunkEncoding::zstd,
                        .checksum_ok = data.has_value(),
                        .data = data.value_or(BytesView())});
    if (!ok) return std::unexpected(ok.error());
  }
  if (first_bad) return std::unexpected(*first_bad);
  return reader->totals(*meta);
}

}  // namespace conclave::storage
