// All the state that the load generator's checks need: path to data and version, in a hash map. No tree, no ACLs, no
// sessions, no watches; a node is never removed. Counted as part of the roof. Pure.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <cstdint>
#include <functional>
#include <memory_resource>
#include <string>
#include <utility>

#include "app/roofline/frames.h"
#include "app/roofline/huge_pages.h"
#include "base/bytes.h"

namespace conclave::app::roofline {

struct Node {
  Node(BytesView path_of_it, std::pmr::memory_resource* memory) : path(path_of_it, memory), data(memory) {}

  const std::pmr::string path;
  std::pmr::string data;
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
  HugePages pages_;
  // Of nodes, paths and data. Gives nothing back before the end: room that data outgrows is lost.
  std::pmr::monotonic_buffer_resource memory_{HugePages::kPageBytes / 2, &pages_};
  using Entry = std::pair<const BytesView, Node*>;  // the key is the path of the node
  absl::flat_hash_map<BytesView, Node*, absl::Hash<BytesView>, std::equal_to<>, std::pmr::polymorphic_allocator<Entry>>
      nodes_{&pages_};
};

}  // namespace conclave::app::roofline
