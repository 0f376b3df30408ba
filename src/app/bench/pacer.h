// An open loop: operation k is due at start + k / rate whether or not the servers keep up, and its latency counts from
// then. A closed loop waits for a slow server and so leaves out the operations that would have been slow too
// ("coordinated omission"). Pure.
#pragma once

#include <cstdint>

namespace conclave::app::bench {

class Pacer {
 public:
  // REQUIRES: per_second > 0.
  Pacer(double per_second, uint64_t start_ns) : interval_ns_(1e9 / per_second), start_ns_(start_ns) {}

  // When the next operation is due.
  uint64_t due_ns() const { return start_ns_ + static_cast<uint64_t>(static_cast<double>(taken_) * interval_ns_); }
  // Takes it; the time it was due, however late it is.
  uint64_t take() {
    const uint64_t due = due_ns();
    ++taken_;
    return due;
  }

 private:
  double interval_ns_;
  uint64_t start_ns_;
  uint64_t taken_ = 0;
};

}  // namespace conclave::app::bench
