// Raft as a consensus::Engine: "In Search of an Understandable Consensus Algorithm" (Ongaro, Ousterhout 2014; extended
// version) and what Ongaro's dissertation adds: pre-vote and check-quorum (9.6, 6.2), leadership transfer (3.10),
// ReadIndex and lease reads (6.4), pipelining (10.2). docs/protocols/raft.md gives messages and invariants.
//
// Pure: event in, output out; no clock, thread or device. Used from one thread.
#pragma once

#include <memory>

#include "consensus/api/engine.h"

namespace conclave::raft {

// REQUIRES: config.members sorted by id, config.self among them, heartbeat < election_timeout_min <=
// election_timeout_max. A replica that restarts must be given everything it ever persisted. Config::learning, a choice
// of Paxos, has no meaning here.
std::unique_ptr<consensus::Engine> make_engine(consensus::Config config, consensus::Recovered recovered);

}  // namespace conclave::raft
