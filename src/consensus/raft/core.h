// What all parts of one server's engine share: who it is, what time it is, term and vote, the log, and the output under
// way. A plain struct: the parts (Follower, Election, Leadership) hold a reference to it and keep their own state to
// themselves. Pure.
#pragma once

#include <algorithm>
#include <memory>

#include "base/random.h"
#include "consensus/api/engine.h"
#include "consensus/parts/memberships.h"
#include "consensus/parts/outbox.h"
#include "consensus/raft/durable_tail.h"
#include "consensus/raft/messages.h"
#include "consensus/raft/raft_log.h"

namespace conclave::raft {

struct Core {
  Core(consensus::Config configuration, consensus::Recovered recovered);

  const std::shared_ptr<const consensus::Config> shared_config;  // by all copies
  const consensus::Config& config = *shared_config;
  Random random;
  Instant now;

  // Figure 2, "persistent state on all servers": durable with the output that changed it, and before any answer that
  // depends on it.
  uint64_t term = 0;
  ReplicaId voted_for;  // in `term`; 0: nobody
  RaftLog log;
  // "A server always uses the latest configuration in its log, regardless of whether the entry is committed" (6).
  consensus::Memberships memberships;

  // Of what was durable here up to this position some is lost (consensus/api/hard_state.h). While it is not 0 this
  // server does not vote.
  Index owed;
  Index given;  // committed and given out up to here
  DurableTail tail;
  consensus::Outbox<Body> outbox;
  const char* reason = "";  // of the role change under way, if any

  // A leader's entry. REQUIRES: entry.index == log.last().next().
  void append(Entry entry);
  // Everything from `from` on contradicts the leader's log.
  void truncate(Index from);
  // Forgets entries up to `keep_after`.
  void release(Index keep_after);
  // Some later term has begun.
  void enter(uint64_t later) {
    term = later;
    voted_for = ReplicaId();
  }
  Ballot vote() const { return {.round = term, .replica = voted_for}; }

  consensus::HardState hard_state() const {
    return {.promised = vote(), .joined = {}, .committed = log.committed(), .owed = owed};
  }
  // Uniform in [low, high].
  Duration random_between(Duration low, Duration high) {
    return Duration::micros(static_cast<int64_t>(
        random.between(static_cast<uint64_t>(low.us), static_cast<uint64_t>(std::max(low.us, high.us)))));
  }
  const consensus::Quorum& quorum() const { return memberships.quorum(); }
  // Is self a voter, and one that may be counted on? While a membership without it is not committed it may still be
  // needed (dissertation 4.2.2).
  bool voter() const {
    if (memberships.abstains()) return false;
    return quorum().is_voter(config.self) || memberships.as_of(log.committed()).is_voter(config.self);
  }
  // Every other voter.
  template <class Visit>
  void for_each_voter(Visit visit) const {
    for (const ReplicaId id : quorum().voters()) {
      if (id != config.self) visit(id);
    }
  }
  void fold(consensus::StateFold& fold) const;
  void log_drop(ReplicaId from, std::string_view what) const;

 private:
  void take(Entry entry);
};

}  // namespace conclave::raft
