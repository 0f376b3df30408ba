// Multi-Paxos as a consensus::Engine: "Paxos Made Simple" (Lamport 2001) section 3, with a distinguished proposer
// (PX-12), its three stages (PX-13), pipelined slots, a master lease and quorum read barriers.
// docs/protocols/paxos.md gives messages and invariants.
//
// Pure: event in, output out; no clock, thread or device. Used from one thread.
#pragma once

#include <memory>

#include "consensus/api/engine.h"

namespace conclave::paxos {

// REQUIRES: config.members sorted by id, config.self among them, at most 64 voters, heartbeat < election_timeout_min
// <= election_timeout_max. A replica that restarts must be given everything it ever persisted.
std::unique_ptr<consensus::Engine> make_engine(consensus::Config config, consensus::Recovered recovered);

}  // namespace conclave::paxos
