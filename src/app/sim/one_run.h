// One plan in this process: what a worker does with a job, and what `conclave sim --trace` shows. Jobs and reports are
// bytes, so that they can cross a pipe.
#pragma once

#include <set>
#include <string>

#include "app/sim/report.h"
#include "base/bytes.h"
#include "sim/cluster/plan.h"

namespace conclave::app {

struct Job {
  sim::Plan plan;
  bool repeat = false;            // run it twice and compare the trace hashes
  std::set<std::string> without;  // checkers that are not heard
};
Bytes encode(const Job& job);

// The work of a worker: runs an encoded job, gives an encoded report.
Bytes run_job(BytesView job);

// Runs the plan here and prints every event of its trace, and every line that the program would log, with its time.
SeedReport run_traced(const sim::Plan& plan, std::set<std::string> without);

}  // namespace conclave::app
