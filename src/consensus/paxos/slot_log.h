// What this acceptor has accepted, per slot, and how much of it is known to be chosen. Holes are possible (PX-13: slots
// are chosen out of order). Pure; one deque element per slot, payloads shared, nothing allocated per slot beyond that.
//
// Invariants
//   1  first() - 1 <= committed(): what was dropped from memory had been committed.
//   2  Every slot in [first(), committed()] holds the chosen entry; it never changes again.
//   3  last() is the highest slot that holds an entry, or committed() if none above it does.
#pragma once

#include <deque>
#include <vector>

#include "consensus/api/entry.h"
#include "consensus/api/state_fold.h"

namespace conclave::paxos {

using consensus::Entry;

class SlotLog {
 public:
  // An empty log after a snapshot that covers `snapshot_index`.
  explicit SlotLog(Index snapshot_index = Index(0)) : base_(snapshot_index), committed_(snapshot_index) {}

  Index first() const { return base_.next(); }
  Index last() const { return base_ + slots_.size(); }
  Index committed() const { return committed_; }

  // nullptr: a hole, or outside of memory. Valid until the next change.
  const Entry* at(Index index) const {
    if (index <= base_ || index > last()) return nullptr;
    const Entry& entry = slots_[index - base_ - 1];
    return entry.ballot ? &entry : nullptr;
  }

  // No hole in committed().next() .. index.
  bool holds_all_to(Index index) const {
    Index i = committed_;
    while (i < index && at(i.next())) i = i.next();
    return i >= index;
  }

  // Accepts. REQUIRES: entry.index > committed(), entry.ballot not zero.
  void put(Entry entry);
  // The slot committed().next() is chosen as it stands. REQUIRES: it holds an entry.
  void commit_next();
  // Forgets entries up to min(keep_after, committed()).
  void release(Index keep_after);
  // The state jumped to `index` by a snapshot. Returns the slots at or below it that held entries never committed here.
  std::vector<Index> install(Index index);

  // The consecutive entries from `from` up to `to`, payloads up to `bytes_max` but at least one entry; ends at a hole.
  std::vector<Entry> run(Index from, Index to, size_t bytes_max) const;

  void fold(consensus::StateFold& fold) const {
    fold.add(base_, committed_);
    fold.all(slots_);
  }

 private:
  Index base_;  // slots_[0] is slot base_ + 1
  Index committed_;
  std::deque<Entry> slots_;  // a zero ballot marks a hole; the last one is none
};

}  // namespace conclave::paxos
