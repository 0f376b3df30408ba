// The fault atlas: which replicas' disks still hold, intact, all that they made durable. The cell promises full service
// while a majority of the voters does; the nemesis asks here before it damages one more. Outside, a replica may refuse
// to start or abstain, and must say why; it must never answer wrongly.
#pragma once

#include <set>

#include "base/ids.h"

namespace conclave::sim {

class Atlas {
 public:
  explicit Atlas(size_t voters) : may_be_damaged_((voters - 1) / 2) {}

  // A replica's disk is about to be damaged in a way that syncs do not protect from. False: one too many; leave it.
  // A replica once damaged stays so for the run: what is latent on its disk is not known.
  bool may_damage(ReplicaId replica) const { return damaged_.contains(replica) || damaged_.size() < may_be_damaged_; }
  void damage(ReplicaId replica) { damaged_.insert(replica); }
  bool intact(ReplicaId replica) const { return !damaged_.contains(replica); }

 private:
  size_t may_be_damaged_;
  std::set<ReplicaId> damaged_;
};

}  // namespace conclave::sim
