#include "consensus/paxos/promise_set.h"

#include <algorithm>
#include <iterator>

#include "base/plant.h"
#include "consensus/paxos/tally.h"

namespace conclave::paxos {

bool PromiseSet::add(ReplicaId acceptor, const Promise& part) {
  if (part.ballot != ballot_) return true;
  // All slots below the last one told are filled up by the new master. An acceptor takes none that is a window ahead of
  // what it knows to be chosen; after a restart it may know as much as a window less.
  const Index last = part.entries.empty() ? Index() : part.entries.back().index;
  if (last > part.committed && last - part.committed > 2 * Tally::kWindowMax) return false;
  Index& committed = committed_by_[acceptor];
  committed = std::max(committed, part.committed);
  committed_ = std::max(committed_, part.committed);

  for (const Entry& entry : part.entries) {
    if (entry.index < from_) continue;
    Entry& best = best_[entry.index];
    if (entry.ballot > best.ballot && !(best.ballot && CONCLAVE_PLANT(first_promise_wins))) best = entry;
  }
  auto& ranges = covered_[acceptor];
  cover(ranges, Index(0), part.committed);
  if (cover(ranges, part.covers_from, part.covers_to)) complete_.set(acceptor.value);
  return true;
}

// Adds from..to; true if everything from from_ on is covered now.
bool PromiseSet::cover(std::map<Index, Index>& ranges, Index from, Index to) const {
  auto next = ranges.upper_bound(from);
  if (next != ranges.begin()) {
    const auto before = std::prev(next);
    if (from.value == 0 || before->second >= from.prev()) {  // touches the range before it
      from = before->first;
      to = std::max(to, before->second);
      next = ranges.erase(before);
    }
  }
  while (next != ranges.end() && (to == kEnd || next->first <= to.next())) {
    to = std::max(to, next->second);
    next = ranges.erase(next);
  }
  ranges[from] = to;
  return from <= from_ && to == kEnd;
}

std::vector<ReplicaId> PromiseSet::who_committed(Index index) const {
  std::vector<ReplicaId> out;
  for (const auto& [id, committed] : committed_by_) {
    if (committed >= index) out.push_back(id);
  }
  return out;
}

void PromiseSet::fold(consensus::StateFold& fold) const {
  fold.add(ballot_, from_, committed_, covered_.size());
  for (const auto& [id, ranges] : covered_) {  // complete_ follows from the ranges
    fold.add(id);
    fold.all(ranges);
  }
  fold.all(committed_by_);
  fold.all(best_);
}

const Entry* PromiseSet::best(Index slot) const {
  const auto found = best_.find(slot);
  return found == best_.end() ? nullptr : &found->second;
}

}  // namespace conclave::paxos
