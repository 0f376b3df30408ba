// Test only: cells of Raft.
#pragma once

#include "consensus/raft/engine.h"
#include "consensus/raft/messages.h"
#include "consensus/testing/cell.h"

namespace conclave::raft::harness {

using namespace conclave::consensus;
using namespace conclave::consensus::harness;

inline constexpr Kind kRaft{.make = &make_engine, .type_name = &type_name, .majority_chooses = false};

}  // namespace conclave::raft::harness
