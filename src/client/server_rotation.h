// Which server to try next, and how long to wait before. Pure; the order is drawn from a seeded generator, so that many
// clients spread over the cell.
#pragma once

#include <vector>

#include "base/random.h"
#include "base/time.h"
#include "env/network.h"

namespace conclave::client {

class ServerRotation {
 public:
  // REQUIRES: servers is not empty.
  ServerRotation(std::vector<env::Address> servers, uint64_t seed);

  // The next server, round and round in one random order.
  const env::Address& next();
  // Time to wait before the next attempt: none within a round of all servers, then a growing, randomised pause.
  Duration pause();
  // A server answered: the count of failures starts anew.
  void succeeded() { attempts_ = 0; }
  size_t size() const { return servers_.size(); }

 private:
  std::vector<env::Address> servers_;
  Random random_;
  size_t position_ = 0;
  size_t attempts_ = 0;
};

}  // namespace conclave::client
