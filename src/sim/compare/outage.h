// How long nobody was told of a write. Pure.
#pragma once

#include <algorithm>
#include <vector>

#include "sim/compare/writer.h"

namespace conclave::sim::compare {

// The longest time in [from, to] without an acknowledgement to any client. A time that was under way at `from` counts
// whole, and one that is at `to` counts up to there. REQUIRES: `acknowledged` is in the order of the answers.
inline Duration longest_outage(const std::vector<Acknowledgement>& acknowledged, Instant from, Instant to) {
  Duration longest{0};
  Instant last = acknowledged.empty() ? from : std::min(from, acknowledged.front().answered);
  for (const Acknowledgement& one : acknowledged) {
    if (one.answered > to) break;
    if (one.answered >= from) longest = std::max(longest, one.answered - last);
    last = one.answered;
  }
  return std::max(longest, to - last);
}

}  // namespace conclave::sim::compare
