// What all parts of one replica's engine share: who it is, what time it is, what it promised and accepted, and the
// output under way. A plain struct: the parts (Follower, Learner, Campaign, Mastership) hold a reference to it and keep
// their own state to themselves. Pure.
#pragma once

#include <algorithm>
#include <memory>
#include <vector>

#include "base/random.h"
#include "consensus/api/engine.h"
#include "consensus/parts/memberships.h"
#include "consensus/parts/outbox.h"
#include "consensus/paxos/durable_marks.h"
#include "consensus/paxos/messages.h"
#include "consensus/paxos/slot_log.h"
#include "consensus/paxos/tally.h"

namespace conclave::paxos {

struct Core {
  Core(consensus::Config configuration, consensus::Recovered recovered);

  const std::shared_ptr<const consensus::Config> shared_config;  // by all copies
  const consensus::Config& config = *shared_config;
  Random random;
  Instant now;

  Ballot promised;          // durable with the output that raised it (PX-10)
  uint64_t round_seen = 0;  // highest round seen anywhere: the next ballot goes above
  SlotLog log;
  // A membership counts from the slot behind its own on, when that is chosen: until then nothing is proposed there.
  consensus::Memberships memberships;
  Voters voters;
  Index given;                 // committed and given out up to here
  std::vector<Index> damaged;  // sorted; all above log.committed()
  DurableMarks marks;
  consensus::Outbox<Body> outbox;
  const char* reason = "";  // of the role change under way, if any

  // Acceptor: takes `entry` under its ballot and writes it down. Repairs its position if that was damaged.
  void accept(Entry entry);
  // Acceptor: what stands at `index`, which a snapshot covers, may never have been chosen. It must not come back as
  // chosen after a restart that falls back on an older snapshot: a record without a ballot voids the position.
  void make_void(Index index);
  void repaired(Index index) { std::erase(damaged, index); }
  void saw(const Ballot& ballot) { round_seen = std::max(round_seen, ballot.round); }
  consensus::HardState hard_state() const {
    return {.promised = promised, .joined = {}, .committed = log.committed(), .owed = {}};
  }
  // Uniform in [low, high].
  Duration random_between(Duration low, Duration high) {
    return Duration::micros(static_cast<int64_t>(
        random.between(static_cast<uint64_t>(low.us), static_cast<uint64_t>(std::max(low.us, high.us)))));
  }
  // The slot committed().next() is chosen as it stands. REQUIRES: it holds an entry. True: another membership counts
  // from now on.
  bool commit_next();
  // Forgets entries up to `keep_after`.
  void release(Index keep_after);
  // The state jumped by a snapshot.
  void install(const consensus::SnapshotInstalled& event);
  void found(const std::vector<consensus::Member>& founders);

  const consensus::Quorum& quorum() const { return memberships.quorum(); }
  // Is self a voter, and one that may be counted on?
  bool voter() const { return quorum().is_voter(config.self) && !memberships.abstains(); }
  // Every other replica of the cell.
  template <class Visit>
  void for_each_other(Visit visit) const {
    for (unsigned id = 1; id <= UINT8_MAX; ++id) {
      const ReplicaId other(static_cast<uint8_t>(id));
      if (other != config.self && memberships.current().concerns(other)) visit(other);
    }
  }
  void fold(consensus::StateFold& fold) const;
  void log_drop(ReplicaId from, std::string_view what) const;
};

}  // namespace conclave::paxos
