#include "state/tree/quota.h"

#include <charconv>
#include <fmt/format.h>
#include <limits>

#include "state/tree/path.h"

namespace conclave::state {
namespace {

constexpr std::string_view kLimitName = "zookeeper_limits";
constexpr std::string_view kStatName = "zookeeper_stats";

std::optional<int64_t> parse(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

int64_t bounded_sum(int64_t a, int64_t b) {
  int64_t sum = 0;
  if (!__builtin_add_overflow(a, b, &sum)) return sum;
  return b > 0 ? std::numeric_limits<int64_t>::max() : std::numeric_limits<int64_t>::min();
}

std::optional<std::string_view> subtree_of(std::string_view path, std::string_view name) {
  if (!path.starts_with(kQuotaPath) || path.size() <= kQuotaPath.size() || path[kQuotaPath.size()] != '/')
    return std::nullopt;
  if (name_of(path) != name) return std::nullopt;
  const std::string_view parent = parent_path(path);
  return parent == kQuotaPath ? kRootPath : parent.substr(kQuotaPath.size());
}

std::string quota_path(std::string_view subtree, std::string_view name) {
  return fmt::format("{}{}/{}", kQuotaPath, subtree == kRootPath ? "" : subtree, name);
}

}  // namespace

QuotaFigures::QuotaFigures(std::string_view text) {
  while (!text.empty()) {
    const size_t end = text.find_first_of(",;");
    const std::string_view pair = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    const size_t equals = pair.find('=');
    if (equals == std::string_view::npos) continue;
    std::string_view number = pair.substr(equals + 1);
    number = number.substr(0, number.find('='));  // "bytes=5=": an old reader's trick
    if (const auto value = parse(number)) values_.insert_or_assign(std::string(pair.substr(0, equals)), *value);
  }
}

int64_t QuotaFigures::get(std::string_view key) const {
  const auto it = values_.find(key);
  return it == values_.end() ? -1 : it->second;
}

void QuotaFigures::add(int64_t nodes, int64_t bytes_added) {
  set_count(bounded_sum(count(), nodes));
  set_bytes(bounded_sum(bytes(), bytes_added));
}

std::string QuotaFigures::text() const {
  std::string out = fmt::format("count={},bytes={}", count(), bytes());
  bool first = true;
  for (const auto& [key, value] : values_) {
    if (key == "count" || key == "bytes") continue;
    out += fmt::format("{};{}={}", first ? "=" : "", key, value);
    first = false;
  }
  return out;
}

std::string quota_limit_path(std::string_view subtree) {
  return quota_path(subtree, kLimitName);
}
std::string quota_stat_path(std::string_view subtree) {
  return quota_path(subtree, kStatName);
}
std::optional<std::string_view> quota_limit_subtree(std::string_view path) {
  return subtree_of(path, kLimitName);
}
std::optional<std::string_view> quota_stat_subtree(std::string_view path) {
  return subtree_of(path, kStatName);
}

void QuotaIndex::on_created(std::string_view path) {
  if (const auto subtree = quota_limit_subtree(path); subtree && *subtree != kRootPath) subtrees_.emplace(*subtree);
}

void QuotaIndex::on_deleted(std::string_view path) {
  if (subtrees_.empty()) return;
  if (const auto subtree = quota_limit_subtree(path)) subtrees_.erase(std::string(*subtree));
}

std::optional<std::string_view> QuotaIndex::covering(std::string_view path) const {
  if (subtrees_.empty()) return std::nullopt;
  for (; path != kRootPath; path = parent_path(path)) {
    const auto it = subtrees_.find(path);
    if (it != subtrees_.end()) return std::string_view(*it);
  }
  return std::nullopt;
}

QuotaVerdict judge_quota(std::string_view subtree, const QuotaFigures& limits, const QuotaFigures& used,
                         int64_t bytes_added, int64_t nodes_added) {
  QuotaVerdict verdict;
  const auto check = [&](std::string_view what, int64_t added, int64_t now, int64_t soft, int64_t hard) {
    if (verdict.refused || added == 0 || (soft <= -1 && hard <= -1)) return;
    const bool is_hard = hard > -1;
    const int64_t limit = is_hard ? hard : soft;
    const int64_t sum = bounded_sum(now, added);
    if (sum <= limit) return;
    verdict.refused = is_hard;
    verdict.explanation = fmt::format("the {} of {} would be {}, above its {} limit of {}", what, subtree, sum,
                                      is_hard ? "hard" : "soft", limit);
  };
  check("node count", nodes_added, used.count(), limits.count(), limits.count_hard_limit());
  check("bytes", bytes_added, used.bytes(), limits.bytes(), limits.byte_hard_limit());
  return verdict;
}

}  // namespace conclave::state
