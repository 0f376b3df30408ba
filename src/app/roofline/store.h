// All the state that the load generator's checks need: path to data and version, in a hash map. No tree, no ACLs, no
// sessions, no watches; a node is never removed. Counted as part of the roof. Pure.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <cstdint>
#include <memory>

#include "app/roofline/frames.h"
#include "base/bytes.h"

namespace conclave::app::roofline {

struct Node {
  Bytes path;
  Bytes data;
  uint64_t created_zxid = 0;  // 0: somebody asked for it, but it is not there
  uint64_t modified_zxid = 0;
  int32_t version = 0;

  bool exists() const { return created_zxid != 0; }
  Stat stat() const {
    return {.created_zxid = created_zxid,
            .modified_zxid = modified_zxid,
            .version = version,
            .data_size = static_cast<int32_t>(data.size())};
  }
};

class Store {
 public:
  // Null if it was never asked for.
  const Node* find(BytesView path) const;
  // There afterwards, existing or not; stays where it is.
  Node& place(BytesView path);

  struct Applied {
    Status status = Status::ok;
    const Node* node = nullptr;  // null for a sync
  };
  // REQUIRES: a write; zxids rise.
  Applied apply(const Request& write, uint64_t zxid);

 private:
  // The key is the path of the node.
  absl::flat_hash_map<BytesView, std::unique_ptr<Node>> nodes_;
};

}  // namespace conclave::app::roofline
