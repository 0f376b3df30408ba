// What all parts of one server's engine share: who it is, what time it is, term and vote, the log, and the output under
// way. A plain struct: the parts (Follower, Election, Leadership) hold a reference to it and keep their own state to
// themselves. Pure.
#pragma once

#include <algorithm>
#include <memory>

#include "base/random.h"
#include "consensus/api/engine.h"
#include "consensus/api/quorum.h"
#include "consensus/parts/outbox.h"
#include "consensus/raft/durable_tail.h"
#include "consensus/raft/messages.h"
#include "consensus/raft/raft_log.h"

namespace conclave::raft {

struct Core {
  Core(consensus::Config configuration, consensus::Recovered recovered);

  const std::shared_ptr<const consensus::Config> shared_config;  // by all copies
  const consensus::Config& config = *shared_config;
  const consensus::Quorum quorum;
  const bool voter;  // is self one?
  Random random;
  Instant now;

  // Figure 2, "persistent state on all servers": durable with the output that changed it, and before any answer that
  // depends on it.
  uint64_t term = 0;
  ReplicaId voted_for;  // in `term`; 0: nobody
  RaftLog log;

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
  bool member(ReplicaId id) const {
    return std::ranges::any_of(config.members, [id](const auto& member) { return member.id == id; });
  }
  // Every other voter.
  template <class Visit>
  void for_each_voter(Visit visit) const {
    for (const consensus::Member& member : config.members) {
      if (member.voter && member.id != config.self) visit(member.id);
    }
  }
  void fold(consensus::StateFold& fold) const;
  void log_drop(ReplicaId from, std::string_view what) const;
};

}  // namespace conclave::raft
