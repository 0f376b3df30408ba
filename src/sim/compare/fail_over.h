// How long a cell acknowledges nothing when its master is lost. A function of its options.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "sim/compare/settings.h"

namespace conclave::sim::compare {

enum class Loss : uint8_t {
  killed,   // the process ends; the others hear of the broken connections
  cut_off,  // every link of its machine is cut, both ways, those to clients too; nobody is told
};
std::string_view to_string(Loss loss);

// One client at each replica writes every few milliseconds; at a moment drawn from the seed the master is lost, for
// good. The result is the longest time without an acknowledgement to any client (outage.h) from that moment until a
// second after the first acknowledgement of a write that was asked for later.
// Errors: unavailable (nothing is acknowledged within a minute), and those of MeasuredCell::verdict.
Result<Duration> measure_fail_over(const Settings& settings, Loss loss);

}  // namespace conclave::sim::compare
