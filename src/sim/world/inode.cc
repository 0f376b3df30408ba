#include "sim/world/inode.h"

#include <algorithm>

namespace conclave::sim {
namespace {

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

}  // namespace

void Inode::write(uint64_t offset, BytesView bytes) {
  content.write(offset, bytes);
  file_changes.push_back({.is_resize = false, .offset = offset, .bytes = Bytes(bytes)});
}

void Inode::resize(uint64_t size) {
  content.resize(size);
  file_changes.push_back({.is_resize = true, .offset = size, .bytes = {}});
}

void Inode::change(DirectoryChange change) {
  replay(entries, change);
  directory_changes.push_back(std::move(change));
}

void Inode::sync() {
  for (const auto& change : file_changes) replay(durable_content, change);
  file_changes.clear();
  for (const auto& change : directory_changes) replay(durable_entries, change);
  directory_changes.clear();
}

void Inode::sync_in_part(Random& random) {
  for (const auto& change : file_changes) {
    if (random.chance(1, 2)) replay(durable_content, change);
  }
  file_changes.clear();
  const uint64_t kept = random.between(0, directory_changes.size());
  for (uint64_t i = 0; i < kept; ++i) replay(durable_entries, directory_changes[i]);
  directory_changes.clear();
}

void Inode::flip(uint64_t offset, uint8_t mask) {
  const auto flipped = [&](const Pages& pages) {
    Bytes byte = pages.read(offset, 1);
    byte[0] = static_cast<char>(byte[0] ^ static_cast<char>(mask));
    return byte;
  };
  if (offset < durable_content.size()) durable_content.write(offset, flipped(durable_content));
  const Bytes now = flipped(content);
  content.write(offset, now);
  // Else replaying the pending changes could write the good byte back.
  if (!file_changes.empty()) file_changes.push_back({.is_resize = false, .offset = offset, .bytes = now});
}

void Inode::power_cut(const Survival& survival, Random& random) {
  if (!directory) {
    lose_file_changes(survival, random);
    return;
  }
  lose_directory_changes(survival, random);
  for (const auto& [name, child] : entries) child->power_cut(survival, random);
}

void Inode::lose_directory_changes(const Survival& survival, Random& random) {
  const size_t pending = directory_changes.size();
  const size_t kept = survival.percent > 0 ? static_cast<size_t>(random.between(0, pending)) : 0;
  for (size_t i = 0; i < kept; ++i) replay(durable_entries, directory_changes[i]);
  directory_changes.clear();
  entries = durable_entries;
}

void Inode::lose_file_changes(const Survival& survival, Random& random) {
  for (const auto& change : file_changes) {
    if (survival.percent == 0 || !random.chance(survival.percent, 100)) continue;
    if (change.is_resize || !survival.torn || random.chance(1, 2)) {
      replay(durable_content, change);
      continue;
    }
    for (size_t from = 0; from < change.bytes.size();) {  // sectors begin at multiples of their size in the file
      const uint64_t at = change.offset + from;
      const auto size = static_cast<size_t>(survival.sector_bytes - at % survival.sector_bytes);
      if (random.chance(1, 2)) durable_content.write(at, BytesView(change.bytes).substr(from, size));
      from += size;
    }
  }
  file_changes.clear();
  content = durable_content;
}

std::shared_ptr<Inode> Inode::durable_copy() const {
  auto copy = std::make_shared<Inode>(directory);
  copy->content = copy->durable_content = durable_content;
  for (const auto& [name, child] : durable_entries) copy->durable_entries.emplace(name, child->durable_copy());
  copy->entries = copy->durable_entries;
  return copy;
}

uint64_t Inode::used_bytes() const {
  uint64_t used = content.size();
  for (const auto& [name, child] : entries) used += child->used_bytes();
  return used;
}

}  // namespace conclave::sim
