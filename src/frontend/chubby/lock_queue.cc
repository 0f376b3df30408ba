#include "frontend/chubby/lock_queue.h"

#include <algorithm>
#include <utility>

namespace conclave::frontend::chubby {

using state::LockHolder;
using state::LockMode;

uint64_t LockQueue::wait(std::string_view path, LockHolder holder, LockMode mode, uint64_t call) {
  auto queue = waiters_.find(path);
  if (queue == waiters_.end()) queue = waiters_.try_emplace(std::string(path)).first;
  const auto known = std::ranges::find(queue->second, holder, &Waiter::holder);
  if (known == queue->second.end()) {
    queue->second.push_back({.holder = holder, .mode = mode, .call = call});
    return 0;
  }
  known->mode = mode;
  return std::exchange(known->call, call);
}

uint64_t LockQueue::leave(std::string_view path, LockHolder holder) {
  const auto queue = waiters_.find(path);
  if (queue == waiters_.end()) return 0;
  const auto known = std::ranges::find(queue->second, holder, &Waiter::holder);
  if (known == queue->second.end()) return 0;
  const uint64_t call = known->call;
  queue->second.erase(known);
  if (queue->second.empty()) waiters_.erase(queue);
  return call;
}

bool LockQueue::cancel(SessionId session, uint64_t call) {
  for (auto& [path, queue] : waiters_) {
    const auto known = std::ranges::find_if(
        queue, [&](const Waiter& waiter) { return waiter.holder.session == session && waiter.call == call; });
    if (known == queue.end()) continue;
    leave(std::string(path), known->holder);
    return true;
  }
  return false;
}

std::vector<Waiter> LockQueue::leave_all(std::string_view path) {
  const auto queue = waiters_.find(path);
  if (queue == waiters_.end()) return {};
  std::vector<Waiter> out(queue->second.begin(), queue->second.end());
  waiters_.erase(queue);
  return out;
}

bool LockQueue::may_try(std::string_view path, LockHolder holder, LockMode mode) const {
  const auto queue = waiters_.find(path);
  if (queue == waiters_.end()) return true;
  bool is_behind = true;
  for (const Waiter& waiter : queue->second) {
    if (waiter.holder == holder) {
      is_behind = false;
    } else if ((is_behind || waiter.offered()) && (mode == LockMode::exclusive || waiter.mode == LockMode::exclusive)) {
      return false;
    }
  }
  return true;
}

std::vector<Waiter> LockQueue::offer(std::string_view path, Instant until,
                                     const std::function<bool(const Waiter&)>& free_for) {
  std::vector<Waiter> out;
  const auto queue = waiters_.find(path);
  if (queue == waiters_.end()) return out;
  for (Waiter& waiter : queue->second) {
    const bool first = &waiter == &queue->second.front();
    if (!first && (waiter.mode == LockMode::exclusive || queue->second.front().mode == LockMode::exclusive)) break;
    if (waiter.offered()) continue;
    if (!free_for(waiter)) break;
    out.push_back(waiter);
    waiter.call = 0;
    waiter.until = until;
  }
  return out;
}

std::vector<std::string> LockQueue::drop_late(Instant now) {
  std::vector<std::string> out;
  for (auto queue = waiters_.begin(); queue != waiters_.end();) {
    const auto dropped =
        std::erase_if(queue->second, [&](const Waiter& waiter) { return waiter.offered() && waiter.until <= now; });
    if (dropped > 0 && !queue->second.empty()) out.push_back(queue->first);
    queue = queue->second.empty() ? waiters_.erase(queue) : std::next(queue);
  }
  return out;
}

const std::deque<Waiter>* LockQueue::waiting(std::string_view path) const {
  const auto queue = waiters_.find(path);
  return queue == waiters_.end() ? nullptr : &queue->second;
}

size_t LockQueue::size() const {
  size_t sum = 0;
  for (const auto& [path, queue] : waiters_) sum += queue.size();
  return sum;
}

}  // namespace conclave::frontend::chubby
