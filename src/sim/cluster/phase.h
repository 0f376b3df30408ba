// What a cell is doing at a moment, as its protocol sees it: one half of the question "which fault has struck in which
// phase?" (summary.h has the other).
#pragma once

#include <cstdint>
#include <string_view>

namespace conclave::sim {

class Cell;

enum class Phase : uint8_t {
  no_quorum,      // fewer replicas run than a majority
  no_candidate,   // nobody leads, nobody asks to
  election,       // somebody asks for promises
  synchronising,  // somebody has the lead and does not serve yet
  catching_up,    // a master serves, and a running replica is far behind
  idle,           // a master serves, nothing is under way
  writing,        // a master serves, and has entries under way
};
constexpr size_t kPhases = 7;
std::string_view name_of(Phase phase);

Phase phase_of(Cell& cell);

}  // namespace conclave::sim
