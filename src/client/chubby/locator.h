// Where the master may be (CH-14, CH-15): which replica to ask next, and how long to wait before. Pure; seeded, so that
// many clients spread over the cell.
#pragma once

#include <optional>
#include <vector>

#include "base/random.h"
#include "base/time.h"
#include "env/network.h"

namespace conclave::chubby {

class Locator {
 public:
  // REQUIRES: replicas is not empty.
  Locator(std::vector<env::Address> replicas, uint64_t seed);

  // Whom to ask next: the one that was named last, otherwise round and round.
  env::Address next();
  // Before next(): none on the way to one that was named and within a round of all replicas, then a growing, random
  // pause.
  Duration pause();

  // The replica asked last named another one. Chains longer than the cell is large lead nowhere: the rotation goes on.
  void named(env::Address master);
  // The master asked last should be asked again: it is one still, in another epoch.
  void again() { named(last_); }
  void succeeded();
  const env::Address& last() const { return last_; }

 private:
  std::vector<env::Address> replicas_;
  Random random_;
  env::Address last_;
  std::optional<env::Address> hint_;
  size_t position_ = 0;
  size_t attempts_ = 0;  // of the rotation, since the last success
  size_t hops_ = 0;      // named ones, since the last attempt of the rotation
};

}  // namespace conclave::chubby
