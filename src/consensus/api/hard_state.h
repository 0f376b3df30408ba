// What an engine must never forget besides its entries. Always written as one record (B01).
#pragma once

#include "consensus/api/ballot.h"

namespace conclave::consensus {

struct HardState {
  Ballot promised;  // Paxos: highest ballot promised (PX-10). Raft: current term and vote. Zab: acceptedEpoch.
  Ballot joined;    // Zab: currentEpoch. Equal to `promised` or lower. Paxos and Raft leave it zero.
  Index committed;  // a hint: everything up to here was known to be chosen. Never ahead of the truth.

  // Raft: some of what was durable here up to this position cannot be read any more. Until the log has reached that of
  // a leader once, this replica must not vote as if it had never held more (B37). 0: nothing is owed.
  Index owed;

  friend bool operator==(const HardState&, const HardState&) = default;
};

}  // namespace conclave::consensus
