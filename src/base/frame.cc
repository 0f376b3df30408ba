#include "base/frame.h"

namespace conclave {

std::string FrameFault::message() const {
  if (length < 0) return "frame length " + std::to_string(length) + " is negative";
  return "frame of " + std::to_string(length) + " bytes is above the limit of " + std::to_string(bytes_max);
}

}  // namespace conclave
