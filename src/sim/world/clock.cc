#include "sim/world/clock.h"

#include <algorithm>

#include "base/assert.h"

namespace conclave::sim {

Duration HostClock::elapsed() const {
  const int64_t us = (scheduler_.now() - since_).us;
  if (rate_ == kMillion) return base_ + Duration::micros(us);  // nearly always: saves the divisions
  // In two parts, so that nothing overflows in a year of virtual time.
  return base_ + Duration::micros(us / kMillion * rate_ + us % kMillion * rate_ / kMillion);
}

Duration HostClock::until(Duration due) const {
  if (rate_ == kMillion) return std::max(Duration{0}, due - elapsed());
  const int64_t own = (due - base_).us;
  const int64_t us = own / rate_ * kMillion + (own % rate_ * kMillion + rate_ - 1) / rate_;  // rounded up
  return std::max(Duration{0}, since_ + Duration::micros(us) - scheduler_.now());
}

void HostClock::set_rate_ppm(int64_t ppm) {
  CONCLAVE_ASSERT(ppm > -kMillion);
  base_ = elapsed();
  since_ = scheduler_.now();
  rate_ = kMillion + ppm;
}

void HostClock::jump(Duration forward) {
  CONCLAVE_ASSERT(forward >= Duration{0});
  base_ = base_ + forward;
}

}  // namespace conclave::sim
