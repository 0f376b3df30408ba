// Makes a failing plan small: fewer faults, fewer clients, a shorter run, usual settings; as long as it still fails in
// the same way. Delta debugging (Zeller and Hildebrandt, 2002) over the list of faults. What "fails in the same way"
// means is the caller's business. Pure.
#pragma once

#include <cstddef>
#include <functional>

#include "sim/cluster/plan.h"

namespace conclave::sim {

struct Shrunk {
  Plan plan;
  size_t runs = 0;
};

// REQUIRES: still_fails(plan). Asks at most `runs_max` times.
Shrunk shrink(const Plan& plan, const std::function<bool(const Plan&)>& still_fails, size_t runs_max);

}  // namespace conclave::sim
