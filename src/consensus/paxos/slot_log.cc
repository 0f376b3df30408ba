#include "consensus/paxos/slot_log.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace conclave::paxos {

void SlotLog::put(Entry entry) {
  CONCLAVE_ASSERT(entry.index > committed_);
  CONCLAVE_ASSERT(static_cast<bool>(entry.ballot));
  const size_t place = entry.index - base_ - 1;
  if (place >= slots_.size()) slots_.resize(place + 1);
  slots_[place] = std::move(entry);
}

void SlotLog::commit_next() {
  CONCLAVE_ASSERT(at(committed_.next()) != nullptr);
  committed_ = committed_.next();
}

void SlotLog::release(Index keep_after) {
  const Index to = std::min(keep_after, committed_);
  while (base_ < to) {
    slots_.pop_front();
    base_ = base_.next();
  }
}

std::vector<Index> SlotLog::install(Index index) {
  std::vector<Index> void_slots;
  for (Index i = committed_.next(); i <= std::min(index, last()); i = i.next()) {
    if (at(i)) void_slots.push_back(i);
  }
  committed_ = std::max(committed_, index);
  while (base_ < index && !slots_.empty()) {
    slots_.pop_front();
    base_ = base_.next();
  }
  base_ = std::max(base_, index);
  return void_slots;
}

std::vector<Entry> SlotLog::run(Index from, Index to, size_t bytes_max) const {
  std::vector<Entry> out;
  size_t bytes = 0;
  for (Index i = from; i <= to; i = i.next()) {
    const Entry* entry = at(i);
    if (!entry) break;
    bytes += entry->payload.size();
    if (!out.empty() && bytes > bytes_max) break;
    out.push_back(*entry);
  }
  return out;
}

}  // namespace conclave::paxos
