// The gateway: clients' sessions, each with a session of its own at the cell (CH-95). Knows nothing of gRPC's threads:
// app/gateway brings calls and streams to the loop. Loop thread only, on env/ alone.
//
// Invariants, by which a client that believes in its locks is right (docs/gateway.md has the argument):
//   G1  A client's lease ends before the cell's lease of its session does (S1 of session.h), and counts from when the
//       client asked.
//   G2  The gateway ends a session only when its client asked for that. It lets one go, without a word to the cell,
//   when
//       the cell has ended it, when its client was not heard from for `client_timeout` (so after every lease that it
//       was granted), or when the gateway stops. What is let go loses its locks abnormally: their lock-delay protects
//       what a message under way might still do (CH-39).
//   G3  Time in which the gateway stood still is no silence of a client.
//   G4  A session is named by its token alone, which has 128 unpredictable bits. It has one stream at a time, the
//   newest. G5  Everything is bounded by the Settings; what finds no room is refused.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "env/clock.h"
#include "env/entropy.h"
#include "env/executor.h"
#include "gateway/calls.h"
#include "gateway/session.h"

namespace conclave::gateway {

// A call that waits for its answer.
struct CallRef {
  uint64_t session = 0;
  WaiterId waiter;
};

class Gateway {
 public:
  Gateway(const env::Clock& clock, env::Executor& executor, env::Entropy& entropy, OpenCellSession open_cell,
          const Settings& settings);
  ~Gateway();
  Gateway(const Gateway&) = delete;
  Gateway& operator=(const Gateway&) = delete;

  // `done` is called once, also from inside, unless the call is abandoned.
  template <class Request>
  CallRef call(const Request& request, Done done) {
    return begin(
        request.call(), {.method = method_of<Request>(), .kind = kind_of(request)},
        [&request](Session& session, CallTable::Finish finish) { return start(session, request, std::move(finish)); },
        std::move(done));
  }
  void abandon(const CallRef& call);

  void on_request(ClientStream& stream, const api::SessionRequest& request);
  // It is gone; the session waits for another one.
  void on_stream_lost(ClientStream& stream);

  // Tells every client that its session is over here, and lets all of them go.
  void stop();

  size_t sessions() const { return sessions_.size(); }

 private:
  using StartOnSession = std::move_only_function<chubby::CallId(Session&, CallTable::Finish)>;

  template <class Request>
  static std::string_view method_of() {
    std::string_view name = Request::descriptor()->name();
    return name.substr(0, name.size() - std::string_view("Request").size());
  }
  CallRef begin(const api::Call& header, CallOptions options, StartOnSession start_call, Done done);
  // Null: there is none, or the token is wrong.
  Session* find(const std::string& token);

  void on_begin(ClientStream& stream, const api::Begin& begin);
  void open_session(ClientStream& stream, const api::Begin& begin);
  void resume(ClientStream& stream, Session& session);
  void on_keep_alive(ClientStream& stream, Session& session, const api::KeepAlive& request);
  void on_end(Session& session);
  void let_go(uint64_t number, const Failure& why);
  void sweep();
  void arm_sweep();

  const env::Clock& clock_;
  env::Executor& executor_;
  env::Entropy& entropy_;
  const OpenCellSession open_cell_;
  const Settings settings_;
  bool stopping_ = false;
  uint64_t last_session_ = 0;
  std::map<uint64_t, std::unique_ptr<Session>> sessions_;
  // Sessions that clients ended, until the cell knows.
  std::map<uint64_t, std::unique_ptr<Session>> ending_;
  Instant swept_{0};
  env::TimerId sweep_timer_ = 0;
};

}  // namespace conclave::gateway
