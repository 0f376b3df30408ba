// The acceptor's side of the lead: which master is followed, what it sent, and the promise to its lease.
//
//   1  After hearing from a master this replica helps no other candidate for election_timeout_min (the lease promise).
//      The promise is volatile: after a restart it helps nobody for as long (CH-12).
//   2  `received` counts slots that are committed or accepted under the ballot followed, without gaps; `durable` only
//      those of them that survive a crash.
// Pure.
#pragma once

#include "consensus/paxos/core.h"
#include "consensus/paxos/learner.h"

namespace conclave::paxos {

class Follower {
 public:
  Follower(Core& core, Learner& learner) : core_(core), learner_(learner) {}
  // A copy that belongs to another engine.
  Follower(Core& core, Learner& learner, const Follower& other)
      : core_(core),
        learner_(learner),
        ballot_(other.ballot_),
        master_(other.master_),
        bound_until_(other.bound_until_),
        received_(other.received_),
        durable_(other.durable_) {}

  // First event after a restart.
  void start() { bound_until_ = core_.now + core_.config.election_timeout_min; }

  Ballot ballot() const { return ballot_; }
  ReplicaId master() const { return master_; }
  Instant bound_until() const { return bound_until_; }
  // Bound by a lease promise to another than `candidate`.
  bool bound_to_other(ReplicaId candidate) const {
    return core_.now < bound_until_ && (master_ != candidate || candidate == ReplicaId(0));
  }

  // A message of the master of `ballot`, which is not below what was promised.
  void follow(Ballot ballot, ReplicaId master);
  // Nothing is known of a master any more; the lease promise stays.
  void forget() { master_ = ReplicaId(0); }

  // Phase 1b: tells candidate `to` what was accepted from `from_index` on, in as many parts as needed.
  void promise(ReplicaId to, Index from_index);
  // Phase 2b.
  void accept(ReplicaId from, Accept message);
  void acknowledge_heartbeat(Stamp stamp);
  void persisted(const DurableMark& mark);

  void fold(consensus::StateFold& fold) const {
    fold.add(ballot_, master_, received_, durable_);
    fold.remaining_exactly(bound_until_);  // PreVoteReply tells it
  }

 private:
  void advance_received();

  Core& core_;
  Learner& learner_;
  Ballot ballot_;
  ReplicaId master_;
  Instant bound_until_;
  Index received_;
  Index durable_;
};

}  // namespace conclave::paxos
