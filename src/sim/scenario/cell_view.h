// What a scenario shows of a cell.
#pragma once

#include <map>
#include <string>

#include "sim/cluster/cell.h"
#include "sim/scenario/stage.h"

namespace conclave::sim::scenario {

// A line for each replica: its role, how far it is, what is wrong with it.
void show_status(Cell& cell, Output& out);
// All nodes and their data; a line for all replicas that hold the same.
void show_tree(Cell& cell, Output& out);
// The sessions that each replica knows, by the names given, and at which replica they are; likewise.
void show_sessions(Cell& cell, const std::map<SessionId, std::string>& names, Output& out);

}  // namespace conclave::sim::scenario
