#include "replica/session_leases.h"

#include <algorithm>

#include "base/assert.h"

namespace conclave::replica {

void SessionLeases::clear() {
  leases_.clear();
  due_ = {};
  last_check_ = {INT64_MIN};
}

void SessionLeases::add(SessionId session, int64_t timeout_ms, Instant now, bool by_word_only) {
  const Duration timeout = Duration::millis(timeout_ms) + slack_;
  const auto [lease, is_new] = leases_.try_emplace(session, Lease{timeout, now + timeout, by_word_only});
  CONCLAVE_ASSERT(is_new);
  due_.push({lease->second.deadline, session});
}

void SessionLeases::remove(SessionId session) {
  leases_.erase(session);
}

void SessionLeases::touch(SessionId session, Instant now) {
  const auto lease = leases_.find(session);
  if (lease == leases_.end()) return;
  lease->second.deadline = std::max(lease->second.deadline, now + lease->second.timeout);
}

void SessionLeases::note_request(SessionId session, Instant now) {
  const auto lease = leases_.find(session);
  if (lease != leases_.end() && !lease->second.by_word_only) touch(session, now);
}

std::vector<SessionId> SessionLeases::expire(Instant now, Duration gap_max) {
  if (last_check_.us != INT64_MIN && now - last_check_ > gap_max) {
    const Duration gap = now - last_check_;
    for (auto& [session, lease] : leases_) lease.deadline = lease.deadline + gap;
  }
  last_check_ = now;

  std::vector<SessionId> expired;
  while (!due_.empty() && due_.top().deadline <= now) {
    const Due due = due_.top();
    due_.pop();
    const auto lease = leases_.find(due.session);
    if (lease == leases_.end()) continue;
    if (lease->second.deadline > now) {
      due_.push({lease->second.deadline, due.session});
    } else {
      expired.push_back(due.session);
      leases_.erase(lease);
    }
  }
  return expired;
}

}  // namespace conclave::replica
