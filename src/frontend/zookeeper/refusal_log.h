// Keeps lines of the log that a client can cause at will from filling it: of each kind at most one a second, which
// tells how many were left out before it. Loop thread only.
//
//   if (const auto left_out = hub_->refusals.admit(Refusal::opcode, now)) log::info(..., {{"left_out", *left_out}});
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "base/time.h"

namespace conclave::frontend::zookeeper {

enum class Refusal : uint8_t { opcode, reconfig, authentication, client_ahead, session, connection, too_many, kinds };

class RefusalLog {
 public:
  static constexpr Duration kInterval{1'000'000};

  // The number of lines of this kind left out since the last one; nullopt: leave this one out too.
  std::optional<uint64_t> admit(Refusal kind, Instant now) {
    Kind& state = kinds_[static_cast<size_t>(kind)];
    if (state.last && now - *state.last < kInterval) {
      ++state.left_out;
      return std::nullopt;
    }
    const uint64_t left_out = state.left_out;
    state = {.last = now, .left_out = 0};
    return left_out;
  }

 private:
  struct Kind {
    std::optional<Instant> last;
    uint64_t left_out = 0;
  };
  std::array<Kind, static_cast<size_t>(Refusal::kinds)> kinds_{};
};

}  // namespace conclave::frontend::zookeeper
