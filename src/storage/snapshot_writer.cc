// Writes a snapshot: compress, checksum, write, and in the end sync, rename, sync the directory.

#include <algorithm>
#include <fmt/format.h>
#include <memory>
#include <optional>
#include <utility>
#include <zstd.h>

#include "base/checksum.h"
#include "storage/snapshot_format.h"
#include "storage/snapshot_state.h"

namespace conclave::storage {
namespace {

constexpr uint64_t kChunkBytes = 4 << 20;  // longer chunks given are cut
constexpr int kCompressionLevel = 1;       // the disk is rarely the limit, the processor is

// The worker's half. After the first error the partial file is gone and every call fails alike.
class SnapshotOutput {
 public:
  SnapshotOutput(env::Files& files, env::Faults& faults, std::string directory, const SnapshotMeta& meta)
      : files_(files),
        faults_(faults),
        directory_(std::move(directory)),
        meta_(meta),
        partial_(directory_ + "/" + partial_name(meta)),
        context_(ZSTD_createCCtx(), &ZSTD_freeCCtx) {}

  Result<> append(BytesView chunk) {
    return guarded([&]() -> Result<> {
      if (auto ok = open(); !ok) return ok;
      for (; !chunk.empty(); chunk.remove_prefix(std::min<size_t>(chunk.size(), kChunkBytes))) {
        if (auto ok = write_chunk(chunk.substr(0, kChunkBytes)); !ok) return ok;
      }
      return {};
    });
  }

  Result<SnapshotFile> commit() {
    const std::string name = snapshot_name(meta_);
    auto ok = guarded([&]() -> Result<> {
      if (auto opened = open(); !opened) return opened;
      const SnapshotFooter footer{
          .chunks = chunks_, .raw_bytes = raw_bytes_, .file_bytes = offset_ + kSnapshotFooterSize, .digest = digest_};
      const auto encoded = encode_snapshot_footer(footer, key_);
      if (auto wrote = write(BytesView(encoded.data(), encoded.size())); !wrote) return wrote;
      if (auto synced = sync(); !synced) return synced;
      file_.reset();
      if (auto renamed = files_.rename(partial_, directory_ + "/" + name); !renamed) return renamed;
      return files_.sync_directory(directory_);
    });
    if (!ok) return std::unexpected(ok.error());
    closed_ = true;
    return SnapshotFile{.meta = meta_, .name = name, .size = offset_};
  }

  void abandon() {
    if (closed_ || failure_) return;
    closed_ = true;
    if (!file_) return;
    file_.reset();
    (void)files_.remove(partial_);  // open() of the store removes what is left over
  }

 private:
  Result<> guarded(auto step) {
    if (failure_) return std::unexpected(*failure_);
    if (closed_) return fail(ErrorKind::closed, partial_ + ": already finished");
    auto ok = step();
    if (!ok) {
      failure_ = ok.error();
      file_.reset();
      (void)files_.remove(partial_);  // the error that counts is the first one
    }
    return ok;
  }

  Result<> open() {
    if (file_) return {};
    auto file = files_.open(partial_, env::Files::Open::create_or_truncate);
    if (!file) return std::unexpected(file.error());
    file_ = std::move(*file);
    const auto header = encode_snapshot_header(meta_);
    key_ = snapshot_key(BytesView(header.data(), header.size()));
    digest_ = key_;
    return write(BytesView(header.data(), header.size()));
  }

  Result<> write_chunk(BytesView raw) {
    buffer_.resize(kChunkHeaderSize + ZSTD_compressBound(raw.size()));
    const size_t packed =
        ZSTD_compressCCtx(context_.get(), buffer_.data() + kChunkHeaderSize, buffer_.size() - kChunkHeaderSize,
                          raw.data(), raw.size(), kCompressionLevel);
    const bool compressed = !ZSTD_isError(packed) && packed < raw.size();
    buffer_.resize(kChunkHeaderSize + (compressed ? packed : 0));
    if (!compressed) buffer_.append(raw);
    const BytesView stored = BytesView(buffer_).substr(kChunkHeaderSize);
    const auto header = encode_chunk_header({.encoding = compressed ? ChunkEncoding::zstd : ChunkEncoding::plain,
                                             .ordinal = chunks_,
                                             .stored_bytes = stored.size(),
                                             .raw_bytes = raw.size(),
                                             .checksum = xxh3_64(stored, key_)},
                                            key_);
    std::copy(header.begin(), header.end(), buffer_.begin());
    digest_ = extend_digest(digest_, BytesView(header.data(), header.size()));
    ++chunks_;
    raw_bytes_ += raw.size();
    return write(buffer_);
  }

  Result<> write(BytesView bytes) {
    if (faults_.fires("snapshot.write")) return fail(ErrorKind::io, partial_ + ": write: injected fault");
    if (auto ok = file_->write_at(offset_, bytes); !ok) return ok;
    offset_ += bytes.size();
    unsynced_ += bytes.size();
    return unsynced_ >= kSnapshotSyncBytes ? sync() : Result<>();
  }

  Result<> sync() {
    if (faults_.fires("snapshot.sync")) return fail(ErrorKind::io, partial_ + ": sync: injected fault");
    unsynced_ = 0;
    return file_->sync();
  }

  env::Files& files_;
  env::Faults& faults_;
  const std::string directory_;
  const SnapshotMeta meta_;
  const std::string partial_;
  std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)> context_;
  std::unique_ptr<env::File> file_;
  std::optional<Error> failure_;
  bool closed_ = false;
  Bytes buffer_;
  uint64_t offset_ = 0;
  uint64_t unsynced_ = 0;
  uint64_t chunks_ = 0;
  uint64_t raw_bytes_ = 0;
  uint64_t digest_ = 0;
  uint64_t key_ = 0;
};

class SnapshotWriterImpl final : public SnapshotWriter {
 public:
  SnapshotWriterImpl(std::shared_ptr<SnapshotState> state, const SnapshotMeta& meta)
      : state_(std::move(state)),
        output_(std::make_shared<SnapshotOutput>(state_->files, state_->faults, state_->directory, meta)),
        alive_(std::make_shared<bool>(true)) {}

  ~SnapshotWriterImpl() override {
    state_->worker.submit([output = output_] { output->abandon(); }, [] {});
  }

  void append(Bytes chunk, std::move_only_function<void(Result<>)> done) override {
    auto result = std::make_shared<Result<>>();
    state_->worker.submit([output = output_, chunk = std::move(chunk), result] { *result = output->append(chunk); },
                          [alive = std::weak_ptr(alive_), result, done = std::move(done)]() mutable {
                            if (!alive.expired()) done(std::move(*result));
                          });
  }

  void commit(std::move_only_function<void(Result<SnapshotFile>)> done) override {
    auto result = std::make_shared<Result<SnapshotFile>>();
    state_->worker.submit([output = output_, result] { *result = output->commit(); },
                          [alive = std::weak_ptr(alive_), state = state_, result, done = std::move(done)]() mutable {
                            if (*result) state->add(**result);
                            if (!alive.expired()) done(std::move(*result));
                          });
  }

 private:
  const std::shared_ptr<SnapshotState> state_;
  const std::shared_ptr<SnapshotOutput> output_;
  const std::shared_ptr<bool> alive_;
};

}  // namespace

std::unique_ptr<SnapshotWriter> make_snapshot_writer(std::shared_ptr<SnapshotState> state, const SnapshotMeta& meta) {
  return std::make_unique<SnapshotWriterImpl>(std::move(state), meta);
}

}  // namespace conclave::storage
