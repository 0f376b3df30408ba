#include "storage/journal_disk.h"

#include <utility>

#include "base/plant.h"

namespace conclave::storage {

Result<Duration> JournalDisk::write(const Write& write) {
  if (failure_) return std::unexpected(*failure_);
  auto done = write_and_sync(write);
  if (!done) failure_ = done.error();
  return done;
}

Result<Duration> JournalDisk::write_and_sync(const Write& write) {
  if (write.new_segment) {
    file_.reset();
    auto file = pool_.place(write.new_segment->number, write.segment_bytes);
    if (!file) return std::unexpected(file.error());
    file_ = std::move(*file);
    path_ = pool_.path_of(write.new_segment->number);
  }
  if (auto ok = write_at(write.offset, write.batch); !ok) return std::unexpected(ok.error());
  const Instant before = clock_.now();
  if (auto ok = sync(); !ok) return std::unexpected(ok.error());
  if (write.new_segment) {
    if (auto ok = write_at(0, encode_segment_header(*write.new_segment)); !ok) return std::unexpected(ok.error());
    if (auto ok = sync(); !ok) return std::unexpected(ok.error());
  }
  return clock_.now() - before;
}

Result<> JournalDisk::write_at(uint64_t offset, BytesView bytes) {
  if (faults_.fires("journal.write")) return fail(ErrorKind::io, path_ + ": write: injected fault");
  return file_->write_at(offset, bytes);
}

Result<> JournalDisk::sync() {
  if (faults_.fires("journal.sync")) return fail(ErrorKind::io, path_ + ": sync: injected fault");
  if (CONCLAVE_PLANT(journal_not_synced)) return {};
  auto synced = file_->sync();
  if (!synced && CONCLAVE_PLANT(failed_sync_retried)) synced = file_->sync();
  return synced;
}

Result<> JournalDisk::recycle(uint64_t segment) {
  if (failure_) return std::unexpected(*failure_);
  auto ok = pool_.recycle(segment);
  if (!ok) failure_ = ok.error();
  return ok;
}

Result<bool> JournalDisk::prepare_step() {
  if (failure_) return std::unexpected(*failure_);
  return pool_.prepare_step();
}

Result<> JournalDisk::cut(uint64_t segment, uint64_t size) {
  auto file = files_.open(pool_.path_of(segment), env::Files::Open::read_write);
  if (!file) return std::unexpected(file.error());
  return (*file)->resize(size);
}

Result<> JournalDisk::sync_segment(uint64_t segment) {
  auto file = files_.open(pool_.path_of(segment), env::Files::Open::read_write);
  if (!file) return std::unexpected(file.error());
  return (*file)->sync();
}

}  // namespace conclave::storage
