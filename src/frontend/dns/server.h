// The name server: questions by UDP and TCP to the Responder, and answers back within a bounded time, whatever the cell
// does. Loop thread only.
//
// Invariants:
//   D1  A query is answered at most once: by its records, or, `patience` after it came, by SERVFAIL (the session is in
//       jeopardy, say).
//   D2  At most `queries_max` look-ups are under way; a query beyond them is answered SERVFAIL at once. One that was
//       answered for its time counts until its look-up ends.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "client/chubby/lock_service.h"
#include "env/clock.h"
#include "env/executor.h"
#include "env/network.h"
#include "frontend/dns/responder.h"
#include "frontend/dns/tcp_connection.h"

namespace conclave::frontend::dns {

struct ServerOptions {
  std::vector<env::Address> listen;  // at least one; UDP and TCP both
  ResponderOptions responder;
  Duration patience = Duration::seconds(2);
  size_t queries_max = 1'000;
  size_t connections_max = 100;                      // of TCP
  Duration connection_idle = Duration::seconds(10);  // without a whole query; then it is closed (RFC 7766 6.2.3)
};

// Since the start.
struct ServerFigures {
  uint64_t udp_queries = 0;
  uint64_t tcp_queries = 0;
  uint64_t dropped = 0;    // datagrams and messages that are no queries
  uint64_t malformed = 0;  // answered FORMERR
  uint64_t answered = 0;   // NOERROR
  uint64_t no_such_name = 0;
  uint64_t refused = 0;  // and NOTIMP, BADVERS
  uint64_t failed = 0;   // SERVFAIL for whatever reason, the next three included
  uint64_t timed_out = 0;
  uint64_t overloaded = 0;
  uint64_t too_large = 0;  // more than a message can hold
  uint64_t truncated = 0;  // of UDP
  uint64_t connections = 0;
  uint64_t connections_refused = 0;
};

class Server final : TcpHost {
 public:
  struct Outside {
    const env::Clock& clock;
    env::Executor& executor;
    env::Network& network;
    conclave::chubby::LockService& service;
  };

  // Takes the service's session events. Errors: an address cannot be bound; an option is wrong (invalid_argument).
  static Result<std::unique_ptr<Server>> start(const Outside& outside, ServerOptions options);
  ~Server() override;
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Takes no new queries; `done` is called when those under way are answered.
  void stop(Task done);

  // What is listened on, in the order of the options; both have the same port.
  std::vector<env::Address> addresses() const;
  const ServerFigures& figures() const { return figures_; }
  size_t under_way() const { return look_ups_; }

 private:
  using Reply = std::move_only_function<void(Bytes)>;
  struct Pending {
    Query query;
    size_t limit = 0;  // bytes of the answer
    Reply reply;
    Instant deadline;
  };
  struct Endpoint {
    std::unique_ptr<env::DatagramSocket> datagrams;
    std::unique_ptr<env::Listener> listener;
  };

  Server(const Outside& outside, ServerOptions options) : outside_(outside), options_(std::move(options)) {}
  Result<> listen(const env::Address& address);
  void on_datagram(size_t endpoint, const env::Address& from, BytesView message);
  void accept(std::unique_ptr<env::Stream> stream);
  // TcpHost
  void on_message(uint64_t connection, BytesView message) override;
  void on_closed(uint64_t connection) override { connections_.erase(connection); }

  // `limit`: bytes of an answer. False: it is no query, and nothing is said.
  bool take(BytesView message, bool datagram, Reply reply);
  void look_up(Query query, size_t limit, Reply reply);
  void answer(uint64_t number, Answer answer);
  void send(const Query& query, const Answer& answer, size_t limit, Reply& reply);
  void arm_timer();
  void on_timer();
  void on_session(conclave::chubby::SessionEvent event);
  void count(Rcode rcode);
  void finish_if_idle();

  const Outside outside_;
  const ServerOptions options_;
  ServerFigures figures_;
  std::unique_ptr<Responder> responder_;
  std::vector<Endpoint> endpoints_;
  std::map<uint64_t, std::unique_ptr<TcpConnection>> connections_;
  uint64_t last_connection_ = 0;
  // Without an answer, by number: in the order of their deadlines.
  std::map<uint64_t, Pending> pending_;
  uint64_t last_query_ = 0;
  size_t look_ups_ = 0;
  env::TimerId timer_ = 0;
  Task stopped_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace conclave::frontend::dns
