#include "consensus/parts/peers.h"

namespace conclave::consensus {
namespace {

// Committed entries that a voter to be may lack: less than a moment's work, or every later write would wait for it.
constexpr uint64_t kLagMax = 1024;

}  // namespace

ReplicaId best_informed(const Peers& peers, const Quorum& quorum) {
  const Progress* best = nullptr;
  ReplicaId who;
  for (const auto& [id, peer] : peers) {
    if (!quorum.is_voter(id) || (best && peer.durable() <= best->durable())) continue;
    best = &peer;
    who = id;
  }
  return who;
}

bool ready_to_vote(const Peers& peers, ReplicaId id, Index membership, Index committed, Instant now,
                   const Config& config) {
  const auto peer = peers.find(id);
  if (peer == peers.end() || !peer->second.ever_heard()) return false;
  const Index durable = peer->second.durable();
  return now < peer->second.heard() + config.election_timeout_max && durable >= membership &&
         durable + kLagMax >= committed;
}

}  // namespace conclave::consensus
