// One client of the load generator: its session, a socket, the requests in flight on it in order, and the checks that
// every reply must pass. Single thread.
//
// Invariants checked on every reply, the run fails at the first breach:
//   1. xids come back in the order sent, none missing, none twice;
//   2. the error code is the expected one;
//   3. the zxid never goes back; that of a write is higher than any before on this connection (ZK-11, ZK-23);
//   4. a write's stat carries the write's own zxid and the next version of the node, so that a write lost, repeated or
//      reordered inside the servers shows at once;
//   5. a read returns the node's own data at exactly the version last written by this session (each key has one
//      writer);
//   6. a create returns the path asked for;
//   7. a ping is answered once, and a watch event comes whole.
// One connection may have one session after another, each on a socket of its own. 3 holds across them; 4 and 5 as far
// as writes are in doubt (node_version.h).
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "app/bench/frames.h"
#include "app/bench/node_version.h"
#include "base/result.h"

namespace conclave::app::bench {

struct Pending {
  uint64_t sent_ns = 0;
  int32_t xid = 0;
  uint32_t key = 0;
  Opcode opcode = Opcode::sync;
  bool may_exist = false;  // a create for which "node exists" is a good answer
};

// What a verified frame tells the caller.
struct Answer {
  enum class Kind { reply, session, ping, data_changed };

  Kind kind = Kind::reply;
  Pending request;       // of a reply
  int64_t zxid = 0;      // of a reply
  bool existed = false;  // a create found the node
  BytesView path;        // of the node that changed; into the frame
};

class Connection {
 public:
  // `paths` and `versions` are of the keys this connection owns; `payload_size` is the size of every node's data.
  struct Keys {
    std::vector<std::string> paths;
    std::vector<NodeVersion> versions;
    std::vector<uint64_t> stamps;  // first eight bytes of the node's data
  };

  Connection(uint32_t number, size_t payload_size) : number_(number), payload_size_(payload_size) {}
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  // Begins a session on a socket, which it owns from now on and which need not be connected yet.
  // REQUIRES: no socket, as after construction and abandon().
  void start(uint64_t now_ns, int fd, std::string server, int32_t timeout_ms);
  // Closes the socket. The writes in flight are in doubt from now on; returns how many.
  size_t abandon();

  int fd() const { return fd_; }
  bool has_socket() const { return fd_ >= 0; }
  bool has_session() const { return timeout_ms_ > 0; }
  int32_t timeout_ms() const { return timeout_ms_; }  // as the server granted it
  uint32_t number() const { return number_; }
  const std::string& server() const { return server_; }
  Keys& keys() { return keys_; }
  size_t in_flight() const { return pending_.size(); }
  size_t pings_in_flight() const { return pings_in_flight_; }
  bool has_unsent() const { return out_.size() > sent_; }
  uint64_t last_request_ns() const { return last_request_ns_; }
  // Since when the connection waits for an answer, that to its connect request included. REQUIRES: it does wait.
  uint64_t waiting_since_ns() const { return has_session() ? pending_.front().sent_ns : started_ns_; }
  bool waits() const { return has_socket() && (!has_session() || !pending_.empty()); }

  // Append one request to what flush() sends. `now_ns` is when the latency of the request begins.
  void set_data(uint64_t now_ns, uint32_t key, BytesView data);
  void get_data(uint64_t now_ns, uint32_t key, bool watch = false);
  void create(uint64_t now_ns, const std::string& path, BytesView data, bool may_exist = false);
  void sync(uint64_t now_ns, const std::string& path);
  void ping(uint64_t now_ns);
  void close_session(uint64_t now_ns);

  // Sends what fits into the socket now.
  Result<> flush();

  // Consumes one whole frame (without its length). ErrorKind::closed says that the server gave the session up; every
  // other error is a breach.
  Result<Answer> on_frame(BytesView frame);

  Bytes& partial() { return partial_; }  // bytes of an incomplete frame, kept between two reads

  std::unexpected<Error> broken(ErrorKind kind, std::string_view why) const;

 private:
  Result<Answer> on_session(BytesView frame);
  Result<Answer> on_event(BytesView body);
  Result<> check_create(const Pending& request, int64_t zxid, int32_t error, BytesView body);
  Result<> check_set_data(const Pending& request, int64_t zxid, BytesView body);
  Result<> check_get_data(const Pending& request, BytesView body);
  std::unexpected<Error> wrong(const Pending& request, std::string what) const;
  Pending& push(uint64_t now_ns, Opcode opcode, uint32_t key);

  uint32_t number_;
  size_t payload_size_;
  Keys keys_;
  int64_t zxid_seen_ = 0;
  int64_t zxid_written_ = 0;

  // Of the session.
  int fd_ = -1;
  std::string server_;
  int32_t timeout_ms_ = 0;
  uint64_t started_ns_ = 0;
  uint64_t last_request_ns_ = 0;
  int32_t xid_next_ = 1;
  size_t pings_in_flight_ = 0;
  std::deque<Pending> pending_;
  std::deque<std::string> created_paths_;  // of the creates in flight
  Bytes out_;
  size_t sent_ = 0;
  Bytes partial_;
};

}  // namespace conclave::app::bench
