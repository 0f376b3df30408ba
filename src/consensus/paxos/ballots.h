// Numbering of proposals (PX-07; "Paxos Made Simple" 2.2: disjoint sets of numbers). A replica only uses rounds that
// are congruent to its own id modulo 256, so a round, and with it an epoch, belongs to one replica for ever (E5).
#pragma once

#include "base/assert.h"
#include "consensus/api/ballot.h"

namespace conclave::paxos {

using consensus::Ballot;

inline constexpr uint64_t kRoundStride = 256;

// Whether `ballot` can have been made by its owner.
constexpr bool well_formed(const Ballot& ballot) {
  return ballot.round != 0 && ballot.replica.value != 0 && ballot.round <= UINT32_MAX &&
         ballot.round % kRoundStride == ballot.replica.value;
}

// The lowest ballot of `self` whose round is above `round`.
inline Ballot next_ballot(ReplicaId self, uint64_t round) {
  uint64_t next = round - round % kRoundStride + self.value;
  if (next <= round) next += kRoundStride;
  CONCLAVE_ASSERT(next <= UINT32_MAX);  // 16 million elections; it would become the epoch of a zxid
  return Ballot{.round = next, .replica = self};
}

}  // namespace conclave::paxos
