// A client of the ZooKeeper protocol: one session with a cell, kept over changes of server. Loop thread only; runs on
// env/ alone, so in the simulator too.
//
// Invariants:
//   C1  Requests take effect in the order submitted; completions are called in that order.
//   C2  A watch function is called before the completion of any later read that shows the change (ZK-07).
//   C3  A request that was sent and whose reply was lost completes with connection_loss: it may or may not have taken
//       effect. One that was not sent yet waits for the next server, for one session time-out at most.
//   C4  Only the cell ends a session: state `expired` is never guessed.
//   C5  A completion's reply_zxid() is that of its own reply.
// After a change of server the session's identities are shown again and its watches set again, before anything else.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/frame.h"
#include "base/result.h"
#include "client/server_rotation.h"
#include "client/types.h"
#include "client/watch_table.h"
#include "env/clock.h"
#include "env/executor.h"
#include "env/network.h"
#include "wire/zookeeper/jute.h"

namespace conclave::client {

struct Options {
  std::vector<env::Address> servers;                    // at least one
  Duration session_timeout = Duration::millis(10'000);  // asked for; the server decides
  Duration connect_timeout = Duration::millis(2'000);   // of one server, handshake included
  bool read_only = false;                               // be content with a server that serves reads only
  size_t frame_bytes_max = 64 << 20;                    // of a reply
  uint64_t seed = 1;                                    // of the order of servers and of pauses
};

class Client {
 public:
  Client(const env::Clock& clock, env::Executor& executor, env::Network& network, Options options);
  // Drops the connection at once; the session lives on until it times out. No completion is called any more.
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Begins to connect. `on_state` hears every change of state.
  void start(std::function<void(SessionState)> on_state);
  // Ends the session at the cell, if it can be told within `patience`, then calls `done`.
  void close(Duration patience, Task done);

  void create(std::string_view path, BytesView data, const CreateOptions& options, Completion<Created> done);
  void remove(std::string_view path, int32_t version, Completion<void> done);
  // A watch is set where the call succeeds; for exists also where there is no node.
  void exists(std::string_view path, WatchFunction watch, Completion<Stat> done);
  void get(std::string_view path, WatchFunction watch, Completion<NodeData> done);
  void children(std::string_view path, WatchFunction watch, Completion<Children> done);
  void set(std::string_view path, BytesView data, int32_t version, Completion<Stat> done);
  // All of them take effect, in order and as one transaction, or none does.
  void multi(const std::vector<Operation>& operations, Completion<MultiOutcome> done);
  void get_acl(std::string_view path, Completion<NodeAcl> done);
  void set_acl(std::string_view path, const Acl& acl, int32_t version, Completion<Stat> done);
  void sync(std::string_view path, Completion<void> done);
  // Changes who the members of the cell are, and answers with the new list, as /zookeeper/config has it, and the stat
  // of that node. Takes as long as those that join need to catch up.
  void reconfig(const MemberChange& change, Completion<NodeData> done);
  void count_descendants(std::string_view path, Completion<int32_t> done);
  void ephemerals(std::string_view prefix, Completion<std::vector<std::string>> done);
  void who_am_i(Completion<std::vector<Identity>> done);
  void add_watch(std::string_view path, AddWatchMode mode, WatchFunction watch, Completion<void> done);
  void remove_watches(std::string_view path, WatcherType type, Completion<void> done);
  void add_auth(std::string_view scheme, BytesView credentials, Completion<void> done);

  SessionState state() const { return state_; }
  SessionId session() const { return session_; }
  Duration session_timeout() const { return timeout_; }
  // The server connected to, or tried last.
  const env::Address& server() const { return server_; }
  // Why the last attempt or connection ended; empty before the first.
  const std::string& last_failure() const { return last_failure_; }
  // The newest one in any reply.
  Zxid last_zxid() const { return last_zxid_; }
  // During a completion: the zxid in the header of the reply that it tells of, however many came in with it; 0 if there
  // was none. A write's is that of its transaction, a read's (also a failed one's) that of the state it saw.
  Zxid reply_zxid() const { return reply_zxid_; }
  // Kept over changes of server; empty before the first.
  const std::optional<Contact>& last_contact() const { return last_contact_; }

 private:
  using Reader = wire::zookeeper::Reader;
  using OpCode = wire::zookeeper::OpCode;
  using OnReply = std::move_only_function<void(ErrorCode, Reader*)>;
  class Link;

  struct Request {
    int32_t xid = 0;
    Bytes frame;
    OnReply done;
    Instant submitted;
    Instant sent;
  };
  struct Credentials {
    std::string scheme;
    Bytes auth;
    Completion<void> done;  // empty once answered
  };

  template <class Body>
  void submit(OpCode op, const Body& body, OnReply done);
  void submit_frame(int32_t xid, Bytes frame, OnReply done);
  template <class T, class Read>
  OnReply reading(Completion<T> done, Read read);

  void connect_after(Duration pause);
  void connect_now();
  void on_connected(Result<std::unique_ptr<env::Stream>> stream);
  void lose_connection(const std::string& reason);
  void drop_link();
  void on_bytes(BytesView bytes);
  bool on_handshake(BytesView message);
  bool on_frame(BytesView message);
  void on_notification(Reader* in);
  void on_reply(const wire::zookeeper::ReplyHeader& header, Reader* in);
  void on_ping_reply();
  void on_auth_reply(ErrorCode error);
  void on_established();
  void heard_answer_to(Instant sent);
  void send_auth(const Credentials& credentials);
  void send_watches();
  void arm_timer(Duration delay);
  void on_timer();
  void expire_queue();
  void fail_all(ErrorCode error);
  void finish(SessionState final_state, ErrorCode error);
  void set_state(SessionState state);
  void later(Task task);
  bool finished() const {
    return state_ == SessionState::expired || state_ == SessionState::auth_failed || state_ == SessionState::closed;
  }

  const env::Clock& clock_;
  env::Executor& executor_;
  env::Network& network_;
  const Options options_;
  ServerRotation rotation_;
  std::function<void(SessionState)> on_state_;

  SessionState state_ = SessionState::connecting;
  SessionId session_;
  Bytes password_;
  Duration timeout_;
  Zxid last_zxid_;
  Zxid reading_zxid_;  // of the reply that is being read; 0 outside
  Zxid reply_zxid_;    // of the completion that is being called
  int32_t last_xid_ = 0;

  env::Address server_;
  std::string last_failure_;
  std::shared_ptr<Link> link_;  // null between connections
  bool established_ = false;    // the handshake on link_ is done
  uint64_t attempt_ = 0;        // tells late answers of connect from current ones
  FrameReader frames_;
  std::string violation_;  // set while reading: what the server did wrong
  Instant last_heard_{0};
  Instant last_sent_{0};
  std::deque<Instant> pings_;  // sent on this connection and not answered, oldest first; the handshake is the first
  std::optional<Contact> last_contact_;
  env::TimerId timer_ = 0;
  env::TimerId close_timer_ = 0;

  std::deque<Request> waiting_;    // not sent yet
  std::deque<Request> in_flight_;  // sent, in order
  std::vector<Credentials> credentials_;
  size_t credentials_answered_ = 0;  // on this connection
  WatchTable watches_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace conclave::client
