// Every different ACL once: nodes hold its id. Ids are local to a replica (they are reused), so digests and snapshots
// go by contents. Loop thread only.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "base/bytes.h"
#include "state/txn/acl.h"

namespace conclave::state {

class AclTable {
 public:
  // The id of `acl`, with one more use. Ids start at 1.
  uint32_t acquire(const Acl& acl);
  void add_use(uint32_t id) { ++entry(id).uses; }
  // One use less; the entry goes with the last one.
  void release(uint32_t id);

  const std::shared_ptr<const Acl>& get(uint32_t id) const { return entries_[id].acl; }
  // Of the contents: the same on every replica.
  uint64_t hash(uint32_t id) const { return entries_[id].hash; }

  size_t size() const { return ids_.size(); }
  // By id; shares the lists.
  std::vector<std::pair<uint32_t, std::shared_ptr<const Acl>>> all() const;
  void clear();

 private:
  struct Entry {
    std::shared_ptr<const Acl> acl;
    uint64_t hash = 0;
    uint64_t uses = 0;
  };
  Entry& entry(uint32_t id) { return entries_[id]; }
  static Bytes key_of(const Acl& acl);

  std::vector<Entry> entries_ = std::vector<Entry>(1);
  std::vector<uint32_t> free_;
  absl::flat_hash_map<Bytes, uint32_t> ids_;  // never iterated
};

}  // namespace conclave::state
