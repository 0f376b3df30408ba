#include "sim/world/peer_faults.h"

#include "base/checksum.h"

namespace conclave::sim {

bool PeerFaults::carried_in_spite(ReplicaId from, ReplicaId to, const LinkOptions& link, const Bytes& frame) {
  if (strikes(link.frame_loss_per_million)) {
    trace_.record(scheduler_.now(), "frame lost", from.value, to.value);
    return false;
  }
  if (link.frame_replay_per_million > 0) maybe_replay(from, to, link, frame);
  if (strikes(link.frame_duplicate_per_million)) stray("frame doubled", from, to, link, frame);
  if (!strikes(link.frame_reorder_per_million)) return true;
  stray("frame out of order", from, to, link, frame);
  return false;
}

void PeerFaults::maybe_replay(ReplicaId from, ReplicaId to, const LinkOptions& link, const Bytes& frame) {
  auto& recent = remembered_[{from, to}];
  if (!recent.empty() && strikes(link.frame_replay_per_million)) {
    stray("frame replayed", from, to, link, recent[random_.below(recent.size())]);
  }
  if (frame.size() > kRememberedFrameBytesMax) return;
  recent.push_back(frame);
  if (recent.size() > kRememberedFrames) recent.pop_front();
}

void PeerFaults::stray(std::string_view what, ReplicaId from, ReplicaId to, const LinkOptions& link, Bytes frame) {
  const uint64_t late_us = random_.between(0, static_cast<uint64_t>(link.frame_late_max.us));
  trace_.record(scheduler_.now(), what, from.value, to.value, xxh3_64(frame, late_us));
  const Duration delay = link.latency_min + Duration::micros(static_cast<int64_t>(late_us));
  scheduler_.after(delay, [this, from, to, moved = std::move(frame)]() mutable {
    if (!fabric_.blocked(host_of(from), host_of(to))) deliver_(from, to, std::move(moved));
  });
}

}  // namespace conclave::sim
