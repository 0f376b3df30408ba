// What must hold after every action of an explored cell. The checks look at journals, outputs and what replicas
// reported, never into an engine. The first broken invariant is described in `violation`; a later one does not replace
// it. Pure.
//
//   one proposal    at one (index, ballot) all replicas accept the same value (PX-07)
//   one value       at one index at most one value is chosen: durably accepted by a quorum under one ballot (PX-03)
//   promise         the promise on disk never goes back (PX-10); nor does a term
//   lead            whoever leads under a ballot has promises of a quorum for it on disk (PX-08, PX-10); votes in Raft
//   E1              entries are given out in order, without gaps, only when chosen, and the same value everywhere, in
//                   all lives of a replica
//   E2              follows from the above: messages that wait for durability are lost with their persist in a crash,
//                   and one that leaves too early lets a value be given out that is not chosen
//   E3              a read is granted at or above everything given out anywhere before it was asked for
//   E4              a master that serves has given out everything chosen under lower ballots
//   E5              no two replicas lead in one round
//
// In Raft an entry is chosen when a quorum has durably accepted it in its own term, and all before it in that log with
// it; copies that a later leader makes choose nothing (5.4.2, figure 8). Its five properties (figure 3, RF-12):
//
//   election safety         E5; and a server votes for one candidate a term ("one vote")
//   leader append-only      whoever leads neither cuts its log nor writes an entry of it anew
//   log matching            a log has no hole, and at one (index, ballot) all logs ever written hold the same entry
//   behind
//                           the same one, so that they are equal up to there
//   leader completeness     the log of whoever leads holds all that was chosen in lower terms
//   state machine safety    E1
#pragma once

#include <span>
#include <string>
#include <utility>

#include "sim/explore/replica.h"

namespace conclave::sim::explore {

// Of one replica.
void check_persist(consensus::EngineKind kind, const ReplicaState& state, const consensus::Persist& persist,
                   std::string* violation);
void check_same_proposal(const Acceptance& known, const Acceptance& acceptance, std::string* violation);
void check_given(const ReplicaState& state, const consensus::Entry& entry, std::string* violation);
void check_read(const consensus::ReadGrant& grant, std::string* violation);
// Of a Raft server: before it takes `output` up, and when `entry` was written to its journal.
void check_append_only(const ReplicaState& state, const consensus::Output& output, std::string* violation);
void check_no_hole(const ReplicaState& state, const consensus::Entry& entry, std::string* violation);

// By which acceptances are sorted and told apart.
inline std::pair<Index, consensus::Ballot> key(const Acceptance& acceptance) {
  return {acceptance.entry.index, acceptance.entry.ballot};
}

// Of the whole cell, after a step of cell[who].
struct Changed {
  bool accepted = false;
  bool given = false;
  bool led = false;
};
void check_cell(consensus::EngineKind kind, std::span<const ReplicaState* const> cell, size_t who, Changed changed,
                std::string* violation);

}  // namespace conclave::sim::explore
