// One run of the process on a host, from boot to crash. Everything a process scheduled or holds belongs to its life and
// is dead with it: its tasks are dropped, its sockets are gone, its file handles answer with an error.
#pragma once

#include <cstdint>

#include "sim/world/fabric.h"

namespace conclave::sim {

struct Life {
  HostId host;
  uint64_t number = 0;  // from 1, per host
  bool alive = true;
};

}  // namespace conclave::sim
