// What a master can tell from how far all of its peers are. Pure.
#pragma once

#include <map>

#include "consensus/api/engine.h"
#include "consensus/api/quorum.h"
#include "consensus/parts/progress.h"

namespace conclave::consensus {

using Peers = std::map<ReplicaId, Progress>;

// The voter that is known to have most on its disk, the lowest number of several; 0: no voter is among them.
ReplicaId best_informed(const Peers& peers, const Quorum& quorum);

// May this observer become a voter, so that no decision has to wait for it? It was heard of lately, knows on its disk
// that it is a member, by the membership at index `membership`, and lacks little of what is committed.
bool ready_to_vote(const Peers& peers, ReplicaId id, Index membership, Index committed, Instant now,
                   const Config& config);

}  // namespace conclave::consensus
