// Paths of nodes: "/" or "/name/name...". Pure functions on borrowed bytes, no allocation.
#pragma once

#include <cstddef>
#include <string_view>

namespace conclave::state {

// ZooKeeper's rule (PathUtils.validatePath) on UTF-8: starts with '/', no empty, "." or ".." component, no trailing
// slash, no control character (0-1F, 7F-9F), nothing ZooKeeper's UTF-16 check refuses (surrogates, hence everything
// beyond the basic plane, the private area, FFF0-FFFF) and no malformed UTF-8, which Java reads as U+FFFD.
bool valid_path(std::string_view path);

// "/a/b" -> "/a", "/a" -> "/". Everything before the last slash, whatever the rest looks like; "/" has no parent and
// gives "/". REQUIRES: path contains a '/'.
std::string_view parent_path(std::string_view path);
// "/a/b" -> "b". REQUIRES: path contains a '/'.
std::string_view name_of(std::string_view path);
// Number of components; 0 for "/".
size_t path_depth(std::string_view path);
// True when `path` is `ancestor` or lies beneath it. Both canonical.
bool within(std::string_view path, std::string_view ancestor);
// Nodes that ZooKeeper owns and nobody may delete: "/", "/zookeeper", "/zookeeper/quota", "/zookeeper/config".
bool is_special_path(std::string_view path);

inline constexpr std::string_view kRootPath = "/";
inline constexpr std::string_view kZooKeeperPath = "/zookeeper";
inline constexpr std::string_view kQuotaPath = "/zookeeper/quota";
inline constexpr std::string_view kConfigPath = "/zookeeper/config";

// Splits off the first component of `*rest` (which starts with '/'); false when the path is used up. An empty component
// is returned as such: no node has an empty name, so that a lookup of "/a//b" or "/a/" finds nothing.
inline bool next_component(std::string_view* rest, std::string_view* component) {
  if (rest->empty()) return false;
  const size_t end = rest->find('/', 1);
  *component = rest->substr(1, end == std::string_view::npos ? end : end - 1);
  *rest = end == std::string_view::npos ? std::string_view() : rest->substr(end);
  return true;
}

}  // namespace conclave::state
