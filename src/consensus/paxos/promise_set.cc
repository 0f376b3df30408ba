#include "consensus/paxos/promise_set.h"

#include <algorithm>

namespace conclave::paxos {

void PromiseSet::add(ReplicaId acceptor, const Promise& part) {
  if (part.ballot != ballot_) return;
  Index& committed = committed_by_[acceptor];
  committed = std::max(committed, part.committed);
  committed_ = std::max(committed_, part.committed);

  Index& covered = covered_.try_emplace(acceptor, from_.prev()).first->second;
  covered = std::max(covered, part.committed);
  if (part.covers_from > covered.next()) return;
  covered = std::max(covered, part.covers_to);
  for (const Entry& entry : part.entries) {
    if (entry.index < from_) continue;
    const size_t place = entry.index - from_;
    if (place >= best_.size()) best_.resize(place + 1);
    if (entry.ballot > best_[place].ballot) best_[place] = entry;
  }
  if (covered == kEnd) complete_.set(acceptor.value);
}

std::vector<ReplicaId> PromiseSet::who_committed(Index index) const {
  std::vector<ReplicaId> out;
  for (const auto& [id, committed] : committed_by_) {
    if (committed >= index) out.push_back(id);
  }
  return out;
}

const Entry* PromiseSet::best(Index slot) const {
  if (slot < from_ || slot > last()) return nullptr;
  const Entry& entry = best_[slot - from_];
  return entry.ballot ? &entry : nullptr;
}

}  // namespace conclave::paxos
