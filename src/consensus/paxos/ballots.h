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

// The lowest round of `self` above `round`.
constexpr uint64_t next_round(ReplicaId self, uint64_t round) {
  const uint64_t next = round - round % kRoundStride + self.value;
  return next > round ? next : next + kRoundStride;
}

// Whether `self` has a ballot above `round`: 16 million elections use them up, since a round becomes the epoch of a
// zxid, and so does a peer that names a round it never reached.
constexpr bool has_next_ballot(ReplicaId self, uint64_t round) {
  return next_round(self, round) <= UINT32_MAX;
}

// The lowest ballot of `self` whose round is above `round`. REQUIRES: has_next_ballot(self, round).
inline Ballot next_ballot(ReplicaId self, uint64_t round) {
  CONCLAVE_ASSERT(has_next_ballot(self, round));
  return Ballot{.round = next_round(self, round), .replica = self};
}

}  // namespace conclave::paxos
