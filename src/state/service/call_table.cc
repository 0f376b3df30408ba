#include "state/service/call_table.h"

#include <algorithm>

#include "base/assert.h"
#include "base/checksum.h"

namespace conclave::state {
namespace {

uint64_t marks_digest(SessionId id, const CallMarks& marks) {
  const uint64_t words[] = {static_cast<uint64_t>(id.value), marks.highest, marks.answered_below};
  return xxh3_64({reinterpret_cast<const char*>(words), sizeof(words)}, /*seed=*/0xCA115);
}

uint64_t reply_digest(SessionId id, uint64_t number, const CallReply& reply) {
  const uint64_t words[] = {static_cast<uint64_t>(id.value), number, reply.zxid.value};
  const uint64_t seed = xxh3_64({reinterpret_cast<const char*>(words), sizeof(words)}, /*seed=*/0x4EB17);
  Bytes outcome;
  encode(reply.outcome, &outcome);
  return xxh3_64(outcome, seed);
}

}  // namespace

const CallTable::Calls* CallTable::find(SessionId id) const {
  const auto it = calls_.find(id);
  return it == calls_.end() ? nullptr : &it->second;
}

const CallReply* CallTable::reply(SessionId id, uint64_t number) const {
  const Calls* calls = find(id);
  if (calls == nullptr) return nullptr;
  const auto it = calls->replies.find(number);
  return it == calls->replies.end() ? nullptr : it->second.reply.get();
}

void CallTable::done(SessionId id, const CallNumber& call, CallReply reply) {
  const auto [it, is_first] = calls_.try_emplace(id);
  Calls& calls = it->second;
  CONCLAVE_ASSERT(call.number > calls.marks.highest && call.answered_below <= call.number);
  if (!is_first) digest_ -= marks_digest(id, calls.marks);
  calls.marks.highest = call.number;
  calls.marks.answered_below = std::max(calls.marks.answered_below, call.answered_below);
  digest_ += marks_digest(id, calls.marks);
  const auto kept = calls.replies.lower_bound(calls.marks.answered_below);
  for (auto known = calls.replies.begin(); known != kept; ++known) digest_ -= known->second.digest;
  calls.replies.erase(calls.replies.begin(), kept);
  keep(id, calls, call.number, std::move(reply));
}

void CallTable::keep(SessionId id, Calls& calls, uint64_t number, CallReply reply) {
  Entry& entry = calls.replies[number];
  entry.digest = reply_digest(id, number, reply);
  entry.reply = std::make_shared<const CallReply>(std::move(reply));
  digest_ += entry.digest;
}

void CallTable::forget(SessionId id) {
  const auto it = calls_.find(id);
  if (it == calls_.end()) return;
  digest_ -= marks_digest(id, it->second.marks);
  for (const auto& [number, entry] : it->second.replies) digest_ -= entry.digest;
  calls_.erase(it);
}

void CallTable::restore(SessionId id, const CallMarks& marks) {
  const auto [it, is_new] = calls_.try_emplace(id);
  CONCLAVE_ASSERT(is_new);
  it->second.marks = marks;
  digest_ += marks_digest(id, marks);
}

void CallTable::restore_reply(SessionId id, uint64_t number, CallReply reply) {
  keep(id, calls_.find(id)->second, number, std::move(reply));
}

void CallTable::clear() {
  calls_.clear();
  digest_ = 0;
}

}  // namespace conclave::state
