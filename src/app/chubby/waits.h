// Who waits for whom: cycles in it are deadlocks, unless one of them lets a lock go without getting what it waits for.
// Pure.
#pragma once

#include <string>
#include <vector>

#include "client/chubby/types.h"

namespace conclave::app {

// `waiter` waits for the lock of `path`, which `blocker` holds, or will hold before it since it came first.
struct Wait {
  SessionId waiter;
  std::string path;
  SessionId blocker;
  friend bool operator==(const Wait&, const Wait&) = default;
};
// Each blocker is the next waiter, the last one's the first. Begins with the smallest session.
using WaitCycle = std::vector<Wait>;

// For every group of sessions that all wait for each other one of the shortest cycles through its smallest session.
std::vector<WaitCycle> waiting_cycles(const std::vector<chubby::LockInfo>& locks);

}  // namespace conclave::app
