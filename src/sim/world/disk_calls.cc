// Calls on a disk under its fault plan (disk_faults.h).
#include <algorithm>
#include <string>

#include "base/checksum.h"
#include "sim/world/disk.h"

namespace conclave::sim {
namespace {

constexpr int kMisdirectTries = 4;

std::string describe(DiskOperation which, std::string_view name, std::string_view why) {
  return std::string(to_string(which)) + " " + std::string(name) + ": " + std::string(why);
}

std::string_view directory_of(std::string_view name) {
  return name.substr(0, name.rfind('/') == std::string_view::npos ? 0 : name.rfind('/'));
}

}  // namespace

std::optional<DiskEffect> Disk::begin(const DiskCall& call) {
  switch (call.operation) {
    case DiskOperation::make_directory:
    case DiskOperation::list:
      break;
    case DiskOperation::open:
    case DiskOperation::create:
    case DiskOperation::read:
      time_ = time_ + options_.read_time;
      break;
    case DiskOperation::write:
    case DiskOperation::resize:
    case DiskOperation::rename:
    case DiskOperation::remove:
      time_ = time_ + options_.write_time;
      break;
    case DiskOperation::sync:
    case DiskOperation::sync_directory: {
      const auto low = static_cast<uint64_t>(options_.sync_time_min.us);
      const auto high = std::max(low, static_cast<uint64_t>(options_.sync_time_max.us));
      time_ = time_ + Duration::micros(static_cast<int64_t>(random_.between(low, high)));
    }
  }
  const auto verdict = plan_.judge(call);
  if (verdict.stall > Duration{0}) {
    time_ = time_ + verdict.stall;
    record(to_string(DiskEffect::stall), static_cast<uint64_t>(call.operation),
           static_cast<uint64_t>(verdict.stall.us));
  }
  if (verdict.effect) {
    record(to_string(*verdict.effect), static_cast<uint64_t>(call.operation), xxh3_64(call.name, call.offset));
  }
  return verdict.effect;
}

Result<> Disk::end(DiskEffect effect, DiskOperation which, std::string_view name) {
  switch (effect) {
    case DiskEffect::io_error:
      return fail(ErrorKind::io, describe(which, name, "Input/output error"));
    case DiskEffect::no_space:
      return fail(ErrorKind::no_space, describe(which, name, "No space left on device"));
    case DiskEffect::kill:
    case DiskEffect::power_cut: {
      auto gone = fail(ErrorKind::closed, describe(which, name, "the process is gone"));
      if (crash_) crash_(effect == DiskEffect::kill ? Crash::kill : Crash::power_cut);
      return gone;
    }
    case DiskEffect::lie:
    case DiskEffect::misdirect:
    case DiskEffect::stall:
      break;
  }
  return {};
}

Result<> Disk::write(const std::shared_ptr<Inode>& file, std::string_view name, uint64_t offset, BytesView bytes) {
  Inode& inode = *file;
  constexpr auto kWrite = DiskOperation::write;
  const auto struck = begin({.operation = kWrite, .name = name, .offset = offset, .size = bytes.size()});
  if (!struck) {
    inode.write(offset, bytes);
    last_write_ = {.inode = file, .offset = offset, .size = bytes.size()};
    if (unwitnessed_) write_after_misdirected(file, name, offset, bytes.size());
    return {};
  }
  if (*struck == DiskEffect::misdirect) {
    const Place place = elsewhere(inode, offset, bytes.size());
    if (place.inode != nullptr) place.inode->write(place.offset, bytes.substr(0, place.size));
    unwitnessed_ = {
        .inode = file, .directory = std::string(directory_of(name)), .offset = offset, .bytes = Bytes(bytes)};
  } else if (*struck != DiskEffect::lie) {  // nothing, all, or a part up to some sector
    const uint64_t sectors = bytes.size() / options_.sector_bytes + 1;
    const uint64_t done = plan_.random().between(0, sectors) * options_.sector_bytes;
    if (done > 0) inode.write(offset, bytes.substr(0, static_cast<size_t>(done)));
  }
  return end(*struck, kWrite, name);
}

void Disk::write_after_misdirected(const std::shared_ptr<Inode>& file, std::string_view name, uint64_t offset,
                                   uint64_t size) {
  const auto& lost = *unwitnessed_;
  const bool overwrites = file == lost.inode && offset < lost.offset + lost.bytes.size() && lost.offset < offset + size;
  if (overwrites) {
    unwitnessed_.reset();
  } else if (directory_of(name) == lost.directory) {
    unwitnessed_->later = file.get();
  }
}

Result<Bytes> Disk::read(const Inode& inode, std::string_view name, uint64_t offset, size_t size) {
  constexpr auto kRead = DiskOperation::read;
  const auto struck = begin({.operation = kRead, .name = name, .offset = offset, .size = size});
  if (!struck) return inode.content.read(offset, size);
  if (*struck == DiskEffect::misdirect) {
    const Place place = elsewhere(inode, offset, inode.content.read(offset, size).size());
    if (place.inode == nullptr) return inode.content.read(offset, size);
    Bytes bytes = place.inode->content.read(place.offset, static_cast<size_t>(place.size));
    return bytes;
  }
  auto failed = end(*struck, kRead, name);
  return std::unexpected(failed.error());
}

Result<> Disk::sync(Inode& inode, std::string_view name, DiskOperation which) {
  if (which == DiskOperation::sync) ++file_syncs_;
  const auto struck = begin({.operation = which, .name = name});
  if (!struck) {
    inode.sync();
    if (unwitnessed_ && unwitnessed_->later == &inode) unwitnessed_.reset();
    return {};
  }
  // What a failed sync of a directory was for is left to the next one: file systems retry the commit of their own
  // journal or stop altogether, unlike with the pages of files.
  const bool keeps_changes = !is_crash(*struck) && which == DiskOperation::sync_directory;
  if (is_crash(*struck) && plan_.random().chance(1, 3)) {
    inode.sync();
  } else if (*struck != DiskEffect::lie && !keeps_changes && (!is_crash(*struck) || plan_.random().chance(1, 2))) {
    inode.sync_in_part(plan_.random());
  }
  return end(*struck, which, name);
}

// Another place of the same disk where `size` bytes are, at a sector's beginning: in a file chosen by seed, which may
// be the same one.
Disk::Place Disk::elsewhere(const Inode& inode, uint64_t offset, uint64_t size) {
  Random& random = plan_.random();
  std::vector<Inode*> candidates;
  for (const FileInfo& file : files()) {
    if (file.size > 0) candidates.push_back(find(file.name));
  }
  if (candidates.empty()) return {};
  for (int i = 0; i < kMisdirectTries; ++i) {
    Inode* target = candidates[random.below(candidates.size())];
    const uint64_t end = target->content.size();
    const uint64_t last = end > size ? (end - size) / options_.sector_bytes : 0;
    const uint64_t at = random.between(0, last) * options_.sector_bytes;
    if (target != &inode || at != offset) return {.inode = target, .offset = at, .size = std::min(size, end - at)};
  }
  return {};
}

}  // namespace conclave::sim
