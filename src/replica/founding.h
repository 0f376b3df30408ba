// How a replica that starts empty learns whether it is a founder of its cell (ADR 16). A founder may vote at once; one
// that lost its disk, or that comes later, must not, and nothing on an empty disk tells them apart: the other replicas
// do. Loop thread only; no I/O of its own.
//
// Each replica that does not know the cell yet tells the others the name of its disk and those that it has heard. When
// all voters of the configuration, this replica among them, say that they would found the cell with the same disks, the
// cell is founded. Who hears of a founding that lists its own disk joins in it; who hears of one that does not is a
// newcomer, to be added to the members like any other.
//
// Invariants:
//   N1  Two foundings that are known to surviving disks are equal. Whoever knows one tells nothing else any more, and
//       a founding needs the word of every voter; a voter's word goes from an older disk of another to its newer one
//       and never back, because it counts only if it answers the call of the present connection (a frame that comes
//       late, from a life before, does not).
//   N2  Whose log holds anything founds no cell: it belongs to one, even if it does not know yet to which members.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "consensus/api/membership.h"
#include "env/entropy.h"
#include "state/txn/member_address.h"
#include "wire/peer/peer_message.h"

namespace conclave::replica {

inline constexpr const char* kLostDisk =
    "this replica has lost its disk and has no vote: remove it from the members, and add it again (conclave member "
    "replace)";

class Founding {
 public:
  // `configured`: who is to found the cell, sorted by id; without self, this replica is to be added to one. `founders`:
  // those of the cell, if it is known that this replica is one. `log_is_empty`: this replica never learned anything of
  // a cell. A cell whose only voter this is is founded at once.
  Founding(ReplicaId self, consensus::DiskId disk, std::vector<consensus::Member> configured,
           std::vector<consensus::Member> founders, bool log_is_empty, std::optional<state::HostPort> lock_service,
           env::Entropy& entropy);

  consensus::DiskId disk() const { return disk_; }
  bool founded() const { return !founders_.empty(); }
  // Sorted by id, voters with their disks. Empty: not known.
  const std::vector<consensus::Member>& founders() const { return founders_; }
  const std::vector<consensus::Member>& configured() const { return configured_; }
  // As the peer said over the present connection; 0, nothing: it has not.
  consensus::DiskId disk_of(ReplicaId peer) const;
  std::optional<state::HostPort> lock_service_of(ReplicaId peer) const;

  void on_up(ReplicaId peer) { peers_[peer] = {}; }
  void on_down(ReplicaId peer) { peers_.erase(peer); }

  // What to tell the peer. `cell_known`: the state holds a membership.
  wire::peer::Introduction introduction_to(ReplicaId peer, bool cell_known);
  enum class Heard {
    nothing,  // there is nothing to do
    answer,   // introduce yourself to the sender
    news,     // to all
    founded,  // to all, when founders() are on the disk
  };
  Heard on_introduction(ReplicaId from, const wire::peer::Introduction& introduction, bool cell_known);

  // For people: why this replica knows no cell yet.
  std::string waits_for() const;

 private:
  struct Peer {
    uint64_t call = 0;   // ours, for this connection
    uint64_t heard = 0;  // its own
    consensus::DiskId disk;
    std::vector<consensus::Member> would_found;
    std::optional<state::HostPort> lock_service;
  };
  // Those that we would found the cell with, as far as we have heard of them; empty: we would not.
  std::vector<consensus::Member> would_found() const;
  bool all_agree() const;

  const ReplicaId self_;
  const consensus::DiskId disk_;
  const std::vector<consensus::Member> configured_;
  std::vector<consensus::Member> founders_;
  const bool log_is_empty_;
  const std::optional<state::HostPort> lock_service_;
  env::Entropy* entropy_;
  std::map<ReplicaId, Peer> peers_;  // connected
  ReplicaId founded_without_us_;     // who told of a founding that does not list our disk
  bool lists_another_disk_ = false;  // that founding does list our number
};

}  // namespace conclave::replica
