// The lock service in memory, for the unit tests of programs that use it: a FakeCell is the tree, a Fake one session
// with it. The same answers and events as a cell gives, without a network; what a program must survive is made by
// calls.
//
//   FakeCell cell;
//   Fake mine(cell, executor), theirs(cell, executor);
//   ... give both to the program's parts, as LockService ...
//   theirs.expire();    // it was cut off: its locks and ephemeral files are gone
//
// Not told apart from a cell: rights (every call is permitted), lock-delays (a lost lock is free at once), limits.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "client/chubby/lock_service.h"
#include "env/executor.h"

namespace conclave::chubby {

class Fake;

// The tree that sessions share. Outlives them.
class FakeCell {
 public:
  FakeCell();

  // For the test: the contents of a file; nothing if there is none.
  std::optional<Bytes> contents(std::string_view path) const;

 private:
  friend class Fake;
  struct Holder {
    Fake* session = nullptr;
    HandleId handle;
    LockMode mode = LockMode::exclusive;
  };
  struct Waiter {
    Holder who;
    CallId call;
    Completion<Acquired> done;
  };
  struct Node {
    Stat stat;
    Bytes contents;
    std::vector<Holder> holders;
    std::deque<Waiter> waiters;
  };

  Node* find(std::string_view path);
  Node* parent_of(std::string_view path);
  Node& create(const std::string& path, const OpenOptions& options);
  void remove(const std::string& path);
  void remove_if_unused(const std::string& path);
  bool has_children(std::string_view path) const;
  static bool grantable(const Node& node, LockMode mode);
  Acquired grant(const std::string& path, Node& node, const Holder& holder);
  void serve_waiters(const std::string& path);
  void release(const std::string& path, const Fake* session, HandleId handle);
  // Tells every handle of this instance that asked for it.
  void tell(const std::string& path, EventKind kind, const std::string& child = {});
  void tell_parent(std::string_view path, EventKind kind);

  std::map<std::string, Node, std::less<>> nodes_;
  std::set<Fake*> sessions_;
  uint64_t clock_ = 0;  // every generation is a new one
};

class Fake final : public LockService {
 public:
  Fake(FakeCell& cell, env::Executor& executor);
  ~Fake() override;  // as a program that ends well: locks are released
  Fake(const Fake&) = delete;
  Fake& operator=(const Fake&) = delete;

  // --- what happens to the session
  void jeopardize();  // calls block
  void make_safe();   // they go on
  void expire();      // the cell has ended it
  void fail_over();   // a new master: every handle is told

  void on_session(std::function<void(SessionEvent)> listener) override { listener_ = std::move(listener); }
  SessionState session_state() const override { return state_; }
  void restart() override;
  HandleId root() const override { return HandleId(1); }
  CallId open(std::string_view name, OpenOptions options, Completion<Opened> done) override;
  CallId open(HandleId parent, std::string_view name, OpenOptions options, Completion<Opened> done) override;
  void close(HandleId id, Completion<void> done) override;
  void poison(HandleId id) override;
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
  Outcome<std::string> get_sequencer(HandleId id) const override;
  void set_sequencer(HandleId handle, std::string_view sequencer) override;
  CallId check_sequencer(std::string_view sequencer, Completion<bool> done) override;
  bool cancel(CallId call) override;

 private:
  friend class FakeCell;
  struct Handle {
    std::string path;
    uint64_t instance = 0;
    Mode mode;
    EventSet events;
    EventFunction on_event;
    bool dead = false;  // its session is gone
    bool poisoned = false;
    std::string sequencer;
  };
  struct Blocked {
    CallId id;
    Task call;
    std::move_only_function<void(CallError)> fail;
  };
  using Node = FakeCell::Node;

  // Carries out a call now, or when the session is safe. `call` gives the result.
  template <class T, class Body>
  CallId run(Completion<T> done, Body call);
  // The node of a handle that may be used for this.
  Outcome<Node*> use(HandleId id, bool Mode::* right);
  Outcome<Opened> open_now(const std::string& path, OpenOptions& options);
  CallId lock(HandleId handle, LockMode mode, bool waits, Completion<Acquired> done);
  bool valid(std::string_view text) const;
  void drop_waits(const std::function<bool(const FakeCell::Waiter&)>& which, CallCode why);
  void let_go(const std::string& path, HandleId handle);
  void tell(SessionEvent event);
  void tell(HandleId id, EventKind kind, const std::string& child);
  template <class T>
  void complete(Completion<T> done, Outcome<T> outcome);
  void later(Task task);

  FakeCell& cell_;
  env::Executor& executor_;
  SessionState state_ = SessionState::safe;
  std::function<void(SessionEvent)> listener_;
  uint64_t last_call_ = 0;
  uint64_t last_handle_ = 1;
  std::map<HandleId, Handle> handles_;
  std::deque<Blocked> blocked_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

template <class T>
void Fake::complete(Completion<T> done, Outcome<T> outcome) {
  if (!done) return;
  later([done = std::move(done), outcome = std::move(outcome)]() mutable { done(std::move(outcome)); });
}

}  // namespace conclave::chubby
