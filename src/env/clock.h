// Time. Loop thread and worker threads may read it.
#pragma once

#include <cstdint>

#include "base/time.h"

namespace conclave::env {

class Clock {
 public:
  virtual ~Clock() = default;
  // Monotonic; never goes back; keeps counting while the process is stopped.
  virtual Instant now() const = 0;
  // Milliseconds since 1970-01-01 UTC. May jump. For stamps only, never for timeouts.
  virtual int64_t wall_ms() const = 0;
};

}  // namespace conclave::env
