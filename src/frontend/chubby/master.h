// The lock service under one mastership of this replica: what it knows of sessions beyond the replicated state, their
// leases, what they are told, and the gate before what they have cached. It begins when the mastership does and is
// destroyed when that ends; the next master begins with nothing (CH-75). Loop thread only.
//
// Invariants:
//   H1  Nothing is granted or answered by this master's knowledge alone before a barrier confirms that it is the master
//       still; a lease counts from the time at which that barrier was asked for.
//   H2  No lease is granted to a session that was told something on this connection and has not acted on it (CH-69);
//       in a datagram, none to one that has anything to be told.
//   H3  Nothing that may be cached is changed until every session of earlier masters has acknowledged the fail-over, or
//       has ended (CH-77, step 6).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "frontend/chubby/barrier.h"
#include "frontend/chubby/cache_table.h"
#include "frontend/chubby/fail_over.h"
#include "frontend/chubby/handle_table.h"
#include "frontend/chubby/lock_queue.h"
#include "frontend/chubby/session.h"
#include "frontend/chubby/settings.h"
#include "frontend/chubby/unsettled.h"
#include "replica/gateway.h"

namespace conclave::frontend::chubby {

class Calls;

struct MasterFigures {
  size_t sessions = 0;
  size_t connected = 0;
  size_t handles = 0;
  size_t cached_names = 0;
  size_t closed_names = 0;  // not cacheable now
  size_t held_changes = 0;
  size_t lock_waiters = 0;
  size_t notices = 0;  // not acknowledged
  size_t calls = 0;    // without an answer
  size_t fail_overs_pending = 0;
  FailOverStep step = FailOverStep::none;  // of taking over; the last one reached
};

class Master {
 public:
  using AnswerLease = std::move_only_function<void(const wire::LeaseAnswer&)>;

  // `unsettled` is that of all masterships of this replica. `front_end`: whether it is still there.
  Master(const env::Clock& clock, env::Executor& executor, replica::Gateway& gateway, const Settings& settings,
         Unsettled& unsettled, std::shared_ptr<bool> front_end, Epoch epoch);
  ~Master();

  Epoch epoch() const { return epoch_; }
  // Its first transaction is applied: it knows everything that earlier masters did.
  bool ready() const { return ready_; }
  const FailOverSteps& steps() const { return steps_; }

  // --- its clients. REQUIRES: ready.
  // The session's client is connected here; it is in the replicated state.
  void attach(SessionId id, ClientLink* link, state::Identities identities);
  void detach(SessionId id, const ClientLink* link);
  void on_keep_alive(SessionId id, const wire::KeepAlive& keep_alive);
  // A request for a lease that came in a datagram (CH-98). `answer` is called at most once.
  void on_lease_request(SessionId id, uint64_t number, AnswerLease answer);
  void on_call(SessionId id, wire::Call call);
  void on_cancel(SessionId id, uint64_t number);

  // --- the replica
  bool admit(const state::Transaction& txn, uint64_t ticket);
  void on_applied(const state::Applied& applied);
  void on_tick();

  MasterFigures figures() const;

  // --- for Calls
  const Settings& settings() const { return settings_; }
  const env::Clock& clock() const { return clock_; }
  replica::Gateway& gateway() { return gateway_; }
  const state::Service& state() const { return gateway_.state(); }
  Unsettled& unsettled() { return unsettled_; }
  const std::shared_ptr<bool>& front_end() const { return front_end_; }
  Barrier& barrier() { return barrier_; }
  HandleTable& handles() { return handles_; }
  LockQueue& lock_queue() { return lock_queue_; }
  const absl::btree_map<SessionId, Session>& sessions() const { return sessions_; }
  const CacheTable& cache() const { return cache_; }
  // Null: it has ended.
  Session* session(SessionId id);
  void reach(FailOverStep step) { steps_.reach(step); }
  void reply(SessionId id, wire::Reply reply);
  void reply(SessionId id, uint64_t call, wire::Code code);
  // May the session keep what a reply says of the name from now on? Then the name is entered for it.
  bool let_cache(SessionId id, std::string_view path, state::NodeKind kind);
  bool let_cache_absence(SessionId id, std::string_view path);
  // Tells those handles on the name that asked for it.
  void tell(std::string_view path, wire::EventBits wanted, wire::Event::Kind kind, std::string_view child = {});
  void tell_holders_of_conflict(std::string_view path, SessionId asking, uint64_t handle);
  // The same, if others wait for the lock: of those who waited before it was the holder, or before it was back.
  void tell_holders_of_waiters(std::string_view path);
  // Offers a lock to whoever waits for it next.
  void offer(std::string_view path);
  // The last handle on a node that lives while open may be gone.
  void review_open(const std::string& path, Zxid instance);
  // Is the deletion of that node on its way? Then `later` is called when it is settled.
  bool is_being_reaped(const std::string& path, Task* later);

 private:
  void become_ready();
  void fail_over_done();
  void notify(Session& session);
  void answer(Session& session);
  void grant(Session& session, Instant asked);
  void end_session(SessionId id);
  void release_ready();
  bool concerns_cachers(const state::FactBody& fact) const;
  void add_names(const state::FactBody& fact, std::vector<std::string_view>* names) const;
  bool is_ours(std::string_view path) const;
  void release_if_closed(SessionId id, const std::string& path);
  bool is_list_closed(std::string_view path) const;

  const env::Clock& clock_;
  env::Executor& executor_;
  replica::Gateway& gateway_;
  const Settings& settings_;
  Unsettled& unsettled_;
  const std::shared_ptr<bool> front_end_;
  const Epoch epoch_;
  FailOverSteps steps_;
  bool ready_ = false;
  bool open_ = false;  // H3 holds for all sessions
  size_t fail_overs_pending_ = 0;
  bool release_posted_ = false;
  bool reaps_ = false;  // who has nodes open that live while open has had the time to say so
  Instant next_review_{INT64_MAX};

  absl::btree_map<SessionId, Session> sessions_;
  absl::btree_set<std::pair<Instant, SessionId>> due_;  // KeepAlives to answer then
  HandleTable handles_;
  CacheTable cache_;
  LockQueue lock_queue_;
  absl::btree_map<std::string, std::vector<Task>> reaping_;  // names, and who waits until it is settled
  std::unique_ptr<Calls> calls_;
  Barrier barrier_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace conclave::frontend::chubby
