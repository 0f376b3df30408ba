// All connections of a run around one epoll: connecting them in parallel, reading, answering, keeping their sessions
// alive, closing. What to send and what an answer means is the workload's, which is told through `Listener`. One
// thread; what arrives in one read is answered by one write, so the generator costs about a microsecond an operation
// and the servers set the pace.
//
// A connection that breaks, a session that the server gives up and an unanswered ping are told to on_broken(); a breach
// of the invariants in connection.h ends the run.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "app/bench/connection.h"
#include "app/bench/options.h"
#include "app/bench/sockets.h"
#include "base/result.h"

namespace conclave::app::bench {

// Calls may append requests to the connection they are given; they are sent when the call returns.
class Listener {
 public:
  Listener() = default;
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  virtual ~Listener() = default;

  virtual Result<> on_session(Connection*) { return {}; }
  virtual Result<> on_answer(Connection* connection, const Answer& answer) = 0;
  virtual Result<> on_data_changed(Connection* connection, BytesView path);
  // The connection is still whole: the callee calls Sessions::abandon, or returns the error.
  virtual Result<> on_broken(Connection*, const Error& why) { return std::unexpected(why); }
};

class Sessions {
 public:
  static constexpr uint64_t kTurnNs = 10 * kMillisecondNs;  // how long a turn may wait when nothing is due
  static constexpr size_t kInFlightMax = 4096;              // of what is sent to all connections at once

  // `listener` outlives this.
  Sessions(const Options& options, Listener* listener);
  ~Sessions();
  Sessions(const Sessions&) = delete;
  Sessions& operator=(const Sessions&) = delete;

  // Has the kernel say when data arrives. It tells the time of an event by the moment it is there, not by when this one
  // thread gets round to it. To be called before connect().
  void stamp_arrivals() { stamps_ = true; }
  // When the data that is being handled arrived, in realtime_ns(). REQUIRES: stamp_arrivals().
  uint64_t arrived_ns() const { return arrived_ns_; }

  // Adds `count` connections with a session each, in parallel.
  Result<> connect(uint32_t count);

  // One session after another on the same connection. start() fails with ErrorKind::closed when refused at once.
  Result<> start(Connection* connection, size_t server);
  // Closes the socket; returns the writes now in doubt.
  size_t abandon(Connection* connection);

  // One turn of the loop: waits for sockets, at most until `deadline_ns`, reads, answers.
  Result<> turn(uint64_t deadline_ns);
  // Sends what was appended outside of a Listener's call.
  Result<> flush(Connection* connection);
  Result<> flush_all();
  // Until no request is in flight. `what` is for the error when answers stop.
  Result<> drain(std::string_view what);
  // Closes every session and waits for the servers to say so. An expired session fails here.
  Result<> close_all();

  std::deque<Connection>& connections() { return connections_; }
  Connection& operator[](size_t number) { return connections_[number]; }
  // The server to which connect() brings a connection: pinned, or each in turn.
  size_t server_of(uint32_t number) const;
  size_t servers() const { return addresses_.size(); }
  uint64_t now_ns() const { return now_ns_; }  // when the data that is being handled was read
  uint64_t refresh_clock() { return now_ns_ = monotonic_ns(); }
  int32_t granted_timeout_ms() const { return connections_.front().timeout_ms(); }
  size_t in_flight() const;
  uint64_t verified() const { return verified_; }  // frames checked
  // Fails when nothing was answered for so long that nothing will be.
  Result<> check_progress(std::string_view what) const;
  // A workload in which silence is right, as that of idle sessions, says here that there was none.
  void progressed() { last_answer_ns_ = now_ns_; }

 private:
  Result<> open();
  Result<> on_event(Connection* connection, uint32_t events);
  ssize_t receive(int fd, size_t have);
  Result<> read_from(Connection* connection);
  Result<> on_frames(Connection* connection, size_t have);
  Result<> deliver(Connection* connection, const Answer& answer);
  Result<> keep_alive();
  Result<> tell_broken(Connection* connection, const Error& why);
  void watch_socket(Connection* connection, int operation, bool wants_write);

  const Options& options_;
  Listener* listener_;
  std::vector<Address> addresses_;
  std::deque<Connection> connections_;
  std::vector<bool> wants_write_;
  std::vector<char> scratch_;
  uint64_t now_ns_ = 0;
  uint64_t last_answer_ns_ = 0;
  uint64_t verified_ = 0;
  size_t connecting_ = 0;
  uint64_t keep_alive_started_ns_ = 0;
  uint64_t visits_ = 0;  // of keep_alive, to one connection each
  bool closing_ = false;
  bool stamps_ = false;
  uint64_t arrived_ns_ = 0;
  int epoll_ = -1;
};

}  // namespace conclave::app::bench
