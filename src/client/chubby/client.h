// The client of the lock service: handles, cache, locks and events, over one session with a cell. Loop thread only;
// runs on env/ alone, so in the simulator too. The promises of its calls are in lock_service.h.
//
// Invariants:
//   C1  What is cached is used only while the lease runs, and only until the master takes it back: no read returns what
//       a completed change replaced (CH-56).
//   C2  Callbacks are called from the loop, never from inside a call or while a message is read. Each may do anything
//       with the client, destroy it included; then none is called any more.
//   C3  A call that changes something is carried out at most once, however often it is sent (RP-02). If it failed with
//       session_expired it may have been, and so may those before it; of those behind it none that was not (CH-73).
//   C4  After `expired` every call fails, except close() and poison(), until restart().
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "client/chubby/handle_table.h"
#include "client/chubby/lock_service.h"
#include "client/chubby/node_cache.h"
#include "client/chubby/options.h"
#include "client/chubby/session.h"

namespace conclave::chubby {

class Client final : public LockService, SessionUser {
 public:
  Client(const env::Clock& clock, env::Executor& executor, env::Network& network, env::Entropy& entropy,
         Options options);
  // Drops the connection at once; the session lives on until its lease ends, and locks until their lock-delay is over.
  // No callback is called any more. See end().
  ~Client() override;
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  void on_session(std::function<void(SessionEvent)> listener) override;
  SessionState session_state() const override { return session_.state_now(); }
  void restart() override { session_.restart(); }
  // Ends the session, its handles and locks with it, if the master can be told within `patience`; then calls `done`.
  // The next call opens another one.
  void end(Duration patience, Task done);

  HandleId root() const override { return root_; }
  CallId open(std::string_view name, OpenOptions options, Completion<Opened> done) override;
  CallId open(HandleId parent, std::string_view name, OpenOptions options, Completion<Opened> done) override;
  void close(HandleId handle, Completion<void> done) override;
  void poison(HandleId handle) override;

  CallId get_contents(HandleId handle, Completion<Contents> done) override;
  CallId get_stat(HandleId handle, Completion<Stat> done) override;
  CallId read_directory(HandleId handle, Completion<Directory> done) override;
  CallId set_contents(HandleId handle, BytesView contents, std::optional<uint64_t> generation,
                      Completion<Stat> done) override;
  CallId set_acl(HandleId handle, const AclNames& acl, std::optional<uint64_t> generation,
                 Completion<Stat> done) override;
  CallId remove(HandleId handle, Completion<void> done) override;

  CallId acquire(HandleId handle, LockMode mode, Completion<Acquired> done) override;
  CallId try_acquire(HandleId handle, LockMode mode, Completion<Acquired> done) override;
  CallId release(HandleId handle, Completion<void> done) override;
  Outcome<std::string> get_sequencer(HandleId handle) const override;
  void set_sequencer(HandleId handle, std::string_view sequencer) override;
  CallId check_sequencer(std::string_view sequencer, Completion<bool> done) override;
  bool cancel(CallId call) override;

  // For operators; not for programs that only lock.
  CallId list_locks(Completion<std::vector<LockInfo>> done);
  CallId list_sessions(Completion<std::vector<SessionInfo>> done);

  SessionId session() const { return session_.id(); }
  uint64_t epoch() const { return session_.epoch(); }
  const std::string& cell() const { return session_.cell(); }
  // Until when the session is safe without another word from the master, by our clock.
  Instant lease_end() const { return session_.lease_end(); }
  // The replica connected to, or tried last.
  const env::Address& replica() const { return session_.replica(); }
  // Why the last attempt or connection ended; empty before the first.
  const std::string& last_failure() const { return session_.last_failure(); }
  const Figures& figures() const { return figures_; }
  size_t cached_nodes() const { return cache_.entries(); }

 private:
  // What a call on a handle needs to know.
  struct Use {
    CallId id;
    HandleId handle;
    Remote* remote = nullptr;  // valid during the call only
  };
  using Body = std::move_only_function<void(Outcome<Use>)>;
  struct OpenRequest;  // client_open.cc
  struct Acquisition;  // client_locks.cc

  CallId begin() {
    session_.touch();
    return CallId(++last_call_);
  }
  // Checks the handle, the mode and its sequencer, then goes on with `body`.
  void use(CallId id, HandleId handle, uint32_t mode, Body body);
  Outcome<Use> look_up(CallId id, HandleId handle, uint32_t mode);
  void open_root(CallId id, HandleId root, uint32_t mode, Body body);

  void open_path(const std::shared_ptr<OpenRequest>& request);
  bool open_from_cache(OpenRequest& request);
  void on_opened(OpenRequest& request, const Answer& answer);
  void close_remote(Remote& remote, Completion<void> done);

  CallId begin_acquisition(HandleId handle, LockMode mode, bool waits, Completion<Acquired> done);
  void acquire_now(const std::shared_ptr<Acquisition>& acquisition, const Outcome<Use>& at);
  void on_acquired(const std::shared_ptr<Acquisition>& acquisition, uint64_t remote, const Answer& answer);
  void await_lock(const std::shared_ptr<Acquisition>& acquisition);
  void give_lock_back(uint64_t remote);
  void send_release(Remote& remote, Completion<void> done);

  // The node, if what is known of it may be used now. Null: ask.
  const NodeCache::Node* cached(std::string_view path);
  static Call call_on(const Use& at);
  // Sends; `read` makes the result of a good answer.
  template <class T, class Read>
  void ask(Call call, Completion<T> done, Read read);
  template <class T>
  void complete(Completion<T> done, Outcome<T> outcome);
  void later(Task task);

  void on_jeopardy() override;
  void on_safe() override;
  void on_gone(SessionState state) override;
  void on_new_epoch() override;
  std::vector<wire::Handle> handles_to_present() override;
  void on_presented(uint64_t handle, wire::Code code) override;
  void on_invalidation(const std::string& path) override { cache_.drop(path); }
  void on_event(const wire::Event& event) override;
  void on_fail_over() override;
  bool has_open_handles() const override { return handles_.any_open(); }
  void tell(SessionEvent event);
  void tell(HandleId handle, EventKind kind, const std::string& child);
  void lose_handle(Remote& remote);

  env::Executor& executor_;
  const Options options_;
  Figures figures_;
  HandleTable handles_;
  NodeCache cache_;
  HandleId root_;
  uint64_t last_call_ = 0;
  std::function<void(SessionEvent)> on_session_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  Session session_;  // last: it calls the rest
};

template <class T>
void Client::complete(Completion<T> done, Outcome<T> outcome) {
  if (!done) return;
  later([done = std::move(done), outcome = std::move(outcome)]() mutable { done(std::move(outcome)); });
}

template <class T, class Read>
void Client::ask(Call call, Completion<T> done, Read read) {
  call.done = [this, done = std::move(done), read = std::move(read)](const Answer& answer) mutable {
    if (answer.error) return complete<T>(std::move(done), std::unexpected(*answer.error));
    complete<T>(std::move(done), read(answer));
  };
  session_.submit(std::move(call));
}

}  // namespace conclave::chubby
