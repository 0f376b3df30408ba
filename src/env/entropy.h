// Unpredictable bytes, for session passwords and for seeds.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace conclave::env {

class Entropy {
 public:
  virtual ~Entropy() = default;
  virtual Bytes bytes(size_t size) = 0;
  virtual uint64_t u64() = 0;
};

}  // namespace conclave::env
