// Who waits for which lock, in the order in which they came (CH-50). Pure: the lock itself is in the replicated state.
//
//   Q1  A lock is offered to the first who waits, and behind a reader to the readers right behind it. Who was offered
//       it keeps its place until it has the lock, gives up, or lets its time pass.
//   Q2  Nobody overtakes: who would be in the way of one that waits before it, or is offered the lock, is turned away.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/btree_map.h"
#include "base/time.h"
#include "state/lock/lock.h"

namespace conclave::frontend::chubby {

struct Waiter {
  state::LockHolder holder;
  state::LockMode mode = state::LockMode::exclusive;
  uint64_t call = 0;  // that is answered when it is offered the lock; 0: it was
  Instant until{0};   // valid once offered
  bool offered() const { return call == 0; }
};

class LockQueue {
 public:
  // Waits, or waits again in its old place. Gives the call that it waited with before, 0: none.
  uint64_t wait(std::string_view path, state::LockHolder holder, state::LockMode mode, uint64_t call);
  // It has the lock, or gives up. Gives the call that it waits with, 0: none.
  uint64_t leave(std::string_view path, state::LockHolder holder);
  // Whoever of the session waits with this call leaves; false: nobody does.
  bool cancel(SessionId session, uint64_t call);
  // All of them leave.
  std::vector<Waiter> leave_all(std::string_view path);

  // May this one try to take the lock now (Q2)?
  bool may_try(std::string_view path, state::LockHolder holder, state::LockMode mode) const;
  // Offers the lock to those whose turn it is; `free_for` says whether the lock would be granted. Gives the calls to
  // answer, as waiters before they were offered it.
  std::vector<Waiter> offer(std::string_view path, Instant until, const std::function<bool(const Waiter&)>& free_for);
  // Drops those who let their time pass; gives the paths at which somebody else has his turn now.
  std::vector<std::string> drop_late(Instant now);

  const std::deque<Waiter>* waiting(std::string_view path) const;
  size_t size() const;

 private:
  absl::btree_map<std::string, std::deque<Waiter>, std::less<>> waiters_;  // no empty ones
};

}  // namespace conclave::frontend::chubby
