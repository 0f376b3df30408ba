// Runs plans by the hundred in worker processes, shrinks what fails, and reports: what `conclave sim` does. One thread.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>

#include "base/time.h"
#include "consensus/factory/factory.h"
#include "sim/cluster/draw.h"

namespace conclave::app {

struct SimOptions {
  // What to run: seeds first .. last, or from `first` until `minutes` have passed, or one plan from a file.
  uint64_t first_seed = 1;
  uint64_t last_seed = 0;
  std::optional<double> minutes;
  std::string replay;

  sim::Profile profile = sim::Profile::swarm;
  consensus::EngineKind engine = consensus::EngineKind::paxos;  // of every cell that is drawn
  Duration safety = Duration::seconds(120);  // simulated time under faults, of plans drawn from seeds
  size_t jobs = 1;
  uint32_t repeat_percent = 0;                     // of the seeds are run twice, and their hashes compared
  Duration run_time_max = Duration::seconds(300);  // real time; more is a hang
  size_t failures_max = 10;                        // stop after as many
  std::set<std::string> without;                   // checkers that are not heard
  bool shrink = true;
  size_t shrink_runs_max = 300;
  std::string failures_directory = "sim-failures";  // plans of failed seeds, whole and shrunk
  bool trace = false;                               // print every event; one seed or plan only
  bool print_plan = false;                          // print the plan of the seed and end
  bool hashes = false;                              // print the trace hash of each seed
  std::string json;                                 // write the figures there
  std::string ledger;                               // append a line there
  std::string label;                                // of the program, in the ledger
};

// What the command exits with; docs/tools.md. The worst kind of failure decides.
enum class SimExit : int {
  passed = 0,
  unsafe = 1,
  usage = 2,
  no_liveness = 3,
  not_deterministic = 4,
  crashed = 5,
  hung = 6,
};

SimExit run_campaign(const SimOptions& options);

}  // namespace conclave::app
