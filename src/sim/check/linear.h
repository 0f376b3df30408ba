// The main checker, in linear time: every reply carries its zxid, so the cell itself states the order in which it says
// all was done. This order is held against what clients asked, when, and what they were told:
//
//   L1  Each acknowledged write is the one transaction at its zxid: its session, path, data, version, sequence number
//       and Stat. No transaction is there without its operation, none twice (ownership.h).
//   L2  Real time: a write has a greater zxid than everything told to anyone before it was invoked.
//   L3  A read shows exactly the state at its header's zxid: data, Stat, names of children, or that there is no node.
//   L4  A sync, and every later read of its client, is as new as everything told to anyone before it was invoked.
//   L5  A refusal, or a check that held, is what the master had to say at some zxid between what had been told to
//   anyone
//       before, and its reply.
//   L6  Nobody is told of a transaction before a replica has applied it.
//
// What one client may see in which order is check_sessions; whether what was told is in the log at all, check_durable.
#pragma once

#include "sim/check/figures.h"
#include "sim/check/history.h"

namespace conclave::sim::check {

Violations check_linear(const History& history, Figures* figures = nullptr);

}  // namespace conclave::sim::check
