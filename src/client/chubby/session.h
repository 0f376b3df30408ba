// The session with the cell (CH-65 ... CH-73): finding the master, KeepAlives and the local lease, and the calls until
// they are answered. Loop thread only, on env/ alone.
//
// Invariants:
//   S1  A connection has one epoch. What names another one ends it, and the next one begins with Hello.
//   S2  safe only while a granted lease runs by our own clock (lease.h), which is asked before anything else is done.
//   S3  After a new epoch nothing is sent but KeepAlives until all handles are presented and answered (CH-77).
//   S4  Calls are sent first in the order submitted, and nothing new is sent while one that was put off waits; so an
//       outage loses a suffix of them (CH-73).
//   S5  A notice is acted on once, in order, before it is acknowledged (CH-69).
//   S6  One KeepAlive waits at the master at any time (CH-68); one that is not answered in time ends the connection.
//       Before the lease ends a longer one is asked for in datagrams too, which wait for no connection (CH-98).
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "client/chubby/call_table.h"
#include "client/chubby/datagram_lease.h"
#include "client/chubby/lease.h"
#include "client/chubby/link.h"
#include "client/chubby/locator.h"
#include "client/chubby/options.h"
#include "env/clock.h"
#include "env/entropy.h"
#include "env/executor.h"
#include "env/network.h"

namespace conclave::chubby {

// Who has handles, cache and callbacks. Called from inside the session: answers must not reach the application at once.
class SessionUser {
 public:
  virtual void on_jeopardy() = 0;
  virtual void on_safe() = 0;
  // expired, or none: ended as it was asked for, or not opened. All handles of it are dead.
  virtual void on_gone(SessionState state) = 0;
  // Another master than before: nothing cached is good any more.
  virtual void on_new_epoch() = 0;
  virtual std::vector<wire::Handle> handles_to_present() = 0;
  virtual void on_presented(uint64_t handle, wire::Code code) = 0;
  // The node changes, or may have.
  virtual void on_invalidation(const std::string& path) = 0;
  virtual void on_event(const wire::Event& event) = 0;
  virtual void on_fail_over() = 0;
  virtual bool has_open_handles() const = 0;

 protected:
  ~SessionUser() = default;
};

class Session final : LinkUser {
 public:
  struct Surroundings {
    const env::Clock& clock;
    env::Executor& executor;
    env::Network& network;
    env::Entropy& entropy;
  };

  Session(const Surroundings& around, const Options& options, SessionUser& user, Figures& figures);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Opens a session if there is none. `call.done` may be called from inside.
  void submit(Call call);
  // Calls that `which` holds for fail with `why`, and the master is told. Returns how many.
  size_t give_up(const std::function<bool(const Call&)>& which, const CallError& why);
  // Ends it when all calls before are answered, or after `patience`. `done` may be called from inside.
  void end(Duration patience, Task done);
  void restart();
  // The program did something: it is not idle.
  void touch() { touched_ = clock_.now(); }

  // By the clock of now.
  SessionState state();
  bool safe() { return state() == SessionState::safe; }
  // As it was noticed last.
  SessionState state_now() const { return state_; }
  const CallTable& calls() const { return calls_; }
  SessionId id() const { return session_; }
  uint64_t epoch() const { return epoch_; }
  const std::string& cell() const { return cell_; }
  Instant lease_end() const { return lease_.end(); }
  const env::Address& replica() const { return locator_.last(); }
  const std::string& last_failure() const { return last_failure_; }

 private:
  void on_message(const wire::ServerMessage& message) override;
  void on_lost(const std::string& reason, bool broken_protocol) override;

  void open();
  void connect_after(Duration pause);
  void connect_now();
  void connect_to_candidate();
  void on_connected(Result<std::unique_ptr<env::Stream>> stream);
  void lose_connection(const std::string& reason);
  void drop_link();
  void send(const wire::ClientMessage& message);

  void on_elsewhere(const wire::Elsewhere& message);
  void on_welcome(const wire::Welcome& message);
  void on_session_over(const wire::SessionOver& message);
  void on_keep_alive(const wire::KeepAliveReply& message);
  void on_datagram(Instant sent, const wire::LeaseAnswer& answer);
  void grant(Instant sent, uint64_t held_us, uint64_t lease_us);
  void on_notice(const wire::Notice& notice);
  void on_reply(const wire::Reply& message);
  void on_presented(const Call& call, const wire::Reply& reply);
  void violated(const std::string& what);

  void begin_epoch(uint64_t epoch);
  void send_keep_alive();
  void put_off();
  void pump();

  void check_time();
  void arm_lease_timer();
  void arm_datagram_timer(Duration pause);
  void become_safe();
  void arm_idle_timer();
  void on_idle_timer();
  void finish(SessionState state, const CallError& why);

  const env::Clock& clock_;
  env::Executor& executor_;
  env::Network& network_;
  const Options& options_;
  SessionUser& user_;
  Figures& figures_;
  Random random_;

  SessionState state_ = SessionState::none;
  SessionId session_;
  Bytes password_;
  std::string cell_;
  uint64_t epoch_ = 0;
  LocalLease lease_;
  CallTable calls_;

  Locator locator_;
  std::shared_ptr<Link> link_;            // null between connections
  bool welcomed_ = false;                 // on link_
  uint64_t attempt_ = 0;                  // tells late answers of connect from current ones
  std::vector<env::Address> candidates_;  // of the attempt: addresses not tried yet
  Instant hello_sent_{0};
  Instant opening_since_{0};
  std::string last_failure_;
  Duration patience_;               // with the answer to Hello: longer each time, until there is one
  env::TimerId connect_timer_ = 0;  // the pause before an attempt, or the end of our patience with one

  uint64_t keep_alive_ = 0;  // number of the one that waits
  Instant keep_alive_sent_{0};
  Duration lease_length_;
  env::TimerId keep_alive_timer_ = 0;
  uint64_t acted_on_ = 0;  // highest notice, in this epoch

  DatagramLease datagrams_;
  env::TimerId datagram_timer_ = 0;
  env::TimerId lease_timer_ = 0;
  env::TimerId retry_timer_ = 0;  // calls were put off until then; 0: none
  int retries_ = 0;               // in a row
  Instant touched_{0};
  env::TimerId idle_timer_ = 0;

  bool ending_ = false;
  std::deque<Call> after_end_;  // submitted meanwhile: for the next session
  std::vector<Task> end_done_;
  env::TimerId end_timer_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace conclave::chubby
