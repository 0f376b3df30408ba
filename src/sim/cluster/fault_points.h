// The fault points of product code (env/faults.h) under the nemesis: silent until switched on; then each point is
// active with a chance of one in four, drawn once a run, and an active one fires by the rate given. Counts what it saw.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "base/checksum.h"
#include "base/random.h"
#include "env/faults.h"

namespace conclave::sim {

class FaultPoints final : public env::Faults {
 public:
  explicit FaultPoints(uint64_t seed) : seed_(seed), random_(seed) {}

  void set_rate(uint32_t per_million) { per_million_ = per_million; }
  bool fires(std::string_view point) override {
    auto known = counts_.find(point);
    if (known == counts_.end()) known = counts_.try_emplace(std::string(point)).first;
    Count& count = known->second;
    ++count.passed;
    if (per_million_ == 0 || xxh3_64(point, seed_) % 4 != 0 || !random_.chance(per_million_, 1'000'000)) return false;
    ++count.fired;
    return true;
  }

  struct Count {
    uint64_t passed = 0;
    uint64_t fired = 0;
  };
  using Counts = std::map<std::string, Count, std::less<>>;
  const Counts& counts() const { return counts_; }

 private:
  uint64_t seed_;
  Random random_;
  uint32_t per_million_ = 0;
  Counts counts_;
};

}  // namespace conclave::sim
