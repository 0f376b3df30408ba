#include "sim/world/peer_faults.h"

#include "base/checksum.h"

namespace conclave::sim {

bool PeerFaults::carried(ReplicaId from, ReplicaId to, const Bytes& frame) {
  if (fabric_.loses_frame(host_of(from), host_of(to))) return false;
  const LinkOptions& options = fabric_.options(host_of(from), host_of(to));
  if (options.frame_replay_per_million > 0) maybe_replay(from, to, options, frame);
  if (strikes(options.frame_duplicate_per_million)) stray("frame doubled", from, to, options.frame_late_max, frame);
  if (!strikes(options.frame_reorder_per_million)) return true;
  stray("frame out of order", from, to, options.frame_late_max, frame);
  return false;
}

void PeerFaults::maybe_replay(ReplicaId from, ReplicaId to, const LinkOptions& options, const Bytes& frame) {
  auto& recent = remembered_[{from, to}];
  if (!recent.empty() && strikes(options.frame_replay_per_million)) {
    stray("frame replayed", from, to, options.frame_late_max, recent[random_.below(recent.size())]);
  }
  if (frame.size() > kRememberedFrameBytesMax) return;
  recent.push_back(frame);
  if (recent.size() > kRememberedFrames) recent.pop_front();
}

void PeerFaults::stray(std::string_view what, ReplicaId from, ReplicaId to, Duration late_max, Bytes frame) {
  const auto late = Duration::micros(static_cast<int64_t>(random_.between(0, static_cast<uint64_t>(late_max.us))));
  trace_.record(scheduler_.now(), what, from.value, to.value, xxh3_64(frame, static_cast<uint64_t>(late.us)));
  const Duration delay = fabric_.options(host_of(from), host_of(to)).latency_min + late;
  scheduler_.after(delay, [this, from, to, moved = std::move(frame)]() mutable {
    if (!fabric_.blocked(host_of(from), host_of(to))) deliver_(from, to, std::move(moved));
  });
}

}  // namespace conclave::sim
