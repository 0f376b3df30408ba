// What Service and Evaluator share behind service.h. Private to state/service.
#pragma once

#include <expected>
#include <string_view>

#include "state/service/core.h"

namespace conclave::state {

struct Service::Impl {
  Core core;

  // The node at `path` if it is there and grants one of `permissions`.
  std::expected<const Node*, Code> readable(std::string_view path, uint32_t permissions, const Identities& who) const;
};

// When a container or TTL node may go (ZooKeeper ContainerManager): a container once it is empty and has had a child, a
// TTL node once it is empty and was not written for longer than its time.
struct ReapCandidate {
  Lifetime lifetime;
  size_t children;
  int64_t creates;
  int64_t mtime_ms;
  int64_t ttl_ms;
};
bool is_reapable(const ReapCandidate& node, int64_t now_ms);

}  // namespace conclave::state
