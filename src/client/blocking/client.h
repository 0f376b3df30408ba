// The lock service for programs with threads: a session with a cell on a thread of its own, and every call of it in a
// form that waits for the answer. Safe from any number of threads.
//
//   auto client = blocking::Client::create("10.0.0.1:2190,10.0.0.2:2190,10.0.0.3:2190");
//   auto file = (*client)->open("/jobs/config", {.mode = {.read = true}});
//   auto read = file->get_contents({.timeout = Duration::seconds(5)});
//   if (!read) complain(read.error().message);
//
// Every call is an `Outcome`: a value, or a CallError that says what went wrong (types.h). What calls mean is in
// lock_service.h; the handle here is an object that closes itself.
//
// A call has three forms (CH-51), and CallOptions give each a deadline and a way to cancel it from another thread:
//   waits       open(), Handle::get_contents() ..., call()
//   a future    start()
//   a callback  begin(), or post() for the bare LockService; callbacks run on the loop thread
//
// In a callback nothing may wait: a waiting call there fails with `would_deadlock`. In jeopardy calls wait, up to the
// grace period; after `expired` they fail until restart(), and the handles of the old session stay dead (CH-72, CH-73).
#pragma once

#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "base/result.h"
#include "client/blocking/core.h"
#include "client/blocking/loop_thread.h"
#include "client/blocking/pending_call.h"
#include "client/chubby/lock_service.h"
#include "client/chubby/options.h"

namespace conclave::blocking {

// An open node. Calls on it are safe from several threads; moving, closing and destroying it is not.
class Handle {
 public:
  Handle() = default;  // none: calls fail with not_open
  Handle(Handle&& other) noexcept;
  Handle& operator=(Handle&& other) noexcept;
  // Closes it without waiting; a lock that it holds becomes free.
  ~Handle();

  chubby::HandleId id() const { return opened_.handle; }     // for post() and begin()
  bool created() const { return opened_.created; }           // by the open() that gave it
  const chubby::Stat& stat() const { return opened_.stat; }  // as it was then

  // A node below this one: fails if this is not the same instance any more (CH-45).
  chubby::Outcome<Handle> open(std::string_view name, chubby::OpenOptions options, CallOptions call = {}) const;
  chubby::Outcome<chubby::Contents> get_contents(CallOptions call = {}) const;
  chubby::Outcome<chubby::Stat> get_stat(CallOptions call = {}) const;
  chubby::Outcome<chubby::Directory> read_directory(CallOptions call = {}) const;
  // With a generation: only if it is that of the contents now (compare and swap).
  chubby::Outcome<chubby::Stat> set_contents(BytesView contents, std::optional<uint64_t> generation = {},
                                             CallOptions call = {}) const;
  chubby::Outcome<chubby::Stat> set_acl(const chubby::AclNames& acl, std::optional<uint64_t> generation = {},
                                        CallOptions call = {}) const;
  chubby::Outcome<void> remove(CallOptions call = {}) const;

  // The bare lock of the node; lock.h has the one that releases itself.
  chubby::Outcome<chubby::Acquired> acquire(chubby::LockMode mode, CallOptions call = {}) const;
  chubby::Outcome<chubby::Acquired> try_acquire(chubby::LockMode mode, CallOptions call = {}) const;
  chubby::Outcome<void> release(CallOptions call = {}) const;
  chubby::Outcome<std::string> get_sequencer() const;
  void set_sequencer(std::string sequencer) const;

  // Its calls under way on other threads, and all later ones, fail with `poisoned` (CH-46). Never waits.
  void poison() const;
  // Waits until its lock is free.
  chubby::Outcome<void> close(CallOptions call = {});

 private:
  friend class Client;
  friend class Lock;
  Handle(std::shared_ptr<Core> core, chubby::Opened opened) : core_(std::move(core)), opened_(std::move(opened)) {}
  template <class T, class Start>
  chubby::Outcome<T> call(Start start, CallOptions options) const;

  std::shared_ptr<Core> core_;
  chubby::Opened opened_;
};

class Client {
 public:
  static constexpr Duration kEndPatience = Duration::seconds(2);

