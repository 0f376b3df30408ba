// How long nobody was told of a write. Pure.
#pragma once

#include <algorithm>
#include <vector>

#include "sim/compare/writer.h"

namespace conclave::sim::compare {

// Something goes wrong at `from`: the longest time, from the last acknowledgement before it up to `to`, in which no
// client was told of a write that was asked for since. Answers to older writes do not end it: one may come in the
// middle of an outage, when a replica learns what was decided before. REQUIRES: `acknowledged` is in the order of the
// answers.
inline Duration longest_outage(const std::vector<Acknowledgement>& acknowledged, Instant from, Instant to) {
  Duration longest{0};
  Instant last = acknowledged.empty() ? from : std::min(from, acknowledged.front().answered);
  for (const Acknowledgement& one : acknowledged) {
    if (one.answered > to) break;
    const bool is_late = one.asked < from && one.answered >= from;
    if (is_late) continue;
    if (one.answered >= from) longest = std::max(longest, one.answered - last);
    last = one.answered;
  }
  return std::max(longest, to - last);
}

}  // namespace conclave::sim::compare
