// Named fault points in product code. The real world never fires one; the simulator decides by seed.
#pragma once

#include <string_view>

namespace conclave::env {

class Faults {
 public:
  virtual ~Faults() = default;
  virtual bool fires(std::string_view /*point*/) { return false; }
};

}  // namespace conclave::env
