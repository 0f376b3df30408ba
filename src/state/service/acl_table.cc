#include "state/service/acl_table.h"

#include "base/assert.h"
#include "base/checksum.h"
#include "base/codec.h"

namespace conclave::state {

Bytes AclTable::key_of(const Acl& acl) {
  Bytes key;
  Encoder out(&key);
  for (const AclEntry& entry : acl) {
    out.varint(entry.permissions);
    out.bytes(entry.scheme);
    out.bytes(entry.id);
  }
  return key;
}

uint32_t AclTable::acquire(const Acl& acl) {
  Bytes key = key_of(acl);
  if (const auto it = ids_.find(key); it != ids_.end()) {
    ++entries_[it->second].uses;
    return it->second;
  }
  auto id = static_cast<uint32_t>(entries_.size());
  if (free_.empty()) {
    entries_.emplace_back();
  } else {
    id = free_.back();
    free_.pop_back();
  }
  entries_[id] = {std::make_shared<const Acl>(acl), xxh3_64(key), 1};
  ids_.emplace(std::move(key), id);
  return id;
}

void AclTable::release(uint32_t id) {
  Entry& released = entry(id);
  CONCLAVE_ASSERT(released.uses > 0);
  if (--released.uses > 0) return;
  ids_.erase(key_of(*released.acl));
  released = {};
  free_.push_back(id);
}

std::vector<std::pair<uint32_t, std::shared_ptr<const Acl>>> AclTable::all() const {
  std::vector<std::pair<uint32_t, std::shared_ptr<const Acl>>> out;
  for (uint32_t id = 1; id < entries_.size(); ++id)
    if (entries_[id].uses > 0) out.emplace_back(id, entries_[id].acl);
  return out;
}

void AclTable::clear() {
  entries_.assign(1, {});
  free_.clear();
  ids_.clear();
}

}  // namespace conclave::state
