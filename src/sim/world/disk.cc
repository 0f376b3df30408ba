#include "sim/world/disk.h"

#include <algorithm>
#include <utility>

#include "base/checksum.h"

namespace conclave::sim {

Disk::Disk(Scheduler& scheduler, Trace& trace, uint32_t host, uint64_t seed, DiskOptions options)
    : scheduler_(scheduler),
      trace_(trace),
      host_(host),
      options_(options),
      random_(seed),
      plan_(xxh3_64("disk faults", seed)),
      root_(std::make_shared<Inode>(/*is_directory=*/true)) {}

uint64_t Disk::free_bytes() const {
  const uint64_t used = used_bytes();
  return used >= options_.capacity_bytes ? 0 : options_.capacity_bytes - used;
}

bool Disk::has_room(const Inode& inode, uint64_t size) {
  const uint64_t now = inode.content.size();
  if (size <= now || size - now <= free_bytes()) return true;
  record("disk full", now, size);
  return false;
}

void Disk::stall() {
  if (stalled_) return;
  stalled_ = true;
  record("disk stalled");
}

void Disk::release() {
  if (!stalled_) return;
  stalled_ = false;
  record("disk released");
  for (Task& task : std::exchange(waiting_, {})) scheduler_.after(Duration{0}, std::move(task));
}

std::vector<FileInfo> Disk::files() const {
  std::vector<FileInfo> found;
  for (const auto& [name, inode] : root_->entries) {
    if (!inode->directory) found.push_back({.name = name, .size = inode->content.size()});
    for (const auto& [leaf, file] : inode->entries) {
      found.push_back({.name = name + "/" + leaf, .size = file->content.size()});
    }
  }
  std::ranges::sort(found, {}, &FileInfo::name);
  return found;
}

Inode* Disk::find(std::string_view name) const {
  const Inode* directory = root_.get();
  const size_t slash = name.find('/');
  if (slash != std::string_view::npos) {
    const auto it = root_->entries.find(std::string(name.substr(0, slash)));
    if (it == root_->entries.end()) return nullptr;
    directory = it->second.get();
    name.remove_prefix(slash + 1);
  }
  const auto it = directory->entries.find(std::string(name));
  return it == directory->entries.end() ? nullptr : it->second.get();
}

bool Disk::corrupt(std::string_view name, uint64_t offset, uint8_t mask) {
  Inode* inode = find(name);
  if (inode == nullptr || offset >= inode->content.size()) return false;
  record("disk corrupted", offset, mask);
  inode->flip(offset, mask);
  return true;
}

bool Disk::corrupt_last_write(uint64_t place, uint8_t mask) {
  const Written last = std::exchange(last_write_, {});
  const auto inode = last.inode.lock();
  if (inode == nullptr || last.size == 0) return false;
  const uint64_t offset = last.offset + place % last.size;
  if (offset >= inode->content.size()) return false;
  record("disk corrupted", offset, mask);
  inode->flip(offset, mask);
  return true;
}

void Disk::wipe() {
  record("disk wiped");
  root_ = std::make_shared<Inode>(/*is_directory=*/true);
}

void Disk::restore(const DiskImage& image) {
  record("disk restored");
  root_ = image.root_ != nullptr ? image.root_->durable_copy() : std::make_shared<Inode>(/*is_directory=*/true);
}

void Disk::process_ended(Crash how) {
  lock_holder = 0;
  if (how == Crash::power_cut) power_cut();
  if (const auto lost = std::exchange(unwitnessed_, {})) {
    record("disk write in its place", lost->offset, lost->bytes.size());
    lost->inode->write(lost->offset, lost->bytes);
    lost->inode->sync();
  }
}

void Disk::power_cut() {
  root_->power_cut(
      {.percent = options_.survive_percent, .torn = options_.torn_writes, .sector_bytes = options_.sector_bytes},
      random_);
}

Duration Disk::take_time() {
  return std::exchange(time_, Duration{0});
}

void Disk::record(std::string_view what, uint64_t a, uint64_t b) {
  trace_.record(scheduler_.now(), what, host_, a, b);
}

}  // namespace conclave::sim
