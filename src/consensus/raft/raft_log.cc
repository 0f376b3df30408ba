#include "consensus/raft/raft_log.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace conclave::raft {

Index RaftLog::last_of_term(Index index, uint64_t term, Index floor) const {
  index = std::min(index, last());
  while (index > floor && ballot_at(index).round > term) index = index.prev();
  return index;
}

void RaftLog::append(Entry entry) {
  CONCLAVE_ASSERT(entry.index == last().next());
  CONCLAVE_ASSERT(entry.ballot.round >= last_ballot().round);
  entries_.push_back(std::move(entry));
}

void RaftLog::truncate(Index from) {
  CONCLAVE_ASSERT(from > committed_);
  while (last() >= from) entries_.pop_back();
}

void RaftLog::commit_to(Index index) {
  CONCLAVE_ASSERT(index <= last());
  committed_ = std::max(committed_, index);
}

void RaftLog::release(Index keep_after) {
  const Index to = std::min(keep_after, committed_);
  while (base_ < to) {
    base_ballot_ = entries_.front().ballot;
    entries_.pop_front();
    base_ = base_.next();
  }
}

bool RaftLog::install(Index index, Ballot ballot) {
  const bool kept = index <= last() && matches(index, ballot);
  if (kept) {
    committed_ = std::max(committed_, index);
    release(index);
    return true;
  }
  entries_.clear();
  base_ = committed_ = index;
  base_ballot_ = ballot;
  return false;
}

std::vector<Entry> RaftLog::run(Index from, Index to, size_t bytes_max) const {
  CONCLAVE_ASSERT(from > base_);
  std::vector<Entry> out;
  size_t bytes = 0;
  for (Index i = from; i <= std::min(to, last()); i = i.next()) {
    const Entry& entry = *at(i);
    bytes += entry.payload.size();
    if (!out.empty() && bytes > bytes_max) break;
    out.push_back(entry);
  }
  return out;
}

}  // namespace conclave::raft
