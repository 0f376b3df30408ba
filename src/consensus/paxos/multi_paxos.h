// The engine: routes each event to the part it concerns and owns the changes of role between them.
//
//   Follower    acceptor; follows a master and its lease
//   Learner     what is chosen
//   Campaign    pre-vote and phase 1
//   Mastership  the lead of one ballot: learn, synchronise, serve (PX-13); exists only while the lead is held
//
// Pure; one thread.
#pragma once

#include <optional>

#include "consensus/paxos/campaign.h"
#include "consensus/paxos/core.h"
#include "consensus/paxos/follower.h"
#include "consensus/paxos/learner.h"
#include "consensus/paxos/mastership.h"

namespace conclave::paxos {

class MultiPaxos final : public consensus::Engine {
 public:
  MultiPaxos(consensus::Config config, consensus::Recovered recovered);
  consensus::Output step(const consensus::Event& event) override;
  consensus::EngineStatus status(Instant now) const override;
  std::unique_ptr<consensus::Engine> clone() const override;
  void fold(consensus::StateFold& fold) const override;

 private:
  MultiPaxos(const MultiPaxos& other);

  void on(const consensus::Tick&);
  void on(const consensus::MessageReceived& event);
  void on(const consensus::Propose& event);
  void on(const consensus::ReadBarrier& event);
  void on(const consensus::TransferLead& event);
  void on(const consensus::Persisted& event);
  void on(const consensus::Applied&) {}
  void on(const consensus::SnapshotTaken& event);
  void on(const consensus::SnapshotInstalled& event);
  void on(const consensus::PeerHint& event);
  void on(const consensus::Founded& event);

  void on(ReplicaId from, PreVote&& message);
  void on(ReplicaId from, PreVoteReply&& message);
  void on(ReplicaId from, Prepare&& message);
  void on(ReplicaId from, Promise&& message);
  void on(ReplicaId from, Accept&& message);
  void on(ReplicaId from, Accepted&& message);
  void on(ReplicaId from, Nack&& message);
  void on(ReplicaId from, Heartbeat&& message);
  void on(ReplicaId from, HeartbeatAck&& message);
  void on(ReplicaId from, Learn&& message);
  void on(ReplicaId from, Learned&& message);
  void on(ReplicaId from, Chosen&& message);
  void on(ReplicaId from, TransferNow&& message);

  void start();
  void settle();
  void give_out();
  void report_role();
  consensus::RoleChange current_role() const;
  // A message of the master of `ballot`. False: its ballot is too low; it was told so.
  bool heed(ReplicaId from, Ballot ballot);
  bool may_promise() const;
  bool bound_to_other(ReplicaId candidate) const;
  bool may_campaign() const { return core_.voter() && core_.damaged.empty(); }
  void step_down(const char* reason);

  Core core_;
  Learner learner_;
  Follower follower_;
  Campaign campaign_;
  std::optional<Mastership> mastership_;
  consensus::RoleChange reported_;
  bool started_ = false;
  Instant hint_at_;      // when the committed hint was last written for its own sake
  Instant snapshot_at_;  // when a snapshot was last asked for in answer to Learn
};

}  // namespace conclave::paxos
