// A lock that is held as long as the object lives (CH-35 ... CH-39), and the primary of an election (CH-53).
//
//   auto lock = Lock::acquire(client, "/jobs/nightly", {.lock_delay_ms = 5'000}, {.timeout = Duration::seconds(30)});
//   if (!lock) return complain(lock.error());
//   while (!lock->lost()) work(lock->sequencer());    // every server that is asked to change something checks it
//
// What protects is the sequencer: lost() is told as early as this process can know, which is too late for one that was
// stopped for long. In jeopardy (Client::on_session) a lock is not lost yet, but may be.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "client/blocking/client.h"

namespace conclave::blocking {

struct LockOptions {
  chubby::LockMode mode = chubby::LockMode::exclusive;
  // How long others wait if this process is lost with the lock held; at most a minute (CH-39).
  uint32_t lock_delay_ms = 0;
  chubby::Creation creation = chubby::Creation::if_missing;  // of the file
  bool wait = true;                                          // false: fails with lock_held or lock_delayed
  // Written into the file when the lock is held, and cleared before it is released: the primary's name or address, for
  // those who read or watch the file. Interoperates with chubby::Election.
  std::optional<Bytes> identity;
  // Called once, on the loop thread, when the lock is lost: its file was removed, or the session has ended. Not when
  // it is released.
  std::function<void()> on_lost;
};

// The methods are safe from several threads; moving and destroying it is not.
class Lock {
 public:
  // Waits for its turn. Threads of one client exclude each other too. One deadline for all that it takes.
  static chubby::Outcome<Lock> acquire(const Client& client, std::string_view name, LockOptions options = {},
                                       CallOptions call = {});
  Lock(Lock&&) noexcept = default;
  Lock& operator=(Lock&& other) noexcept;
  // Releases it without waiting: by the order of calls it is free before anything that this client asks later.
  ~Lock();

  // Shows that this is the holder (CH-37). wire/chubby/sequencer.h verifies it.
  const std::string& sequencer() const { return acquired_.sequencer; }
  // The larger one is the newer, of one file.
  uint64_t generation() const { return acquired_.generation; }
  // Lost or released.
  bool lost() const;
  // Waits at most so long until it is lost, or released by another thread; tells whether it is.
  bool wait_lost(Duration at_most) const;
  // Releases it, and waits until it is free; if that fails it is free as soon as the master hears of it. Fails with
  // lock_not_held if it is lost.
  chubby::Outcome<void> release(CallOptions call = {});
  // Of its file, open for reading and writing.
  const Handle& handle() const { return handle_; }

 private:
  class State;
  Lock(std::shared_ptr<State> state, Handle handle, chubby::Acquired acquired);
  void let_go();
  void clear_name() const;

  std::shared_ptr<State> state_;  // null: moved from
  Handle handle_;
  chubby::Acquired acquired_;
  bool named_ = false;  // an identity is in the file
};

}  // namespace conclave::blocking
