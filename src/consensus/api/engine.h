// The contract of a consensus engine: a pure function with memory. Event in, output out; no I/O, no clock, no thread,
// no callback. Two engines with equal state give equal outputs for equal events.
//
// Promises of every engine to its driver:
//   E1  `committed` entries come in index order, without gaps, each once, and never differ between replicas.
//   E2  A message in `send_when_durable` claims something that holds only once `persist` of the same output and all
//       earlier ones is durable; nothing in `send` does.
//   E3  A read granted at index i: every write acknowledged anywhere before the barrier was asked for is at or below i.
//   E4  Role master is reported only when every entry that may have been chosen before is committed and given out.
//   E5  Ballots of two masters differ in their round (epochs are never shared).
// Promises of the driver: events carry non-decreasing time; Persisted is told in order; outputs are performed in order;
// after a failed persist no further event is given (fail-stop).
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "base/ids.h"
#include "base/time.h"
#include "consensus/api/event.h"
#include "consensus/api/membership.h"
#include "consensus/api/output.h"
#include "consensus/api/state_fold.h"

namespace conclave::consensus {

// PX-11: how learners learn what was chosen.
enum class Learning : uint8_t {
  distinguished,      // acceptors tell the master, which tells all (fewest messages, one more delay)
  everyone,           // every acceptor tells every learner (one delay less, quadratic messages)
  distinguished_set,  // acceptors tell a set of learners, each of which tells all
};

struct Config {
  ReplicaId self;
  DiskId disk;                   // its own
  bool disk_was_listed = false;  // by some membership of the cell, as far as that is remembered apart from the log
  std::vector<Member> members;   // who founded the cell, sorted by id: the membership as of index 0, if it is known
  uint64_t seed = 0;             // of the engine's random numbers

  Duration tick = Duration::millis(10);
  Duration heartbeat = Duration::millis(30);
  Duration election_timeout_min = Duration::millis(200);  // also the length of a follower's promise to a lease
  Duration election_timeout_max = Duration::millis(400);
  bool leases = true;              // reads under the master lease; off: every read barrier is a quorum round
  int64_t clock_drift_ppm = 1000;  // bound on the difference of clock *rates* on which a lease relies
  Learning learning = Learning::distinguished;
  size_t distinguished_learners = 2;  // size of the set for Learning::distinguished_set

  size_t slots_in_flight_max = 16384;  // proposed and not yet chosen
  size_t bytes_in_flight_max = 64 << 20;
  size_t message_bytes_max = 4 << 20;  // payload bytes of one message, unless one entry alone is longer
};

// What survived a restart. `entries` are sorted by index, all above `snapshot_index`; holes are possible (Paxos).
struct Recovered {
  HardState hard_state;
  Index snapshot_index;
  Ballot snapshot_ballot;
  Membership membership;  // as of the snapshot; version 0: the founding one
  // Of the entry that the log holds at snapshot_index, if it does; zero: it cannot be read. Raft: another one than the
  // snapshot's says that what follows is void.
  std::optional<Ballot> at_snapshot;
  // Sorted: what the log holds at or below snapshot_index, but above the committed hint. If the snapshot came from a
  // peer and the crash before what it replaced was made void, it may never have been chosen.
  std::vector<Index> doubtful;
  std::vector<Entry> entries;
  // Positions that were written here and whose bytes are damaged. Until they are learnt again from peers this replica
  // must not answer as if it had never accepted anything there.
  std::vector<Index> damaged;

  // Nothing of any cell is on this disk.
  bool empty() const {
    return snapshot_index == Index() && entries.empty() && damaged.empty() && hard_state.promised == Ballot();
  }
};

// Figures for status pages, four-letter words and tests.
struct EngineStatus {
  Role role = Role::follower;
  Ballot ballot;
  ReplicaId master;
  Index first_in_memory;  // lowest index still held in memory
  Index last;             // highest index accepted or proposed here
  Index committed;
  bool lease_valid = false;
  size_t damaged = 0;        // positions still to be repaired
  size_t reads_waiting = 0;  // read barriers of a master, not granted yet
  struct Peer {
    ReplicaId id;
    Index match;               // known durable there
    Duration since_heard{-1};  // negative: never
  };
  std::vector<Peer> peers;          // filled by a master only
  uint64_t membership_version = 0;  // of the membership in force
  bool membership_firm = false;     // a master: it is not joint, and the cell can do without those that left
};

class Engine {
 public:
  virtual ~Engine() = default;
  [[nodiscard]] virtual Output step(const Event& event) = 0;
  // As of `now`, which only matters for lease_valid and since_heard.
  virtual EngineStatus status(Instant now) const = 0;

  // The two below serve those who look at many futures of one state (sim/explore); no driver needs them.

  // An engine of its own with the same state, its random numbers included: for equal events both give equal outputs.
  virtual std::unique_ptr<Engine> clone() const = 0;
  // Adds all state on which a later output may depend, as of fold.now(), which is not before the last event. What must
  // be left out, because states that behave alike are to fold alike:
  //   - the configuration (folds are compared only between engines of one configuration) and figures for status();
  //   - the random numbers to come. Engines that fold alike may draw different times, within what is configured;
  //   - what is void at present, such as the deadlines of an attempt that is over.
  // Times are added by StateFold::remaining, remaining_exactly and elapsed only. Numbers of persists are added as their
  // distance from the last durable one: a driver that holds the outstanding ones in order cannot tell more.
  virtual void fold(StateFold& fold) const = 0;
};

}  // namespace conclave::consensus
