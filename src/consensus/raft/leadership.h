// The lead of one term, from the election to its loss. It is dropped whole when the lead is lost; nothing of it
// survives into another one.
//
//   1  The leader never changes or removes an entry of its log (leader append-only).
//   2  It commits by counting only up to entries of its own term; what is below is committed with them (5.4.2,
//      figure 8).
//   3  It serves from when the no-op with which its term began is committed: everything committed before is known
//      then (E4, dissertation 6.4).
//   4  A read is granted only then, under a valid lease or a round confirmed after it was asked for (6.4, 6.4.1).
// Pure.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "consensus/parts/lease.h"
#include "consensus/parts/peers.h"
#include "consensus/parts/read_barriers.h"
#include "consensus/raft/core.h"

namespace conclave::raft {

class Leadership {
 public:
  // REQUIRES: elected in core.term.
  explicit Leadership(Core& core);
  // A copy that belongs to another engine.
  Leadership(Core& core, const Leadership& other);

  Ballot ballot() const { return ballot_; }
  bool serves() const { return core_.given >= first_own_; }
  const consensus::Lease& lease() const { return lease_; }
  const consensus::Peers& peers() const { return peers_; }

  void propose(consensus::Propose proposal);
  void read(uint64_t token);
  void transfer(ReplicaId to);
  size_t reads_waiting() const { return barriers_.size(); }
  // Reads that wait, when the lead ends.
  std::vector<uint64_t> take_reads() { return barriers_.take_all(); }

  void on(ReplicaId from, const Appended& message);
  void on(ReplicaId from, const Conflict& message);
  void peer_hint(ReplicaId peer, bool up);
  void tick();
  // Why the lead must be given up now, or nullptr.
  const char* lost() const;
  // A membership without this server is committed (section 6). The best informed voter was told to stand.
  bool removed() const { return removed_; }

  // Moves the commit index as far as the majority allows.
  void advance_commit();
  // After every event, when what is committed was given out: grants reads, tells what is newly committed.
  void settle();
  // `entry` was given out as committed.
  void given_out(const Entry& entry);

  void fold(consensus::StateFold& fold) const;

 private:
  struct Transfer {
    ReplicaId to;
    Instant deadline;
    bool told = false;
  };

  void append(consensus::EntryKind kind, std::vector<Blob> payloads);
  // Can this membership be the next one, and now?
  bool takes(const Blob& payload) const;
  void follow_membership();
  void part_from_former();
  void hand_over();
  void pump_all();
  void pump(ReplicaId to, consensus::Progress& peer);
  void request_snapshot(ReplicaId to, consensus::Progress& peer);
  void send_heartbeats();
  void heartbeat(ReplicaId to, consensus::Progress& peer);
  // The entry before what is sent to this peer next, as far as it is in memory.
  Index before(const consensus::Progress& peer) const;
  void announce();
  void advance_transfer();
  uint64_t confirmed() const { return lease_.confirmed_round(barriers_.round()); }
  consensus::Stamp stamp() const { return {.sent = core_.now, .read_round = barriers_.round()}; }

  Core& core_;
  Ballot ballot_;
  Index first_own_;  // the no-op with which this term began
  consensus::Lease lease_;
  consensus::ReadBarriers barriers_;
  consensus::Peers peers_;
  std::optional<Transfer> transfer_;
  Index parted_;  // the membership whose former peers were parted from
  bool removed_ = false;
  consensus::ReplicaSet abstaining_;  // peers that said so
  size_t bytes_in_flight_ = 0;
  Index told_committed_;
  Instant heartbeat_at_;
};

}  // namespace conclave::raft
