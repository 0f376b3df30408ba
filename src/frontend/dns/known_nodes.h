// What is known of nodes, by path: an open handle, and the records that were read from a file of this instance and
// generation. A generation never has other contents, so these need no invalidation; whether they are those of now the
// tree is asked every time. Bounded; what was used longest ago goes first. Pure.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "client/chubby/types.h"
#include "frontend/dns/record_text.h"

namespace conclave::frontend::dns {

// Shared by the cache and the answers that are being put together. Null: none.
using Records = std::shared_ptr<const std::vector<FileRecord>>;

struct KnownNode {
  std::string path;
  conclave::chubby::HandleId handle;  // 0: not kept open
  bool directory = false;
  bool ephemeral = false;
  // of a file
  uint64_t instance = 0;
  uint64_t generation = 0;
  Records records;

  bool is_of(const conclave::chubby::Stat& stat) const {
    return records && instance == stat.instance && generation == stat.content_generation;
  }
};

class KnownNodes {
 public:
  KnownNodes(size_t entries_max, size_t bytes_max) : entries_max_(entries_max), bytes_max_(bytes_max) {}

  // Null: nothing is known. Valid until the next change.
  const KnownNode* find(std::string_view path);
  // Instead of what was known. Returns the handles that are to be closed: of what had to go.
  std::vector<conclave::chubby::HandleId> keep(KnownNode node);
  // Returns its handle, to be closed.
  conclave::chubby::HandleId forget(std::string_view path);
  // Returns all handles, to be closed.
  std::vector<conclave::chubby::HandleId> forget_all();

  size_t entries() const { return by_path_.size(); }

 private:
  using Order = std::list<KnownNode>;  // the one used last is first

  static size_t bytes_of(const KnownNode& node);
  conclave::chubby::HandleId erase(Order::iterator node);

  size_t entries_max_;
  size_t bytes_max_;
  size_t bytes_ = 0;
  Order order_;
  std::unordered_map<std::string_view, Order::iterator> by_path_;  // views of the nodes' own paths
};

}  // namespace conclave::frontend::dns
