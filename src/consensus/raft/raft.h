// The engine: routes each event to the part it concerns and owns the changes of role between them (figure 4).
//
//   Follower     takes a leader's entries; follows its lease
//   Election     pre-vote and vote
//   Leadership   the lead of one term; exists only while the lead is held
//
// Pure; one thread.
#pragma once

#include <optional>

#include "consensus/raft/core.h"
#include "consensus/raft/election.h"
#include "consensus/raft/follower.h"
#include "consensus/raft/leadership.h"

namespace conclave::raft {

class Raft final : public consensus::Engine {
 public:
  Raft(consensus::Config config, consensus::Recovered recovered);
  consensus::Output step(const consensus::Event& event) override;
  consensus::EngineStatus status(Instant now) const override;
  std::unique_ptr<consensus::Engine> clone() const override;
  void fold(consensus::StateFold& fold) const override;

 private:
  Raft(const Raft& other);

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
  void on(const consensus::Founded& event) { core_.memberships.found(event.members); }

  void on(ReplicaId from, RequestVote&& message);
  void on(ReplicaId from, Vote&& message);
  void on(ReplicaId from, Append&& message);
  void on(ReplicaId from, Appended&& message);
  void on(ReplicaId from, Conflict&& message);
  void on(ReplicaId from, HigherTerm&& message);
  void on(ReplicaId from, Committed&& message);
  void on(ReplicaId from, TimeoutNow&& message);

  void start();
  void settle();
  void report_role();
  consensus::RoleChange current_role() const;
  bool may_stand() const { return core_.voter() && core_.owed == Index(); }
  // Would it get our vote, but for the one that we may have given?
  bool electable(ReplicaId candidate, const RequestVote& message) const;
  Vote answer_to(const RequestVote& message, bool granted) const;
  bool bound_to_other(ReplicaId candidate) const;
  // RF-04: whoever sees a higher term becomes a follower in it.
  void enter_term(uint64_t term, const char* reason);
  void step_down(const char* reason);

  Core core_;
  Follower follower_;
  Election election_;
  std::optional<Leadership> leadership_;
  consensus::RoleChange reported_;
  bool started_ = false;
  Instant hint_at_;  // when the committed hint was last written for its own sake
};

}  // namespace conclave::raft
