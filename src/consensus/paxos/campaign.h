// Seeking the lead (PX-12: one distinguished proposer): waits for a silent master, asks whether others would promise
// (pre-vote), then prepares a ballot for all slots at once (phase 1, "Paxos Made Simple" section 3).
//
//   1  Nothing durable and nobody else changes before a quorum granted the pre-vote, except in a transfer of the lead.
//   2  Prepare leaves only when our own promise to its ballot is durable, so a ballot is never used twice.
//   3  Timeouts and back-offs are drawn at random, so duelling candidates separate.
// Pure.
#pragma once

#include <optional>

#include "consensus/paxos/core.h"
#include "consensus/paxos/learner.h"
#include "consensus/paxos/promise_set.h"

namespace conclave::paxos {

class Campaign {
 public:
  Campaign(Core& core, Learner& learner) : core_(core), learner_(learner) {}

  // A copy that belongs to another engine.
  Campaign(Core& core, Learner& learner, const Campaign& other);

  bool preparing() const { return promises_.has_value(); }
  bool asking() const { return attempt_open_; }

  // Gives up what is under way and begins again at some time in [low, high] from now at the earliest.
  void rest(Duration low, Duration high);
  // A master lives: wait a full election timeout.
  void master_lives() { rest(core_.config.election_timeout_min, core_.config.election_timeout_max); }
  // The connection to the master broke; `bound_until` is when our lease promise to it ends.
  void master_unreachable(Instant bound_until);
  // True: the time to begin (again) has come.
  bool due() const { return core_.now >= deadline_; }
  Duration until_due() const { return deadline_ - core_.now; }

  void ask_pre_votes();
  void prepare(Ballot proof = {});
  // Sends again what may be lost, and gives up an attempt that takes too long.
  void tick();

  void on(ReplicaId from, const PreVoteReply& reply);
  void on(ReplicaId from, const Promise& promise);
  void persisted(uint64_t persist);
  // A higher ballot was promised somewhere, or the prepare request was refused for a lease.
  void refused();

  // A quorum has promised: the promises, once.
  std::optional<PromiseSet> take_won();

  // `waits`: no lead is held, so that the deadline counts.
  void fold(consensus::StateFold& fold, bool waits) const;

 private:
  void send_prepare();

  Core& core_;
  Learner& learner_;
  Instant deadline_;
  uint64_t attempt_ = 0;
  bool attempt_open_ = false;
  consensus::ReplicaSet grants_;
  std::optional<PromiseSet> promises_;  // set while preparing
  Ballot proof_;
  uint64_t own_promise_persist_ = 0;
  Instant resend_at_;
  Instant give_up_at_;
};

}  // namespace conclave::paxos
