// Everything that comes out of an engine for one event. The driver (replica/) performs it in the order of the members:
// start persisting, send, and when durable send the rest; then apply what is committed.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "consensus/api/hard_state.h"
#include "consensus/api/message.h"

namespace conclave::consensus {

enum class Role : uint8_t {
  follower,       // Paxos: acceptor and learner. Raft, Zab: follower
  candidate,      // seeks the lead
  synchronising,  // has the lead; learns and brings a quorum into step (PX-13); does not serve yet
  master,         // serves
  observer,       // learner only
};

struct RoleChange {
  Role role = Role::follower;
  Ballot ballot;            // of the master followed, or our own
  ReplicaId master;         // 0 when unknown
  const char* reason = "";  // one phrase for the log: "lost its quorum", "higher ballot seen" ...
};

struct ReadGrant {
  uint64_t token = 0;
  Index index;  // serve the read once the state is applied up to here
};

// The peer needs entries that are no longer in memory: send it a snapshot.
struct SnapshotNeeded {
  ReplicaId to;
  Index at_least;  // a snapshot below this index would not help
};

struct Persist {
  uint64_t number = 0;  // increasing; 0 when there is nothing to persist
  std::optional<HardState> hard_state;
  std::optional<Index> truncate_from;  // entries from here on are void, before `entries` are written (Raft, Zab)
  std::vector<Entry> entries;          // each replaces what the log held at its index
};

struct Output {
  Persist persist;
  std::vector<Envelope> send;               // at once
  std::vector<Envelope> send_when_durable;  // after `persist` is durable, in the order of the outputs
  std::vector<Entry> committed;             // to apply, in order, without gaps
  std::vector<ReadGrant> reads;
  std::vector<uint64_t> reads_refused;  // tokens: not master, or the mastership ended
  std::vector<uint64_t> refused;        // cookies of proposals not taken
  std::vector<SnapshotNeeded> snapshots_needed;
  std::optional<RoleChange> role;  // set when role, ballot or known master changed
};

}  // namespace conclave::consensus
