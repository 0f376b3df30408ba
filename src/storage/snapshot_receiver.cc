// Receives a snapshot file from a peer. The partial file survives a restart, so that the rest can be asked for.

#include <fmt/format.h>
#include <memory>
#include <optional>
#include <utility>

#include "storage/snapshot_format.h"
#include "storage/snapshot_reader.h"
#include "storage/snapshot_state.h"

namespace conclave::storage {
namespace {

// The worker's half. After the first error every call fails alike.
class SnapshotInput {
 public:
  SnapshotInput(std::shared_ptr<const SnapshotState> state, const SnapshotMeta& meta, uint64_t size, uint64_t have)
      : state_(std::move(state)),
        meta_(meta),
        size_(size),
        have_(have),
        partial_(state_->path(receiving_name(meta, size))) {}

  Result<> append(uint64_t offset, BytesView bytes) {
    return guarded([&]() -> Result<> {
      if (auto ok = open(); !ok) return ok;
      if (state_->faults.fires("snapshot.receive")) return fail(ErrorKind::io, partial_ + ": write: injected fault");
      if (auto ok = file_->write_at(offset, bytes); !ok) return ok;
      have_ = offset + bytes.size();
      unsynced_ += bytes.size();
      if (unsynced_ < kSnapshotSyncBytes) return {};
      unsynced_ = 0;
      return file_->sync();
    });
  }

  Result<SnapshotFile> commit() {
    const std::string name = snapshot_name(meta_);
    auto ok = guarded([&]() -> Result<> {
      if (have_ != size_) {
        return fail(ErrorKind::invalid_argument, fmt::format("{}: {} of {} bytes are here", partial_, have_, size_));
      }
      if (auto opened = open(); !opened) return opened;
      if (auto synced = file_->sync(); !synced) return synced;
      file_.reset();
      auto whole = verify_snapshot(*state_, partial_, meta_);
      if (!whole) {
        if (whole.error().kind == ErrorKind::corrupt) (void)state_->files.remove(partial_);
        return whole;
      }
      if (auto renamed = state_->files.rename(partial_, state_->path(name)); !renamed) return renamed;
      return state_->files.sync_directory(state_->directory);
    });
    if (!ok) return std::unexpected(ok.error());
    return SnapshotFile{.meta = meta_, .name = name, .size = size_};
  }

 private:
  Result<> guarded(auto step) {
    if (failure_) return std::unexpected(*failure_);
    auto ok = step();
    if (!ok) {
      failure_ = ok.error();
      file_.reset();
      // A full disk: give the space back; resuming needs it anyway. After a failed write or sync what is read back may
      // never reach the disk, and a second sync would not tell (B36): nothing may resume from it.
      if (failure_->kind == ErrorKind::no_space || failure_->kind == ErrorKind::io)
        (void)state_->files.remove(partial_);
    }
    return ok;
  }

  Result<> open() {
    if (file_) return {};
    const auto mode = have_ > 0 ? env::Files::Open::read_write : env::Files::Open::create_or_truncate;
    auto file = state_->files.open(partial_, mode);
    if (!file) return std::unexpected(file.error());
    file_ = std::move(*file);
    return {};
  }

  const std::shared_ptr<const SnapshotState> state_;
  const SnapshotMeta meta_;
  const uint64_t size_;
  uint64_t have_;
  const std::string partial_;
  std::unique_ptr<env::File> file_;
  uint64_t unsynced_ = 0;
  std::optional<Error> failure_;
};

class SnapshotReceiverImpl final : public SnapshotReceiver {
 public:
  SnapshotReceiverImpl(std::shared_ptr<SnapshotState> state, const SnapshotMeta& meta, uint64_t size, uint64_t have)
      : state_(std::move(state)),
        name_(receiving_name(meta, size)),
        size_(size),
        have_(std::make_shared<uint64_t>(have)),
        queued_(have),
        input_(std::make_shared<SnapshotInput>(state_, meta, size, have)) {
    state_->receiving.insert(name_);
  }

  ~SnapshotReceiverImpl() override { state_->receiving.erase(name_); }

  uint64_t have() const override { return *have_; }

  void append(uint64_t offset, Bytes bytes, std::move_only_function<void(Result<>)> done) override {
    auto result = std::make_shared<Result<>>();
    const uint64_t end = offset + bytes.size();
    if (offset != queued_ || bytes.size() > size_ - queued_) {
      *result = fail(ErrorKind::invalid_argument,
                     fmt::format("{}: bytes {} to {} where {} of {} are here", name_, offset, end, queued_, size_));
    } else {
      queued_ = end;
    }
    state_->worker.submit(
        [input = input_, offset, bytes = std::move(bytes), result] {
          if (*result) *result = input->append(offset, bytes);
        },
        [have = std::weak_ptr(have_), end, result, done = std::move(done)]() mutable {
          const auto alive = have.lock();
          if (!alive) return;
          if (*result) *alive = end;
          done(std::move(*result));
        });
  }

  void commit(std::move_only_function<void(Result<SnapshotFile>)> done) override {
    auto result = std::make_shared<Result<SnapshotFile>>();
    state_->worker.submit([input = input_, result] { *result = input->commit(); },
                          [alive = std::weak_ptr(have_), state = state_, result, done = std::move(done)]() mutable {
                            if (*result) state->add(**result);
                            if (!alive.expired()) done(std::move(*result));
                          });
  }

 private:
  const std::shared_ptr<SnapshotState> state_;
  const std::string name_;
  const uint64_t size_;
  const std::shared_ptr<uint64_t> have_;  // expires with *this: completions check it
  uint64_t queued_;                       // bytes here or on their way to the worker
  const std::shared_ptr<SnapshotInput> input_;
};

}  // namespace

std::unique_ptr<SnapshotReceiver> make_snapshot_receiver(std::shared_ptr<SnapshotState> state, const SnapshotMeta& meta,
                                                         uint64_t size, uint64_t have) {
  return std::make_unique<SnapshotReceiverImpl>(std::move(state), meta, size, have);
}

}  // namespace conclave::storage
