// The client's own view of its lease (CH-70, CH-71). Pure; the caller brings the time.
//
// Invariants:
//   L1  The local end is never later than the master's: a lease counts from the sending of the request that it answers,
//       and our clock may be slow by the bound.
//   L2  The end only moves later (CH-67).
#pragma once

#include <algorithm>

#include "base/time.h"

namespace conclave::chubby {

class LocalLease {
 public:
  LocalLease(int64_t rate_ppm_max, Duration grace) : rate_ppm_max_(rate_ppm_max), grace_(grace) {}

  // The master granted `lease` from a moment `held` after it received what was sent at `sent`, by its clock.
  void grant(Instant sent, Duration held, Duration lease) {
    const Duration length = (held + lease) * (kMillion - rate_ppm_max_) / kMillion;
    end_ = std::max(end_, sent + length);
  }
  void reset() { end_ = Instant{0}; }

  bool runs(Instant now) const { return now < end_; }
  bool lost(Instant now) const { return now >= grace_end(); }
  Instant end() const { return end_; }
  Instant grace_end() const { return end_ + grace_; }

 private:
  static constexpr int64_t kMillion = 1'000'000;

  int64_t rate_ppm_max_;
  Duration grace_;
  Instant end_{0};
};

}  // namespace conclave::chubby
