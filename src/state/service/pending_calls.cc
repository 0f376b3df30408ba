#include "state/service/pending_calls.h"

#include <algorithm>

namespace conclave::state {

CallMarks PendingCalls::marks(SessionId id) const {
  if (const auto it = pending_.find(id); it != pending_.end()) return it->second.marks;
  const CallTable::Calls* applied = applied_.find(id);
  return applied != nullptr ? applied->marks : CallMarks();
}

std::optional<Zxid> PendingCalls::done(SessionId id, uint64_t number) const {
  if (const auto it = pending_.find(id); it != pending_.end()) {
    if (const auto proposed = it->second.done.find(number); proposed != it->second.done.end()) return proposed->second;
    if (it->second.closed != Zxid()) return std::nullopt;
  }
  const CallReply* reply = applied_.reply(id, number);
  return reply != nullptr ? std::optional(reply->zxid) : std::nullopt;
}

void PendingCalls::note(SessionId id, const CallNumber& call, Zxid zxid) {
  const CallMarks before = marks(id);
  Pending& pending = pending_[id];
  pending.last = zxid;
  pending.marks = {call.number, std::max(before.answered_below, call.answered_below)};
  pending.done[call.number] = zxid;
  proposed_.push_back({zxid, id, call.number});
}

void PendingCalls::forget(SessionId id, Zxid zxid) {
  if (applied_.find(id) == nullptr && !pending_.contains(id)) return;
  pending_[id] = {.last = zxid, .closed = zxid, .marks = {}, .done = {}};
  proposed_.push_back({zxid, id, 0});
}

void PendingCalls::drop_through(Zxid zxid) {
  for (; !proposed_.empty() && proposed_.front().zxid <= zxid; proposed_.pop_front()) {
    const Touch& touch = proposed_.front();
    const auto it = pending_.find(touch.session);
    if (it == pending_.end()) continue;
    Pending& pending = it->second;
    // A later session of this id may have come to the same number.
    const auto done = pending.done.find(touch.number);
    if (done != pending.done.end() && done->second == touch.zxid) pending.done.erase(done);
    if (pending.closed == touch.zxid) pending.closed = Zxid();
    if (pending.last == touch.zxid) pending_.erase(it);
  }
}

}  // namespace conclave::state
