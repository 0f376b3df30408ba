// Carries out the steps of a scenario: the one place that knows which stages there are.
//
//   engines paxos raft   first of all: the script is for these engines alone (below)
//   cell ...     begins a stage of whole replicas in a virtual world (cell_stage.h)
//   engine ...   begins a stage of bare consensus engines (engine_stage.h)
//   quiet COMMAND           without its output, unless that tells of something wrong
//   for NAME in 1..9 ... end   the commands between, once for each number, $NAME standing for it; each time a scenario
//                              of its own. Neighbours with equal output are shown once
//
// Any other command is for the stage. Equal scripts give equal outputs, on every machine.
#pragma once

#include <memory>
#include <string>

#include "consensus/factory/factory.h"
#include "sim/scenario/script.h"
#include "sim/scenario/stage.h"

namespace conclave::sim::scenario {

// What a run changes in a script: the lines then differ, but nothing may be found wrong, and what is waited for must
// come.
struct Variant {
  int64_t more_seed = 0;                                        // added to the seed of every cell
  consensus::EngineKind engine = consensus::EngineKind::paxos;  // of cells that name none
};

// The script with its outputs as they are now. Errors name the line.
Result<Script> run(const Script& script, Variant variant = {});

// Has the script something to show with this engine? If it has a cell that names none, unless it says "engines" and
// does not name this one.
bool is_for(const Script& script, consensus::EngineKind engine);

}  // namespace conclave::sim::scenario
