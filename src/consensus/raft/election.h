// Seeking the lead (5.2): waits for a silent leader, asks whether others would vote for us (pre-vote, 9.6), then stands
// in a new term.
//
//   1  Nothing durable and nobody else changes before a majority granted the pre-vote, except in a transfer of the
//      lead.
//   2  RequestVote leaves only when our term and vote are durable.
//   3  Timeouts are drawn at random (RF-07), so split votes are rare and resolved.
// Pure.
#pragma once

#include "consensus/raft/core.h"

namespace conclave::raft {

class Election {
 public:
  explicit Election(Core& core) : core_(core) {}
  // A copy that belongs to another engine.
  Election(Core& core, const Election& other);

  bool standing() const { return standing_; }  // a candidate

  // Gives up what is under way and begins again at some time in [low, high] from now at the earliest.
  void rest(Duration low, Duration high);
  // A leader lives, or a vote was given: wait a full election timeout.
  void leader_lives() { rest(core_.config.election_timeout_min, core_.config.election_timeout_max); }
  // The connection to the leader broke; `bound_until` is when our lease promise to it ends.
  void leader_unreachable(Instant bound_until);
  // True: the time to begin (again) has come.
  bool due() const { return core_.now >= deadline_; }

  void ask_pre_votes();
  void stand(Ballot proof = {});
  // Asks again those who may not have heard, and gives up an attempt that takes too long.
  void tick();

  void on(ReplicaId from, const Vote& vote);
  void persisted(uint64_t persist);
  // Once, when a majority has voted for us.
  bool take_won();

  // `waits`: no lead is held, so that the deadline counts.
  void fold(consensus::StateFold& fold, bool waits) const;

 private:
  void request_votes();
  void give_up();

  Core& core_;
  Instant deadline_;
  bool asking_ = false;  // for pre-votes
  bool standing_ = false;
  bool refused_ = false;         // by a server of the term in which we stand
  consensus::ReplicaSet votes_;  // or pre-votes
  Ballot proof_;
  uint64_t own_vote_persist_ = 0;
  Instant resend_at_;
  Instant give_up_at_;
};

}  // namespace conclave::raft
