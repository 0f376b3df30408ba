// Takes samples of what every replica's process holds, at intervals of virtual time, and has them judged
// (sim/check/resources.h). Looks at the processes from outside, between two events of the world: no event, no random
// number and no turn of a loop is spent on it.
#pragma once

#include <map>
#include <utility>
#include <vector>

#include "sim/check/resources.h"
#include "sim/cluster/cell.h"
#include "sim/cluster/findings.h"

namespace conclave::sim {

class ResourceChecks {
 public:
  explicit ResourceChecks(Cell& cell);

  // Call it often: takes a sample of each running replica when one is due.
  void observe();
  // What is left in these replicas, which are all that can run; empty: they are at rest.
  check::Violations left(const std::vector<ReplicaId>& replicas);

  // The most that any replica held of each.
  const check::Holdings& most() const { return most_; }

 private:
  check::ResourceSample sample(ReplicaId id);
  void count_files(check::ResourceSample& sample);
  // What is only given back, or only drains, in time: judged once it has been above its bound, and not become less, for
  // a while.
  void excuse_for_a_while(check::ResourceSample& sample);

  Cell& cell_;
  check::ResourceLimits limits_;
  check::Holdings most_{};
  Instant next_;
  struct Since {
    uint64_t held = 0;
    uint64_t samples = 0;
  };
  std::map<std::pair<ReplicaId, check::Resource>, Since> since_;
  uint64_t rounds_ = 0;
};

}  // namespace conclave::sim
