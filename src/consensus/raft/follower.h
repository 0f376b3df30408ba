// The follower's side (5.2, 5.3): whom it follows, what it takes into its log, and the promise to the leader's lease.
//
//   1  After hearing from a leader this server helps no other candidate for election_timeout_min (6.2, 6.4.1). The
//      promise is volatile: after a restart it helps nobody for as long.
//   2  `matched` counts entries that are committed, or that the leader followed has too; it never goes back in a term.
// Pure.
#pragma once

#include "consensus/raft/core.h"

namespace conclave::raft {

class Follower {
 public:
  explicit Follower(Core& core) : core_(core) {}
  // A copy that belongs to another engine.
  Follower(Core& core, const Follower& other)
      : core_(core),
        ballot_(other.ballot_),
        leader_(other.leader_),
        bound_until_(other.bound_until_),
        matched_(other.matched_) {}

  // First event after a restart.
  void start() { bound_until_ = core_.now + core_.config.election_timeout_min; }

  Ballot ballot() const { return ballot_; }
  ReplicaId leader() const { return leader_; }
  Instant bound_until() const { return bound_until_; }
  // Bound by a lease promise to another than `candidate`.
  bool bound_to_other(ReplicaId candidate) const {
    return core_.now < bound_until_ && (leader_ != candidate || candidate == ReplicaId());
  }

  // The leader of the current term speaks.
  void follow(Ballot ballot);
  // Nothing is known of a leader any more; the lease promise stays.
  void forget() { leader_ = ReplicaId(); }

  // AppendEntries, receiver's steps 2 to 5 (figure 2).
  void append(Append message);
  void told_committed(Index committed);
  // The state jumped by a snapshot.
  void jumped();

  void fold(consensus::StateFold& fold) const {
    fold.add(ballot_, leader_, matched_);
    fold.remaining_exactly(bound_until_);  // Vote tells it
  }

 private:
  bool contradicts_committed(const Append& message) const;
  void store(std::vector<Entry> entries);
  Appended appended(Index durable, consensus::Stamp stamp) const;

  Core& core_;
  Ballot ballot_;
  ReplicaId leader_;
  Instant bound_until_;
  Index matched_;
};

}  // namespace conclave::raft
