// The search for an order (Wing and Gong 1993; Lowe 2017; as in Porcupine): is there one order of operations on a
// register that respects real time and gives every client what it was told? Depth first over the operations that none
// of those not yet ordered precedes; a set of operations already ordered with the register they lead to is never
// entered twice. Exponential in concurrency at worst, so it works on windows between moments at which nothing was under
// way, and within a budget of steps. Pure.
//
// Writes of unknown outcome have no end: they may be ordered at any later place, or never. From one window to the next
// go all pairs (register, writes of unknown outcome still open) in which the window can have ended.
#pragma once

#include <string>
#include <vector>

#include "sim/check/register.h"

namespace conclave::sim::check {

struct Entry {
  Instant invoked;
  Instant completed;  // if known
  bool known = true;
  std::vector<Step> steps;  // taken together: several of a multi
  size_t operation = 0;     // in the history
};

struct SearchResult {
  enum class Verdict : uint8_t { linearizable, not_linearizable, unknown };
  Verdict verdict = Verdict::linearizable;
  uint64_t steps = 0;
  // Not linearizable: where the longest attempt got stuck.
  size_t ordered = 0;       // operations of known outcome in an order by then, all windows
  size_t stuck_before = 0;  // operation that was complete before anything else could come
};

// REQUIRES: entries by `invoked`. The register begins empty.
SearchResult search_order(const std::vector<Entry>& entries, uint64_t steps_max);

}  // namespace conclave::sim::check
