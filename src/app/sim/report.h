// What one seed came to, as a worker process tells it: bytes and back, so that it can cross a pipe. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/result.h"
#include "sim/cluster/run.h"

namespace conclave::app {

enum class Ending : uint8_t {
  passed,
  unsafe,             // a checker found something
  no_liveness,        // no progress or no agreement after the faults
  not_deterministic,  // the second run of the plan had another trace hash
  crashed,            // the process died: a broken invariant, a sanitizer, a signal
  hung,               // one run took longer than it may
};
std::string_view to_string(Ending ending);

struct SeedReport {
  uint64_t seed = 0;
  Ending ending = Ending::passed;
  sim::check::Violations violations;
  uint64_t trace_hash = 0;
  bool repeated = false;  // it was run twice
  uint64_t core_us = 0;   // processor time that it took
  sim::RunFigures figures;
  std::map<std::string, uint64_t> probes;
};

Bytes encode(const SeedReport& report);
Result<SeedReport> decode_seed_report(BytesView bytes);

}  // namespace conclave::app
