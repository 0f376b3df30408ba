// A plan from a seed. Swarm testing: each seed switches each kind of fault off with a chance of one half, and draws the
// size of the cell, its settings, its load and the pace of the faults anew, so that many different corners are visited
// rather than one average (Groce et al., ISSTA 2012).
#pragma once

#include <cstdint>

#include "sim/cluster/plan.h"

namespace conclave::sim {

enum class Profile : uint8_t {
  swarm,     // everything is drawn
  locks,     // drawn as well: mostly clients of the lock service
  members,   // drawn as well: the members of the cell change all the time
  standard,  // five replicas with the settings that ship; faults are drawn. For measuring speed
};

// `safety`: how long the phase with faults lasts.
Plan draw_plan(uint64_t seed, Profile profile, Duration safety);

}  // namespace conclave::sim
