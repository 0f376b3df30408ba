// The learner: finds out which slots are chosen ("Paxos Made Simple" 2.3, PX-11) and moves the committed index.
//
// A slot is committed here when it holds the value accepted under the ballot being followed, and either
//   - the owner of that ballot (or a distinguished learner) said that everything up to the slot is chosen, or
//   - a majority of acceptors told us so themselves (the master always, others by Config::learning);
// or when another replica told us the chosen value itself (Learned).
// Pure.
#pragma once

#include <vector>

#include "consensus/paxos/core.h"

namespace conclave::paxos {

class Learner {
 public:
  explicit Learner(Core& core) : core_(core), tally_(core.promised, core.log.committed()) {}
  // A copy that belongs to another engine.
  Learner(Core& core, const Learner& other) : core_(core), tally_(other.tally_), known_(other.known_) {}

  // Follows another ballot from now on: acceptances under older ones are no longer counted.
  void set_ballot(Ballot ballot);
  Ballot ballot() const { return tally_.ballot(); }

  // Everything up to `committed` is chosen, said somebody who knows, under ballot() or an older one.
  void told(Index committed) { known_ = std::max(known_, committed); }
  // `who` has durably accepted first..last under ballot().
  void accepted(ReplicaId who, Index first, Index last) {
    tally_.accepted(core_.voters.bit(who), std::max(first, core_.log.first()), last);
  }
  // Other voters count from now on: what was counted of the slots that are open is void.
  void recount() { tally_ = Tally(tally_.ballot(), core_.log.committed()); }
  // Moves the committed index as far as it goes. True: it moved.
  bool advance();

  void ask(ReplicaId teacher);
  void answer(ReplicaId asker, Index from, bool snapshot_allowed);
  // True: the committed index moved.
  bool learn(std::vector<Entry> entries);

  // Whom an acceptor tells about its acceptances when `master` leads, itself left out (PX-11).
  std::vector<ReplicaId> audience(ReplicaId master) const;
  // Does self tell everybody what it found chosen, without being the master?
  bool distinguished() const;

  void fold(consensus::StateFold& fold) const {
    fold.add(known_);
    tally_.fold(fold);
  }

 private:
  void commit_next();
  bool in_distinguished_set(ReplicaId id) const;

  Core& core_;
  Tally tally_;
  Index known_;
};

}  // namespace conclave::paxos
