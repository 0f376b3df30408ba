// When a master sent something, on its own clock, and its read round then. Echoed, never interpreted, by followers.
// Pure.
#pragma once

#include <compare>
#include <cstdint>

#include "base/time.h"

namespace conclave::consensus {

struct Stamp {
  Instant sent;
  uint64_t read_round = 0;
  friend auto operator<=>(const Stamp&, const Stamp&) = default;
};

// Of an answer that answers nothing: it proves that its sender lives, no more.
inline constexpr Stamp kNoStamp{.sent = Instant{INT64_MIN / 2}};

}  // namespace conclave::consensus
