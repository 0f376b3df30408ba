#include "sim/world/disk.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace conclave::sim {
namespace {

constexpr size_t kSector = 512;

void replay(Inode::Entries& entries, const Inode::DirectoryChange& change) {
  for (const auto& [name, target] : change.links) {
    if (target == nullptr) {
      entries.erase(name);
    } else {
      entries[name] = target;
    }
  }
}

void replay(Pages& pages, const Inode::FileChange& change) {
  if (change.is_resize) {
    pages.resize(change.offset);
  } else {
    pages.write(change.offset, change.bytes);
  }
}

uint64_t used_below(const Inode& inode) {
  uint64_t used = inode.content.size();
  for (const auto& [name, child] : inode.entries) used += used_below(*child);
  return used;
}

}  // namespace

Pages::Pages(const Pages& other) {
  *this = other;
}

Pages& Pages::operator=(const Pages& other) {
  if (this == &other) return *this;
  size_ = other.size_;
  pages_.clear();
  for (const auto& [number, page] : other.pages_) pages_.emplace(number, std::make_unique<Page>(*page));
  return *this;
}

void Pages::write(uint64_t offset, BytesView bytes) {
  size_ = std::max(size_, offset + bytes.size());
  while (!bytes.empty()) {
    const uint64_t within = offset % kPage;
    const auto n = static_cast<size_t>(std::min<uint64_t>(bytes.size(), kPage - within));
    auto& page = pages_[offset / kPage];
    if (page == nullptr) page = std::make_unique<Page>();
    std::memcpy(page->data() + within, bytes.data(), n);
    bytes.remove_prefix(n);
    offset += n;
  }
}

Bytes Pages::read(uint64_t offset, size_t size) const {
  if (offset >= size_) return {};
  Bytes out(static_cast<size_t>(std::min<uint64_t>(size, size_ - offset)), '\0');
  for (size_t done = 0; done < out.size();) {
    const uint64_t within = (offset + done) % kPage;
    const auto n = static_cast<size_t>(std::min<uint64_t>(out.size() - done, kPage - within));
    const auto page = pages_.find((offset + done) / kPage);
    if (page != pages_.end()) std::memcpy(out.data() + done, page->second->data() + within, n);
    done += n;
  }
  return out;
}

void Pages::resize(uint64_t size) {
  if (size < size_) {
    pages_.erase(pages_.lower_bound((size + kPage - 1) / kPage), pages_.end());
    const auto last = pages_.find(size / kPage);  // what is cut off must read as zeroes if the file grows again
    if (last != pages_.end()) {
      std::fill(last->second->begin() + static_cast<std::ptrdiff_t>(size % kPage), last->second->end(), '\0');
    }
  }
  size_ = size;
}

void Inode::write(uint64_t offset, BytesView bytes) {
  content.write(offset, bytes);
  file_changes.push_back({.is_resize = false, .offset = offset, .bytes = Bytes(bytes)});
}

void Inode::resize(uint64_t size) {
  content.resize(size);
  file_changes.push_back({.is_resize = true, .offset = size, .bytes = {}});
}

void Inode::sync() {
  for (const auto& change : file_changes) replay(durable_content, change);
  file_changes.clear();
  for (const auto& change : directory_changes) replay(durable_entries, change);
  directory_changes.clear();
}

void Inode::change(DirectoryChange change) {
  replay(entries, change);
  directory_changes.push_back(std::move(change));
}

uint64_t Disk::used_bytes() const {
  return used_below(*root_);
}

uint64_t Disk::free_bytes() const {
  const uint64_t used = used_bytes();
  return used >= options_.capacity_bytes ? 0 : options_.capacity_bytes - used;
}

void Disk::power_cut() {
  lock_holder = 0;
  power_cut(*root_);
}

void Disk::power_cut(Inode& inode) {
  if (inode.directory) {
    const size_t pending = inode.directory_changes.size();
    const size_t kept = options_.survive_percent > 0 ? static_cast<size_t>(random_.between(0, pending)) : 0;
    for (size_t i = 0; i < kept; ++i) replay(inode.durable_entries, inode.directory_changes[i]);
    inode.directory_changes.clear();
    inode.entries = inode.durable_entries;
    for (const auto& [name, child] : inode.entries) power_cut(*child);
    return;
  }
  for (const auto& change : inode.file_changes) {
    if (!survives()) continue;
    if (change.is_resize || !options_.torn_writes || random_.chance(1, 2)) {
      replay(inode.durable_content, change);
      continue;
    }
    for (size_t from = 0; from < change.bytes.size(); from += kSector) {
      if (random_.chance(1, 2)) inode.durable_content.write(change.offset + from, change.bytes.substr(from, kSector));
    }
  }
  inode.file_changes.clear();
  inode.content = inode.durable_content;
}

void Disk::spend_sync() {
  const auto low = static_cast<uint64_t>(options_.sync_time_min.us);
  const auto high = std::max(low, static_cast<uint64_t>(options_.sync_time_max.us));
  time_ = time_ + Duration::micros(static_cast<int64_t>(random_.between(low, high)));
}

Duration Disk::take_time() {
  return std::exchange(time_, Duration{0});
}

}  // namespace conclave::sim
