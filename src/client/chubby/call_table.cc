#include "client/chubby/call_table.h"

#include <algorithm>
#include <utility>

namespace conclave::chubby {

void CallTable::add(Call call) {
  count(call, 1);
  queue_.push_back(std::move(call));
}

Call* CallTable::number(Call call) {
  const uint64_t number = ++last_number_;
  call.number = number;
  call.on_wire = true;
  call.message.set_number(number);
  if (call.changes) changing_numbers_.insert(number);
  return &sent_.emplace(number, std::move(call)).first->second;
}

Call* CallTable::next(bool handles_only) {
  if (!reopens_.empty()) {
    Call call = std::move(reopens_.front());
    reopens_.pop_front();
    ++reopens_sent_;
    return number(std::move(call));
  }
  if (off_wire_ != 0) {
    const bool handles = reopens_sent_ != 0;
    for (auto& [number, call] : sent_) {
      if (call.on_wire || (handles && !call.message.has_reopen()) || (handles_only && !handles)) continue;
      --off_wire_;
      call.on_wire = true;
      return &call;
    }
    return nullptr;
  }
  if (handles_only || reopens_sent_ != 0 || queue_.empty() || sent_.size() >= calls_max_) return nullptr;
  Call call = std::move(queue_.front());
  queue_.pop_front();
  return number(std::move(call));
}

std::optional<Call> CallTable::take(uint64_t number) {
  auto node = sent_.extract(number);
  if (node.empty()) return std::nullopt;
  Call& call = node.mapped();
  if (!call.on_wire) --off_wire_;
  if (call.message.has_reopen()) --reopens_sent_;
  changing_numbers_.erase(number);
  count(call, -1);
  return std::move(call);
}

std::vector<Call> CallTable::take_all() {
  std::vector<Call> all;
  all.reserve(sent_.size() + queue_.size());
  for (auto& [number, call] : sent_) all.push_back(std::move(call));
  for (Call& call : queue_) all.push_back(std::move(call));
  *this = CallTable(calls_max_);
  return all;
}

bool CallTable::of_application(uint64_t number) const {
  const auto at = sent_.find(number);
  return at != sent_.end() && !at->second.message.has_reopen() && !at->second.message.has_end_session();
}

void CallTable::send_again(uint64_t number) {
  const auto at = sent_.find(number);
  if (at == sent_.end() || !at->second.on_wire) return;
  at->second.on_wire = false;
  ++off_wire_;
}

void CallTable::connection_lost() {
  for (auto& [number, call] : sent_) call.on_wire = false;
  off_wire_ = sent_.size();
}

void CallTable::drop_reopens() {
  reopens_.clear();
  for (auto at = sent_.begin(); at != sent_.end();) {
    const uint64_t number = at->first;
    const bool reopen = at->second.message.has_reopen();
    ++at;
    if (reopen) take(number);
  }
}

std::vector<CallTable::GivenUp> CallTable::give_up(const std::function<bool(const Call&)>& which) {
  std::vector<GivenUp> out;
  for (auto& [number, call] : sent_) {
    if (call.given_up || !which(call)) continue;
    call.given_up = true;
    out.push_back({.done = std::exchange(call.done, Done()), .number = number});
  }
  std::erase_if(queue_, [&](Call& call) {
    if (!which(call)) return false;
    count(call, -1);
    out.push_back({.done = std::move(call.done)});
    return true;
  });
  return out;
}

void CallTable::forbid_keeping(std::string_view path) {
  for (auto& [number, call] : sent_) {
    if (call.path == path) call.keep = false;
  }
}

void CallTable::forbid_keeping_all() {
  for (auto& [number, call] : sent_) call.keep = false;
}

bool CallTable::any(const std::function<bool(const Call&)>& which) const {
  return std::ranges::any_of(queue_, which) ||
         std::ranges::any_of(sent_, [&](const auto& numbered) { return which(numbered.second); });
}

bool CallTable::uses(uint64_t remote) const {
  return any([remote](const Call& call) { return call.remote == remote && !call.message.has_close(); });
}

bool CallTable::acquires(uint64_t remote) const {
  return any(
      [remote](const Call& call) { return call.remote == remote && call.message.has_acquire() && !call.given_up; });
}

void CallTable::count(const Call& call, int by) {
  if (!call.changes || call.path.empty()) return;
  const auto at = changing_paths_.try_emplace(call.path, 0).first;
  at->second += by;
  if (at->second == 0) changing_paths_.erase(at);
}

}  // namespace conclave::chubby
