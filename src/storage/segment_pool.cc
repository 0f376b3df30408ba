#include "storage/segment_pool.h"

#include <algorithm>
#include <utility>

#include "base/plant.h"
#include "storage/journal_format.h"

namespace conclave::storage {
namespace {

constexpr uint64_t kPrepareStepBytes = 4 << 20;

}  // namespace

std::string SegmentPool::path_of(uint64_t number) const {
  return directory_ + "/" + segment_name(number);
}

std::string SegmentPool::new_spare_path() {
  return directory_ + "/" + spare_name(next_spare_++);
}

uint64_t SegmentPool::spare_bytes() const {
  uint64_t sum = growing_ ? growing_spare_.size : 0;
  for (const Spare& spare : spares_) sum += spare.size;
  return sum;
}

Result<> SegmentPool::open() {
  auto names = files_.list(directory_);
  if (!names) return std::unexpected(names.error());
  bool removed = false;
  for (const std::string& name : *names) {
    const auto number = parse_spare_name(name);
    if (!number) continue;
    next_spare_ = std::max(next_spare_, *number + 1);
    const std::string path = directory_ + "/" + name;
    uint64_t size = 0;
    {
      auto file = files_.open(path, env::Files::Open::read_only);
      if (!file) return std::unexpected(file.error());
      auto found = (*file)->size();
      if (!found) return std::unexpected(found.error());
      size = *found;
    }
    if (spares_.size() < spares_max_) {
      spares_.push_back({path, size});
    } else {
      if (auto ok = files_.remove(path); !ok) return ok;
      removed = true;
    }
  }
  return removed ? files_.sync_directory(directory_) : Result<>();
}

Result<> SegmentPool::discard_spares() {
  if (spares_.empty()) return {};
  for (const Spare& spare : spares_) {
    if (auto ok = files_.remove(spare.path); !ok) return ok;
  }
  spares_.clear();
  return files_.sync_directory(directory_);
}

Result<std::unique_ptr<env::File>> SegmentPool::place(uint64_t number, uint64_t bytes_min) {
  const uint64_t bytes = std::max(bytes_min, segment_bytes_);
  Spare spare;
  std::unique_ptr<env::File> file;
  if (!spares_.empty()) {
    spare = spares_.front();
    auto opened = files_.open(spare.path, env::Files::Open::read_write);
    if (!opened) return std::unexpected(opened.error());
    file = std::move(*opened);
    spares_.erase(spares_.begin());
  } else if (growing_) {
    file = std::move(growing_);
    spare = growing_spare_;
  } else {
    spare = {new_spare_path(), 0};
    auto created = files_.open(spare.path, env::Files::Open::create_or_truncate);
    if (!created) return std::unexpected(created.error());
    file = std::move(*created);
  }
  if (spare.size < bytes) {
    auto grown = file->resize(bytes);
    if (grown) grown = file->sync();
    if (!grown) {
      file.reset();
      (void)files_.remove(spare.path);  // gives the space back; the error that counts is the first one
      return std::unexpected(grown.error());
    }
  }
  file.reset();
  const std::string path = path_of(number);
  if (auto ok = files_.rename(spare.path, path); !ok) return std::unexpected(ok.error());
  if (CONCLAVE_PLANT(directory_not_synced)) return files_.open(path, env::Files::Open::read_write);
  if (auto ok = files_.sync_directory(directory_); !ok) return std::unexpected(ok.error());
  return files_.open(path, env::Files::Open::read_write);
}

Result<> SegmentPool::recycle(uint64_t number) {
  const std::string path = path_of(number);
  if (spares_.size() < spares_max_) {
    auto file = files_.open(path, env::Files::Open::read_only);
    if (!file) return std::unexpected(file.error());
    const auto size = (*file)->size();
    if (!size) return std::unexpected(size.error());
    const Spare spare{new_spare_path(), *size};
    if (auto ok = files_.rename(path, spare.path); !ok) return ok;
    spares_.push_back(spare);
  } else if (auto ok = files_.remove(path); !ok) {
    return ok;
  }
  return files_.sync_directory(directory_);
}

Result<bool> SegmentPool::prepare_step() {
  if (!spares_.empty()) return true;
  if (!growing_) {
    growing_spare_ = {new_spare_path(), 0};
    auto created = files_.open(growing_spare_.path, env::Files::Open::create_or_truncate);
    if (!created) return std::unexpected(created.error());
    growing_ = std::move(*created);
  }
  const uint64_t size = std::min(segment_bytes_, growing_spare_.size + kPrepareStepBytes);
  auto ok = growing_->resize(size);
  if (ok) ok = growing_->sync();
  if (!ok) {
    growing_.reset();
    (void)files_.remove(growing_spare_.path);  // gives the space back; the error that counts is the first one
    return std::unexpected(ok.error());
  }
  growing_spare_.size = size;
  if (size < segment_bytes_) return false;
  growing_.reset();
  spares_.push_back(growing_spare_);
  return true;
}

}  // namespace conclave::storage
