// What writes cost while nothing fails: messages and bytes between replicas, syncs of journals, and how long a client
// waits. A function of its options.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "sim/compare/distribution.h"
#include "sim/compare/settings.h"
#include "sim/compare/traffic.h"

namespace conclave::sim::compare {

struct SteadyOptions {
  Settings cell;
  uint32_t writers = 1;           // clients; each has one write outstanding
  bool at_master = true;          // all their sessions are at the master, or all at one follower
  uint64_t writes_of_each = 100;  // that are measured, after some that are not
};

struct Steady {
  uint64_t writes = 0;        // acknowledged
  Duration elapsed{0};        // virtual time from the first question to the last answer
  Traffic traffic;            // all of it, from the first question until replicas had nothing to tell each other
  uint64_t syncs = 0;         // of journals, by all replicas
  uint64_t syncs_master = 0;  // those by the master
  Distribution latency;       // from a client's question to its answer

  friend bool operator==(const Steady&, const Steady&) = default;
};

// Errors: unavailable, and those of MeasuredCell::verdict.
Result<Steady> measure_steady(const SteadyOptions& options);

}  // namespace conclave::sim::compare
