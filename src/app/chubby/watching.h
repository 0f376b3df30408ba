// The commands that look on: events, locks, sessions.
#pragma once

#include <string>

#include "app/chubby/cell_run.h"

namespace conclave::app {

// Prints the events of a node until it is interrupted or the node is removed.
void run_events(CellRun& run, const std::string& name);
void run_locks(CellRun& run);
void run_sessions(CellRun& run);

}  // namespace conclave::app
