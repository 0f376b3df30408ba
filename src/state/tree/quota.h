// Quotas as ZooKeeper keeps them: the limit of the subtree at /p lies in /zookeeper/quota/p/zookeeper_limits, its use
// in /zookeeper/quota/p/zookeeper_stats, both as text. Here: the text format, the paths, and the index of subtrees that
// have a limit. Pure.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "absl/container/btree_set.h"

namespace conclave::state {

// Text such as "count=5,bytes=100=;byteHardLimit=200;countHardLimit=9" (ZooKeeper StatsTrack). Absent figures are -1.
// Reading is total: a figure that is no number counts as absent.
class QuotaFigures {
 public:
  QuotaFigures() = default;
  explicit QuotaFigures(std::string_view text);

  int64_t count() const { return get("count"); }
  int64_t bytes() const { return get("bytes"); }
  int64_t count_hard_limit() const { return get("countHardLimit"); }
  int64_t byte_hard_limit() const { return get("byteHardLimit"); }
  void set_count(int64_t value) { values_.insert_or_assign("count", value); }
  void set_bytes(int64_t value) { values_.insert_or_assign("bytes", value); }
  // A client may have written any number: a sum beyond the type stays at its limit.
  void add(int64_t nodes, int64_t bytes);
  std::string text() const;

 private:
  int64_t get(std::string_view key) const;

  std::map<std::string, int64_t, std::less<>> values_;
};

std::string quota_limit_path(std::string_view subtree);
std::string quota_stat_path(std::string_view subtree);
// The subtree whose limit (or use) node `path` is; "/" for the nodes directly beneath /zookeeper/quota.
std::optional<std::string_view> quota_limit_subtree(std::string_view path);
std::optional<std::string_view> quota_stat_subtree(std::string_view path);

// The subtrees that have a limit node.
class QuotaIndex {
 public:
  // Called for every created and deleted node: keeps limit nodes, ignores the others. A limit on the root is ignored.
  void on_created(std::string_view path);
  void on_deleted(std::string_view path);
  // The deepest subtree with a limit that `path` lies in.
  std::optional<std::string_view> covering(std::string_view path) const;
  bool empty() const { return subtrees_.empty(); }
  void clear() { subtrees_.clear(); }

 private:
  absl::btree_set<std::string, std::less<>> subtrees_;
};

// What one more create or set would do to a quota.
struct QuotaVerdict {
  bool refused = false;     // a hard limit would be passed
  std::string explanation;  // not empty when a limit, hard or soft, would be passed
};
QuotaVerdict judge_quota(std::string_view subtree, const QuotaFigures& limits, const QuotaFigures& used,
                         int64_t bytes_added, int64_t nodes_added);

}  // namespace conclave::state
