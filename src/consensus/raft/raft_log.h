// The log (5.3): entries without holes, each with the term of the leader that made it. Pure; one deque element per
// entry, payloads shared.
//
// Invariants
//   1  base() <= committed() <= last(): what was dropped from memory had been committed.
//   2  Terms do not decrease from one entry to the next.
//   3  Entries at or below committed() never change.
#pragma once

#include <deque>
#include <vector>

#include "consensus/api/entry.h"
#include "consensus/api/state_fold.h"

namespace conclave::raft {

using consensus::Ballot;
using consensus::Entry;

class RaftLog {
 public:
  // An empty log after a snapshot that covers `index`, whose entry had `ballot`.
  explicit RaftLog(Index index = Index(), Ballot ballot = {}) : base_(index), base_ballot_(ballot), committed_(index) {}

  Index base() const { return base_; }  // the last one that is not in memory
  Index first() const { return base_.next(); }
  Index last() const { return base_ + entries_.size(); }
  Ballot last_ballot() const { return ballot_at(last()); }
  Index committed() const { return committed_; }

  // nullptr: outside of memory. Valid until the next change.
  const Entry* at(Index index) const {
    return index <= base_ || index > last() ? nullptr : &entries_[index - base_ - 1];
  }
  // REQUIRES: base() <= index <= last().
  Ballot ballot_at(Index index) const { return index == base_ ? base_ballot_ : at(index)->ballot; }
  // Is the leader's entry at `index` ours as well, and so everything before it (log matching)? What is committed is the
  // same everywhere.
  bool matches(Index index, Ballot ballot) const {
    return index <= committed_ || (index <= last() && ballot_at(index) == ballot);
  }
  // At least as up-to-date as a log that ends there (5.4.1).
  bool behind(Index index, Ballot ballot) const {
    return ballot.round > last_ballot().round || (ballot.round == last_ballot().round && index >= last());
  }
  // The last entry at or below `index` whose term is at most `term`, but not below `floor`, if `index` is not.
  // REQUIRES: floor >= base().
  Index last_of_term(Index index, uint64_t term, Index floor) const;

  // REQUIRES: entry.index == last().next().
  void append(Entry entry);
  // REQUIRES: from > committed().
  void truncate(Index from);
  // REQUIRES: index <= last(). Never goes back.
  void commit_to(Index index);
  // Forgets entries up to min(keep_after, committed()).
  void release(Index keep_after);
  // The state jumped by a snapshot to `index`, whose entry has `ballot`. False: our entry there was another one, or
  // none: the whole log is gone.
  bool install(Index index, Ballot ballot);

  // The entries from `from` up to `to`, payloads up to `bytes_max` but at least one entry. REQUIRES: from >= first().
  std::vector<Entry> run(Index from, Index to, size_t bytes_max) const;

  void fold(consensus::StateFold& fold) const {
    fold.add(base_, base_ballot_, committed_);
    fold.all(entries_);
  }

 private:
  Index base_;  // entries_[0] is base_ + 1
  Ballot base_ballot_;
  Index committed_;
  std::deque<Entry> entries_;
};

}  // namespace conclave::raft
