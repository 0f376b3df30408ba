// What an engine must never forget besides its entries. Always written as one record (B01).
#pragma once

#include "consensus/api/ballot.h"

namespace conclave::consensus {

struct HardState {
  Ballot promised;  // Paxos: highest ballot promised (PX-10). Raft: current term and vote. Zab: acceptedEpoch.
  Ballot joined;    // Zab: currentEpoch. Equal to `promised` or lower. Paxos and Raft leave it zero.
  Index committed;  // a hint: everything up to here was known to be chosen. Never ahead of the truth.

  friend bool operator==(const HardState&, const HardState&) = default;
};

}  // namespace conclave::consensus
