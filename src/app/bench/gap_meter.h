// The longest time without an acknowledged write, and how long after an event the first write came through that was
// sent after it. Times in nanoseconds of one clock, in the order of calls. Pure.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

namespace conclave::app::bench {

class GapMeter {
 public:
  // The first gap begins here, not at the first write, so that silence at the start counts.
  void begin(uint64_t now_ns) { last_ns_ = now_ns; }
  void mark(uint64_t now_ns) { mark_ns_ = now_ns; }

  void acknowledged(uint64_t sent_ns, uint64_t now_ns) {
    close_gap(now_ns);
    if (mark_ns_ && !recovered_ns_ && sent_ns >= *mark_ns_) recovered_ns_ = now_ns - *mark_ns_;
  }
  // The last gap is open when nothing came through any more; it counts as well.
  void end(uint64_t now_ns) { close_gap(now_ns); }

  uint64_t longest_ns() const { return longest_ns_; }
  // From mark() to the first acknowledgement of a write sent after it; nothing when there was none.
  std::optional<uint64_t> recovered_ns() const { return recovered_ns_; }

 private:
  void close_gap(uint64_t now_ns) {
    longest_ns_ = std::max(longest_ns_, now_ns - last_ns_);
    last_ns_ = now_ns;
  }

  uint64_t last_ns_ = 0;
  uint64_t longest_ns_ = 0;
  std::optional<uint64_t> mark_ns_;
  std::optional<uint64_t> recovered_ns_;
};

}  // namespace conclave::app::bench
