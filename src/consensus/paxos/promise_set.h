// Collects the promises to one ballot (phase 1, PX-08) and keeps, per slot, the highest-numbered accepted proposal
// (PX-09: the value of the *highest-numbered* one, never a count of votes). Pure.
//
// A promise comes in parts; each part is true by itself, whenever it was made, so parts of repeated answers may mix. An
// acceptor counts once its parts cover everything from the index asked to the end.
#pragma once

#include <map>
#include <vector>

#include "consensus/api/quorum.h"
#include "consensus/api/state_fold.h"
#include "consensus/paxos/messages.h"

namespace conclave::paxos {

class PromiseSet {
 public:
  // Promises to `ballot` about the slots from `from` on.
  PromiseSet(Ballot ballot, Index from) : ballot_(ballot), from_(from) {}

  Ballot ballot() const { return ballot_; }
  Index from() const { return from_; }
  // Takes a part, in any order; a part of another ballot is ignored. False: it tells of slots so far ahead that it
  // cannot be right.
  bool add(ReplicaId acceptor, const Promise& part);
  const consensus::ReplicaSet& complete() const { return complete_; }

  // The highest committed index told, and by whom.
  Index committed() const { return committed_; }
  // Who told that everything up to `index` is chosen, in order of id.
  std::vector<ReplicaId> who_committed(Index index) const;
  // Highest slot for which a proposal was told; from().prev() if none.
  Index last() const { return best_.empty() ? from_.prev() : best_.rbegin()->first; }
  // The highest-numbered proposal told for `slot`; nullptr: none.
  const Entry* best(Index slot) const;
  // What each acceptor told about its committed index.
  const std::map<ReplicaId, Index>& committed_by() const { return committed_by_; }

  void fold(consensus::StateFold& fold) const;

 private:
  bool cover(std::map<Index, Index>& ranges, Index from, Index to) const;

  Ballot ballot_;
  Index from_;
  Index committed_;
  std::map<ReplicaId, std::map<Index, Index>> covered_;  // disjoint ranges told about: first slot to last slot
  std::map<ReplicaId, Index> committed_by_;
  consensus::ReplicaSet complete_;
  std::map<Index, Entry> best_;  // by slot; a candidate far behind is told of slots far above from_
};

}  // namespace conclave::paxos
