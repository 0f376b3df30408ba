// Peer frames that arrive outside the order of their connection: twice, late and so overtaken by others, or once more
// long after, when the connection, the ballot, even the life of the sender are others. TCP does none of this; a replica
// that stays right under it does not lean on the transport. Rates stand in LinkOptions.
//
// A stray frame is delivered if its receiver is connected to the sender when it arrives, and is lost otherwise, or if
// the link is blocked then. One thread.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string_view>
#include <utility>

#include "base/bytes.h"
#include "base/random.h"
#include "sim/world/fabric.h"

namespace conclave::sim {

class PeerFaults {
 public:
  using Deliver = std::function<void(ReplicaId from, ReplicaId to, Bytes frame)>;

  PeerFaults(Scheduler& scheduler, Trace& trace, Fabric& fabric, uint64_t seed, Deliver deliver)
      : scheduler_(scheduler), trace_(trace), fabric_(fabric), random_(seed), deliver_(std::move(deliver)) {}

  // Called with each frame that a replica sends over a link. False: its connection does not carry it.
  bool carried(ReplicaId from, ReplicaId to, const LinkOptions& link, const Bytes& frame) {
    return !link.frame_faults() || carried_in_spite(from, to, link, frame);
  }

 private:
  // Recent frames of one link, for replays; remembered while its rate is not zero.
  static constexpr size_t kRememberedFrames = 64;
  static constexpr size_t kRememberedFrameBytesMax = 64 << 10;

  bool carried_in_spite(ReplicaId from, ReplicaId to, const LinkOptions& link, const Bytes& frame);
  bool strikes(uint32_t per_million) { return per_million > 0 && random_.chance(per_million, 1'000'000); }
  void maybe_replay(ReplicaId from, ReplicaId to, const LinkOptions& link, const Bytes& frame);
  void stray(std::string_view what, ReplicaId from, ReplicaId to, const LinkOptions& link, Bytes frame);

  Scheduler& scheduler_;
  Trace& trace_;
  Fabric& fabric_;
  Random random_;
  Deliver deliver_;
  std::map<std::pair<ReplicaId, ReplicaId>, std::deque<Bytes>> remembered_;
};

inline HostId host_of(ReplicaId replica) {
  return HostId(replica.value);
}

}  // namespace conclave::sim
