// One node as a register: what the order-blind checker knows of the world. No zxid, no children, no sessions: there or
// not, which version, which data. Pure.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>

#include "sim/check/history.h"

namespace conclave::sim::check {

struct Register {
  bool exists = false;
  int32_t version = 0;
  uint32_t data = 0;  // number of the bytes within the history
  friend auto operator<=>(const Register&, const Register&) = default;
};

// One thing that was done to the register, with what the client was told.
struct Step {
  Action action = Action::get;  // create, remove, set, check, get, exists
  int32_t asked = -1;           // version asked for; -1: any
  uint32_t written = 0;         // create, set: number of the bytes
  bool known = true;            // the outcome: below
  Code code = Code::ok;
  std::optional<int32_t> version;  // told: the version after it
  uint32_t read = 0;               // get: number of the bytes told
};

// Does the step, if its outcome can be what the client was told; false otherwise. A step of unknown outcome always can,
// and changes nothing where the cell would have refused it.
bool take(const Step& step, Register* state);

}  // namespace conclave::sim::check
