// Counts the acceptors of each slot under one ballot: a slot is chosen when a quorum of the voters accepted it (PX-04).
// Used by the master for its slots in flight, and by every learner when acceptors tell them directly (PX-11). Pure; one
// word per slot.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <deque>
#include <vector>

#include "base/assert.h"
#include "consensus/api/ballot.h"
#include "consensus/api/quorum.h"
#include "consensus/api/state_fold.h"

namespace conclave::paxos {

using consensus::Ballot;

// The voters of a membership, numbered densely, so that a set of them fits a word.
class Voters {
 public:
  explicit Voters(const consensus::Membership& membership) : ids_(consensus::Quorum(membership).voters()) {
    CONCLAVE_ASSERT(ids_.size() <= 64);
    for (const ReplicaId id : membership.voters()) incoming_ |= bit(id);
    for (const ReplicaId id : membership.outgoing) outgoing_ |= bit(id);
  }
  // 0 for a replica that does not vote.
  uint64_t bit(ReplicaId id) const {
    for (size_t i = 0; i < ids_.size(); ++i) {
      if (ids_[i] == id) return uint64_t{1} << i;
    }
    return 0;
  }
  // A majority of each configuration.
  bool quorum(uint64_t set) const { return majority(set, incoming_) && (outgoing_ == 0 || majority(set, outgoing_)); }

 private:
  static bool majority(uint64_t set, uint64_t of) { return 2 * std::popcount(set & of) > std::popcount(of); }

  std::vector<ReplicaId> ids_;
  uint64_t incoming_ = 0;
  uint64_t outgoing_ = 0;
};

class Tally {
 public:
  static constexpr uint64_t kWindowMax = uint64_t{1}
                                         << 20;  // slots counted ahead; beyond, an acknowledgement is dropped

  // Counts slots above `committed`.
  Tally(Ballot ballot, Index committed) : ballot_(ballot), base_(committed) {}

  Ballot ballot() const { return ballot_; }
  // `voter` (one bit of Voters) accepted first..last under ballot().
  void accepted(uint64_t voter, Index first, Index last) {
    if (voter == 0) return;
    first = std::max(first, base_.next());
    last = std::min(last, base_ + kWindowMax);
    if (last < first) return;
    if (sets_.size() < last - base_) sets_.resize(last - base_);
    for (Index i = first; i <= last; i = i.next()) sets_[i - base_ - 1] |= voter;
  }
  // Whether `slot` is chosen by what was counted.
  bool chosen(Index slot, const Voters& voters) const {
    if (slot <= base_ || slot - base_ > sets_.size()) return false;
    return voters.quorum(sets_[slot - base_ - 1]);
  }
  // Slots up to `committed` need no more counting.
  void release(Index committed) {
    while (base_ < committed) {
      if (sets_.empty()) {
        base_ = committed;
        return;
      }
      sets_.pop_front();
      base_ = base_.next();
    }
  }

  void fold(consensus::StateFold& fold) const {
    fold.add(ballot_, base_);
    fold.all(sets_);
  }

 private:
  Ballot ballot_;
  Index base_;
  std::deque<uint64_t> sets_;  // sets_[0] is slot base_ + 1
};

}  // namespace conclave::paxos
