// The distinguished proposer of one ballot, from the quorum of promises to the loss of the lead. It passes through the
// stages of PX-13 in order, never back:
//   learn        what was chosen before and is not known here, from those who know;
//   synchronise  propose again, under our ballot, for every slot above: the value of the highest-numbered accepted
//                proposal, a no-op where none was told (P2c; "Paxos Made Simple" section 3);
//   serve        take proposals and read barriers.
// A mastership is dropped whole when the lead is lost; nothing of it survives into another one.
//
//   1  Every entry above log.committed(), up to the last slot proposed, carries our ballot from the stage
//      synchronise on.
//   2  Stage serve begins only when every slot that may have been chosen before is committed (E4, B25).
//   3  A read is granted only in stage serve, under a valid lease or a round confirmed after it was asked for
//      (B23, B24).
//   4  Nothing is proposed behind a membership before that is chosen, nor before a quorum of it has promised.
// Pure.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "consensus/parts/lease.h"
#include "consensus/parts/peers.h"
#include "consensus/parts/read_barriers.h"
#include "consensus/paxos/core.h"
#include "consensus/paxos/learner.h"
#include "consensus/paxos/promise_set.h"

namespace conclave::paxos {

using consensus::Lease;
using consensus::Progress;
using consensus::ReadBarriers;

enum class Stage : uint8_t { learn, synchronise, serve };

class Mastership {
 public:
  Mastership(Core& core, Learner& learner, PromiseSet promises);
  // A copy that belongs to another engine.
  Mastership(Core& core, Learner& learner, const Mastership& other);

  Ballot ballot() const { return promises_.ballot(); }
  Stage stage() const { return stage_; }
  const Lease& lease() const { return lease_; }
  const consensus::Peers& peers() const { return peers_; }

  void propose(consensus::Propose proposal);
  void read(uint64_t token);
  void transfer(ReplicaId to);
  size_t reads_waiting() const { return barriers_.size(); }
  // Reads that wait, when the mastership ends.
  std::vector<uint64_t> take_reads() { return barriers_.take_all(); }

  void on(ReplicaId from, const Promise& message);
  void on(ReplicaId from, const Accepted& message);
  void on(ReplicaId from, const HeartbeatAck& message);
  // `from` answered a Learn of ours; the learner has taken it in.
  void taught(ReplicaId from);
  void peer_hint(ReplicaId peer, bool up);
  void tick();
  // Why the lead must be given up now, or nullptr.
  const char* lost() const;

  // After every event: goes on to the next stage if it can, grants reads, tells what is newly committed.
  void settle();
  // `entry` was given out as committed.
  void given_out(const Entry& entry);
  // The state jumped by a snapshot.
  void jumped();
  // Does a quorum of the membership that counts know for good that it does? Only then can it do without those that
  // left.
  bool membership_firm() const;
  // A membership without this replica counts now. The best informed voter was told to campaign.
  bool removed() const { return removed_; }

  void fold(consensus::StateFold& fold) const;

 private:
  struct Transfer {
    ReplicaId to;
    Instant deadline;
    bool told = false;
  };

  void ask_teacher();
  void synchronise();
  void propose_again();
  void ask_promise(ReplicaId acceptor);
  void ask_promises();
  // Do acceptors that promised know more to be chosen than we do? They tell it when asked, not in their promises.
  bool behind() const { return core_.log.committed() < promises_.committed(); }
  // Has a quorum of the membership that counts promised?
  bool has_promises() const { return core_.quorum().reached(promises_.complete()); }
  // Is a membership proposed and not chosen yet?
  bool changing() const { return change_ > core_.log.committed(); }
  bool may_propose() const {
    return stage_ == Stage::serve && !changing() && !behind() && has_promises() && proposed_ >= promises_.last();
  }
  // Can this membership be the next one, and now? If only promises are missing they are asked for.
  bool takes(const Blob& payload);
  // Is everything up to `upto` durable at a quorum of these?
  bool held_by(const consensus::Quorum& quorum, Index upto) const;
  void follow_membership();
  void hand_over();
  void append(std::vector<Entry> entries);
  void append_noops_to(Index last);
  void pump_all();
  void pump(ReplicaId to, Progress& peer);
  void request_snapshot(ReplicaId to, Progress& peer);
  void send_heartbeats();
  void heartbeat(ReplicaId to, Progress& peer);
  void announce();
  void advance_transfer();
  void recount();
  uint64_t confirmed() const { return lease_.confirmed_round(barriers_.round()); }
  Stamp stamp() const { return {.sent = core_.now, .read_round = barriers_.round()}; }

  Core& core_;
  Learner& learner_;
  PromiseSet promises_;
  Stage stage_ = Stage::learn;
  Lease lease_;
  ReadBarriers barriers_;
  consensus::Peers peers_;
  std::optional<Transfer> transfer_;
  Index first_own_;  // first slot proposed under our ballot
  Index proposed_;   // last one; kept up with what is committed before there is any
  Index change_;     // the last one with a membership
  bool removed_ = false;
  consensus::ReplicaSet asked_;          // for a promise, as master
  consensus::ReplicaSet abstaining_;     // peers that said so: they learn only
  std::map<ReplicaId, Index> noted_by_;  // what their disks know to be chosen
  size_t bytes_in_flight_ = 0;
  Index told_committed_;
  Instant heartbeat_at_;
  size_t teacher_ = 0;
  Instant ask_at_;  // while behind(), as the next
  Instant learn_by_;
};

}  // namespace conclave::paxos
