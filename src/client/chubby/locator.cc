#include "client/chubby/locator.h"

#include <algorithm>
#include <utility>

namespace conclave::chubby {
namespace {

constexpr int64_t kPauseFirstMs = 50;
constexpr int64_t kPauseMaxMs = 1'000;

}  // namespace

Locator::Locator(std::vector<env::Address> replicas, uint64_t seed) : replicas_(std::move(replicas)), random_(seed) {
  CONCLAVE_ASSERT(!replicas_.empty());
  for (size_t i = replicas_.size() - 1; i > 0; --i) {
    std::swap(replicas_[i], replicas_[static_cast<size_t>(random_.below(i + 1))]);
  }
}

env::Address Locator::next() {
  if (hint_) {
    last_ = *std::exchange(hint_, std::nullopt);
    return last_;
  }
  hops_ = 0;
  ++attempts_;
  last_ = replicas_[position_];
  position_ = (position_ + 1) % replicas_.size();
  return last_;
}

Duration Locator::pause() {
  if (hint_ || attempts_ == 0 || attempts_ % replicas_.size() != 0) return Duration{};
  const size_t rounds = std::min<size_t>(attempts_ / replicas_.size(), 6);
  const int64_t most_ms = std::min(kPauseFirstMs << (rounds - 1), kPauseMaxMs);
  return Duration::millis(
      static_cast<int64_t>(random_.between(static_cast<uint64_t>(most_ms / 2), static_cast<uint64_t>(most_ms))));
}

void Locator::named(env::Address master) {
  if (hops_ >= replicas_.size()) return;
  ++hops_;
  hint_ = std::move(master);
}

void Locator::succeeded() {
  attempts_ = 0;
  hops_ = 0;
}

}  // namespace conclave::chubby
