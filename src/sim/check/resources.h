// What a replica holds stays within bounds, and nothing is left when there is nothing to do. Judges samples that were
// taken of its process while a run went on.
//
//   R1  At every moment each queue is within its bound: one that is configured, or one that follows from what clients
//       and peers can have under way. What a snapshot covers is given back: entries in memory, segments of the journal,
//       older snapshots.
//   R2  When the cell is whole and its clients have closed their sessions, everything is empty again: no request,
//       answer, barrier, connection, watch, session or ephemeral node is left, on any replica.
//   R3  Then all replicas are at one zxid.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/time.h"
#include "sim/check/history.h"

namespace conclave::sim::check {

enum class Resource : uint8_t {
  // A master's.
  transactions_in_flight,
  backlog,       // requests taken that wait for room in flight
  unconfirmed,   // answers that wait for a barrier
  unanswered,    // requests of other replicas, taken and without an outcome
  answers_kept,  // until the replicas that asked have them
  barriers,      // in the engine
  leases,        // of sessions
  // Of the replica whose clients ask.
  requests,
  answers_waiting,  // until what they depend on is applied
  life_signs,
  // The engine's and the disk's.
  slots_in_flight,  // accepted and not known to be chosen
  entries_covered,  // in memory although a snapshot covers them
  persists_waiting,
  journal_bytes_waiting,
  needless_segments,  // of the journal, although all they hold is covered by the last snapshot but one
  snapshots,
  snapshot_due,      // entries beyond those after which a snapshot is taken
  unfinished_files,  // of snapshots
  peer_bytes,        // on their way to one peer
  // The front end's.
  connections,
  closing_connections,
  held_sessions,  // that have a connection here
  addresses,      // that connections are counted for
  watchers,
  watches,
  requests_of_one,  // connection, like the two below
  unread_bytes_of_one,
  unsent_bytes_of_one,
  miscounted_requests,  // by how many the count of all connections is off
  // The state's.
  sessions,
  ephemerals,
};
inline constexpr size_t kResources = static_cast<size_t>(Resource::ephemerals) + 1;
std::string_view name_of(Resource resource);

using Holdings = std::array<uint64_t, kResources>;

struct ResourceSample {
  Instant at;
  ReplicaId replica;
  Zxid zxid;  // last applied
  Holdings held{};

  uint64_t& operator[](Resource resource) { return held[static_cast<size_t>(resource)]; }
  uint64_t operator[](Resource resource) const { return held[static_cast<size_t>(resource)]; }
};

// What is configured, and what the clients of the run can have under way.
struct ResourceLimits {
  uint64_t transactions_in_flight = 0;
  uint64_t slots_in_flight = 0;
  uint64_t entries_kept_in_memory = 0;
  uint64_t snapshots_kept = 0;
  uint64_t requests = 0;  // of all clients, unanswered
  uint64_t sessions = 0;  // ever begun
  uint64_t requests_of_connection = 0;
  uint64_t unread_bytes_of_connection = 0;
  uint64_t unsent_bytes_of_connection = 0;
  uint64_t watches_of_connection = 0;
  uint64_t connections = 0;
  uint64_t peer_bytes = 0;
};

// What the sample may hold of it (R1).
uint64_t bound_of(Resource resource, const ResourceSample& sample, const ResourceLimits& limits);
// R1, of one sample.
Violations check_bounds(const ResourceSample& sample, const ResourceLimits& limits);
// R2 and R3, of one sample of each replica.
Violations check_at_rest(std::span<const ResourceSample> samples);

// The most that was held of each.
void raise_to(Holdings& most, const Holdings& held);

}  // namespace conclave::sim::check
