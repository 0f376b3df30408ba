// The calls of the lock service (CH-45 ... CH-51), as programs and recipes use them: the Client carries them out at a
// cell, the Fake (fake.h) in memory, for tests. Loop thread only; everything is asynchronous.
//
// Names are "/ls/<cell>/<path>", with `local` for the cell of this service, or plain "/<path>" (CH-20).
#pragma once

#include <functional>
#include <optional>
#include <string_view>

#include "client/chubby/types.h"

namespace conclave::chubby {

class LockService {
 public:
  virtual ~LockService() = default;

  // Hears of the session, in order (CH-72). Replaces the former one.
  virtual void on_session(std::function<void(SessionEvent)> listener) = 0;
  virtual SessionState session_state() const = 0;
  // After `expired`: forgets the old session, and the next call opens a new one. Handles of the old one stay dead.
  virtual void restart() = 0;

  // A handle on "/", for reading and for names below it: always there, never to be closed.
  virtual HandleId root() const = 0;
  virtual CallId open(std::string_view name, OpenOptions options, Completion<Opened> done) = 0;
  // `name` relative to the node of `parent`: fails if that is not the same instance any more.
  virtual CallId open(HandleId parent, std::string_view name, OpenOptions options, Completion<Opened> done) = 0;
  // Ends the handle at once; never fails. `done` is called when its lock is free. An acquisition that waits is
  // cancelled; other calls under way are answered, reads perhaps with not_open.
  virtual void close(HandleId handle, Completion<void> done) = 0;
  // Outstanding and later calls on it fail, without closing it (CH-46).
  virtual void poison(HandleId handle) = 0;

  virtual CallId get_contents(HandleId handle, Completion<Contents> done) = 0;
  virtual CallId get_stat(HandleId handle, Completion<Stat> done) = 0;
  virtual CallId read_directory(HandleId handle, Completion<Directory> done) = 0;
  // With a generation: only if it is that of the contents now (compare and swap).
  virtual CallId set_contents(HandleId handle, BytesView contents, std::optional<uint64_t> generation,
                              Completion<Stat> done) = 0;
  virtual CallId set_acl(HandleId handle, const AclNames& acl, std::optional<uint64_t> generation,
                         Completion<Stat> done) = 0;
  virtual CallId remove(HandleId handle, Completion<void> done) = 0;

  // Waits for its turn. try_acquire answers lock_held or lock_delayed instead.
  virtual CallId acquire(HandleId handle, LockMode mode, Completion<Acquired> done) = 0;
  virtual CallId try_acquire(HandleId handle, LockMode mode, Completion<Acquired> done) = 0;
  virtual CallId release(HandleId handle, Completion<void> done) = 0;
  // Of the lock that the handle holds (CH-37). Asks nobody.
  virtual Outcome<std::string> get_sequencer(HandleId handle) const = 0;
  // From now on every call on the handle first asks whether the sequencer is valid, and fails if it is not. The check
  // and the call are two: what must not be undone by a slow message needs a check where the change is made (CH-38).
  // An empty one ends that.
  virtual void set_sequencer(HandleId handle, std::string_view sequencer) = 0;
  virtual CallId check_sequencer(std::string_view sequencer, Completion<bool> done) = 0;

  // Gives up a call (CH-98): it fails with `cancelled`. If it had begun it may still take effect, except that a handle
  // is closed and a lock is given back. False: there is no such call under way.
  virtual bool cancel(CallId call) = 0;
};

}  // namespace conclave::chubby
