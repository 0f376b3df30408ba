// Ballot: Paxos proposal number = Raft term = Zab epoch. Totally ordered by (round, replica) (PX-07).
#pragma once

#include <compare>
#include <cstdint>
#include <string>

#include "base/ids.h"

namespace conclave::consensus {

struct Ballot {
  uint64_t round = 0;  // below 2^32: it becomes the epoch of zxids
  ReplicaId replica;   // who owns the ballot (Raft: who was voted for)

  friend constexpr auto operator<=>(const Ballot&, const Ballot&) = default;
  constexpr explicit operator bool() const { return round != 0; }
  constexpr Epoch epoch() const { return Epoch(static_cast<uint32_t>(round)); }
};

inline std::string to_string(const Ballot& b) {
  return std::to_string(b.round) + "." + to_string(b.replica);
}

}  // namespace conclave::consensus
