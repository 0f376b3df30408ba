// Carries out the steps of a scenario: the one place that knows which stages there are.
//
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

#include "sim/scenario/script.h"
#include "sim/scenario/stage.h"

namespace conclave::sim::scenario {

// The script with its outputs as they are now. Errors name the line. `more_seed` is added to the seed of every cell:
// the lines then differ where they depend on chance, but nothing may be found wrong, and what is waited for must come.
Result<Script> run(const Script& script, int64_t more_seed = 0);

}  // namespace conclave::sim::scenario
