#include "consensus/parts/progress.h"

namespace conclave::consensus {
namespace {

constexpr Duration kSnapshotPause = Duration::seconds(1);

}  // namespace

void Progress::report(Index received, Index durable, Instant sent) {
  placed_ = true;
  if (sent >= reported_at_ && received < received_) {
    received_ = received;
    durable_ = durable;
    rewind();
  }
  reported_at_ = std::max(reported_at_, sent);
  received_ = std::max(received_, received);
  durable_ = std::max(durable_, std::min(durable, received_));
  next_ = std::max(next_, received_.next());
  forget_received();
}

void Progress::accepted(Index first, Index last) {
  if (!placed_) return;
  Index& ahead = ahead_[first];
  ahead = std::max(ahead, last);
  for (auto range = ahead_.begin(); range != ahead_.end() && range->first <= durable_.next();) {
    durable_ = std::max(durable_, range->second);
    range = ahead_.erase(range);
  }
  if (first <= received_.next()) received_ = std::max(received_, last);
  received_ = std::max(received_, durable_);
  next_ = std::max(next_, received_.next());
  forget_received();
}

void Progress::forget_received() {
  while (!unacknowledged_.empty() && unacknowledged_.front().last <= received_) {
    bytes_ -= unacknowledged_.front().bytes;
    unacknowledged_.pop_front();
  }
}

Progress::Window Progress::room(Window window) const {
  if (!placed_ || !reachable_) return {0, 0};
  const size_t slots = next_ - received_ - 1;
  return {.slots = window.slots > slots ? window.slots - slots : 0,
          .bytes = window.bytes > bytes_ ? window.bytes - bytes_ : 0};
}

void Progress::sent(Index last, size_t bytes) {
  next_ = last.next();
  unacknowledged_.push_back({.last = last, .bytes = bytes});
  bytes_ += bytes;
}

void Progress::rewind() {
  next_ = received_.next();
  unacknowledged_.clear();
  ahead_.clear();
  bytes_ = 0;
  probing_ = false;
  fruitless_ = 0;
}

void Progress::seek(Index next) {
  received_ = Index();
  rewind();
  placed_ = false;
  next_ = next;
}

void Progress::heartbeat_sent(Instant at) {
  if (probing_) return;
  probing_ = true;
  probe_at_ = at;
  probe_last_ = next_.prev();
  probe_received_ = received_;
}

bool Progress::heartbeat_answered(Instant sent) {
  if (!probing_ || sent < probe_at_) return false;
  probing_ = false;
  const bool arrived = received_ >= probe_last_;
  fruitless_ = arrived || received_ > probe_received_ ? 0 : fruitless_ + 1;
  if (fruitless_ < 2) return false;
  rewind();
  return true;
}

void Progress::fold(StateFold& fold) const {
  fold.add(placed_, reachable_, next_, received_, durable_);
  fold.all(ahead_);
  fold.elapsed(reported_at_);
  fold.add(unacknowledged_.size(), bytes_);
  for (const Batch& batch : unacknowledged_) fold.add(batch.last, batch.bytes);
  fold.add(fruitless_, probing_);
  if (probing_) {
    fold.elapsed(probe_at_);
    fold.add(probe_last_, probe_received_);
  }
  fold.elapsed(went_back_at_);
  fold.remaining(snapshot_at_ + kSnapshotPause);
}

bool Progress::snapshot_due(Instant now) {
  if (now < snapshot_at_ + kSnapshotPause) return false;
  snapshot_at_ = now;
  return true;
}

}  // namespace conclave::consensus
