#include "client/server_rotation.h"

#include <algorithm>
#include <utility>

namespace conclave::client {
namespace {

constexpr int64_t kPauseFirstMs = 50;
constexpr int64_t kPauseMaxMs = 1'000;

}  // namespace

ServerRotation::ServerRotation(std::vector<env::Address> servers, uint64_t seed)
    : servers_(std::move(servers)), random_(seed) {
  CONCLAVE_ASSERT(!servers_.empty());
  for (size_t i = servers_.size() - 1; i > 0; --i) {
    std::swap(servers_[i], servers_[static_cast<size_t>(random_.below(i + 1))]);
  }
}

const env::Address& ServerRotation::next() {
  ++attempts_;
  const env::Address& server = servers_[position_];
  position_ = (position_ + 1) % servers_.size();
  return server;
}

Duration ServerRotation::pause() {
  if (attempts_ % servers_.size() != 0 || attempts_ == 0) return Duration::millis(0);
  const size_t rounds = std::min<size_t>(attempts_ / servers_.size(), 6);
  const int64_t bound_ms = std::min(kPauseFirstMs << (rounds - 1), kPauseMaxMs);
  return Duration::millis(
      static_cast<int64_t>(random_.between(static_cast<uint64_t>(bound_ms / 2), static_cast<uint64_t>(bound_ms))));
}

}  // namespace conclave::client
