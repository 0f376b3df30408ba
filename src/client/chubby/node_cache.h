// What the master said of nodes and promised to take back (CH-55): stat and contents, or absence, by path. Bounded;
// what was used longest ago goes first. Pure. Whether it may be used at the moment its owner knows.
#pragma once

#include <list>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "client/chubby/types.h"

namespace conclave::chubby {

class NodeCache {
 public:
  struct Node {
    std::string path;
    bool absent = false;
    Stat stat;
    std::optional<Bytes> contents;
  };

  NodeCache(size_t entries_max, size_t bytes_max) : entries_max_(entries_max), bytes_max_(bytes_max) {}

  // Null: nothing is known. Valid until the next change.
  const Node* find(std::string_view path);
  void keep_absence(std::string_view path) { keep({.path = std::string(path), .absent = true}); }
  // Contents that are known already stay, if they are those of this stat.
  void keep_stat(std::string_view path, const Stat& stat);
  void keep_contents(std::string_view path, const Stat& stat, BytesView contents) {
    keep({.path = std::string(path), .stat = stat, .contents = Bytes(contents)});
  }
  void drop(std::string_view path);
  void clear();

  size_t entries() const { return by_path_.size(); }
  size_t bytes() const { return bytes_; }

 private:
  using Order = std::list<Node>;  // the one used last is first

  static size_t bytes_of(const Node& node);
  void keep(Node node);
  void erase(Order::iterator node);

  size_t entries_max_;
  size_t bytes_max_;
  size_t bytes_ = 0;
  Order order_;
  std::map<std::string_view, Order::iterator> by_path_;  // views of the nodes' own paths
};

}  // namespace conclave::chubby