  // A client of the cell at these addresses, "HOST:PORT,HOST:PORT,...", on a thread of its own. The first call opens
  // the session. Errors: an address that is none. `options.replicas` is replaced.
  static Result<std::unique_ptr<Client>> create(std::string_view servers, chubby::Options options = {});
  // The same with `options.replicas`. On a loop that several clients share, which must outlive it, or on its own.
  // REQUIRES: at least one replica.
  explicit Client(chubby::Options options, LoopThread* loop = nullptr);
  // Over any service, for tests: `make` is called on the loop. Sessions with one FakeCell need one loop.
  //   Client client(loop, [&](env::Executor& executor) { return std::make_unique<chubby::Fake>(cell, executor); });
  using Make = std::function<std::unique_ptr<chubby::LockService>(env::Executor&)>;
  Client(LoopThread& loop, const Make& make);
  // Ends the session, its handles and locks with it, if the master can be told within kEndPatience; else it lives until
  // its lease ends. Calls under way fail with `cancelled`, and so do later ones on handles that are still there.
  // No callback is called afterwards. REQUIRES: not in a callback.
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // --- the session (CH-72)
  // Hears of jeopardy, safe and expired, on the loop thread. Replaces the former one.
  void on_session(std::function<void(chubby::SessionEvent)> listener);
  chubby::SessionState session_state() const;
  // Waits while the session is in jeopardy, and tells what became of it.
  chubby::Outcome<chubby::SessionState> wait_until_safe(CallOptions call = {}) const;
  // After `expired`: the next call opens a new session.
  void restart();

  // --- calls without a handle
  chubby::Outcome<Handle> open(std::string_view name, chubby::OpenOptions options = {}, CallOptions call = {}) const;
  chubby::Outcome<bool> check_sequencer(std::string_view sequencer, CallOptions call = {}) const;

  // --- the loop
  // Runs `use(LockService&)` on the loop, without waiting. It must not keep the service, nor call its on_session().
  void post(std::move_only_function<void(chubby::LockService&)> use) const;
  // Any call of the service, by `start(LockService&, Completion<T>)`, which is run on the loop. What it returns, a
  // CallId or nothing, says whether the call can be cancelled at the service, or is only waited for no longer.
  // `done` is called once, on the loop; not at all once the client is destroyed.
  template <class T, class Start>
  void begin(Start start, chubby::Completion<T> done, CallOptions options = {}) const;
  // Never empty, also when the client is destroyed: then the answer is `cancelled`.
  template <class T, class Start>
  std::future<chubby::Outcome<T>> start(Start start, CallOptions options = {}) const;
  template <class T, class Start>
  chubby::Outcome<T> call(Start start, CallOptions options = {}) const;

  const std::shared_ptr<Core>& core() const { return core_; }  // for lock.h and on_loop.h

 private:
  std::unique_ptr<LoopThread> own_loop_;
  std::shared_ptr<Core> core_;
  std::move_only_function<void(Task)> end_session_;  // loop; empty: there is nobody to tell
};

// --- templates

namespace internal {

template <class T, class Start>
void begin_call(const std::shared_ptr<Core>& core, Start start, chubby::Completion<T> done, CallOptions options) {
  std::make_shared<PendingCallOf<T, Start>>(std::move(start), std::move(done))->begin(core, std::move(options));
}

template <class T, class Start>
std::future<chubby::Outcome<T>> start_call(const std::shared_ptr<Core>& core, Start start, CallOptions options) {
  std::promise<chubby::Outcome<T>> promise;
  std::future<chubby::Outcome<T>> future = promise.get_future();
  begin_call<T>(core, std::move(start), Answer<T>(std::move(promise)), std::move(options));
  return future;
}

template <class T, class Start>
chubby::Outcome<T> wait_for_call(const std::shared_ptr<Core>& core, Start start, CallOptions options) {
  if (core == nullptr) return chubby::failed(chubby::CallCode::not_open);
  if (core->on_loop_thread()) {
    return chubby::failed(chubby::CallCode::would_deadlock,
                          "a callback must not wait for the thread that it runs on: use post() or begin()");
  }
  return start_call<T>(core, std::move(start), std::move(options)).get();
}

}  // namespace internal

template <class T, class Start>
void Client::begin(Start start, chubby::Completion<T> done, CallOptions options) const {
  internal::begin_call<T>(core_, std::move(start), std::move(done), std::move(options));
}

template <class T, class Start>
std::future<chubby::Outcome<T>> Client::start(Start start, CallOptions options) const {
  return internal::start_call<T>(core_, std::move(start), std::move(options));
}

template <class T, class Start>
chubby::Outcome<T> Client::call(Start start, CallOptions options) const {
  return internal::wait_for_call<T>(core_, std::move(start), std::move(options));
}

}  // namespace conclave::blocking
