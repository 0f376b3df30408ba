// Real time and real randomness. Safe from any thread.
#pragma once

#include "env/clock.h"
#include "env/entropy.h"

namespace conclave::os {

// CLOCK_BOOTTIME: keeps counting while the process is stopped and while the machine sleeps, so that a lease is never
// taken for longer than it was.
class Clock final : public env::Clock {
 public:
  Instant now() const override;
  int64_t wall_ms() const override;
};

// The kernel's generator (getrandom).
class Entropy final : public env::Entropy {
 public:
  Bytes bytes(size_t size) override;
  uint64_t u64() override;
};

}  // namespace conclave::os
