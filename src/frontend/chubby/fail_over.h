// How far a master has come with taking over (CH-77), for operators, and for tests that strike it on the way. Pure.
#pragma once

#include <cstdint>

namespace conclave::frontend::chubby {

enum class FailOverStep : uint8_t {
  none = 0,
  new_epoch,    // it has a new epoch number
  locating,     // a client asked, who has to wait until more is known
  sessions,     // sessions and locks are known from the replicated state
  keep_alives,  // a client is back
  telling,      // one was told of the fail-over
  waiting,      // one has acknowledged that, others have not
  open,         // all have, or are over: changes are made
  handles,      // a handle of before is back
  reaping,      // what nobody keeps open any more is deleted
};
inline constexpr int kFailOverSteps = 9;

class FailOverSteps {
 public:
  void reach(FailOverStep step) { reached_ = static_cast<uint16_t>(reached_ | bit(step)); }
  bool reached(FailOverStep step) const { return (reached_ & bit(step)) != 0; }
  // The highest.
  FailOverStep last() const {
    for (int step = kFailOverSteps; step > 0; --step) {
      if (reached(static_cast<FailOverStep>(step))) return static_cast<FailOverStep>(step);
    }
    return FailOverStep::none;
  }

 private:
  static uint16_t bit(FailOverStep step) { return static_cast<uint16_t>(1U << static_cast<unsigned>(step)); }

  uint16_t reached_ = 0;
};

}  // namespace conclave::frontend::chubby
