// Everything that goes into an engine. Time is a value on the event, not a clock: an engine's answer depends on its
// state and the event alone.
#pragma once

#include <cstdint>
#include <variant>
#include <vector>

#include "base/time.h"
#include "consensus/api/membership.h"
#include "consensus/api/message.h"

namespace conclave::consensus {

// Time passed. Sent every Config::tick or so; an engine copes with late and missing ticks.
struct Tick {};

struct MessageReceived {
  ReplicaId from;
  Message message;
};

// New payloads for the log, in order. Only a master that serves takes them; otherwise they are refused whole. Of kind
// membership it is one payload (encode_membership), refused also while the membership before it is not committed, if it
// cannot follow that one (why_not), or if a voter to be is far behind.
struct Propose {
  uint64_t cookie = 0;  // given back in Output::refused of the same step
  EntryKind kind = EntryKind::transaction;
  std::vector<Blob> payloads;
};

// Asks for an index such that state applied up to it contains every write acknowledged before this event.
struct ReadBarrier {
  uint64_t token = 0;  // given back in Output::reads or Output::reads_refused
};

// Hands the lead to `to`. To ourselves: ends this mastership and seeks the next one at once, under a new ballot, so
// that a new epoch begins.
struct TransferLead {
  ReplicaId to;
};

// Everything in the output that carried this persist number, and in all earlier ones, is durable.
struct Persisted {
  uint64_t persist = 0;
};

// The driver has applied up to `index`.
struct Applied {
  Index index;
};

// A snapshot that covers `index` is durable here; entries up to `keep_after` need not be kept in memory.
struct SnapshotTaken {
  Index index;
  Ballot ballot;
  Index keep_after;  // <= index
};

// The state was replaced by a snapshot from a peer: durable and loaded.
struct SnapshotInstalled {
  Index index;
  Ballot ballot;
  Membership membership;  // as of the snapshot; version 0: the founding one
};

// A hint about a peer from the transport: connected, or its connection broke.
struct PeerHint {
  ReplicaId peer;
  bool up = false;
};

// This replica was born without knowing of any cell, and knows now that it is one of the founders of this one: the
// membership as of index 0 (Config::members would have told it).
struct Founded {
  std::vector<Member> members;
};

using EventBody = std::variant<Tick, MessageReceived, Propose, ReadBarrier, TransferLead, Persisted, Applied,
                               SnapshotTaken, SnapshotInstalled, PeerHint, Founded>;

struct Event {
  Instant now;  // never goes back from one event to the next
  EventBody body;
};

}  // namespace conclave::consensus
