// Test only: cells of Multi-Paxos.
#pragma once

#include "consensus/paxos/engine.h"
#include "consensus/paxos/messages.h"
#include "consensus/testing/cell.h"

namespace conclave::paxos::harness {

using namespace conclave::consensus;
using namespace conclave::consensus::harness;

inline constexpr Kind kPaxos{.make = &make_engine, .type_name = &type_name};

}  // namespace conclave::paxos::harness
