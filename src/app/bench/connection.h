// One client session of the load generator: a socket, the requests in flight on it in order, and the checks that every
// reply must pass. Single thread.
//
// Invariants checked on every reply, the run fails at the first breach:
//   1. xids come back in the order sent, none missing, none twice;
//   2. the error code is the expected one;
//   3. the zxid never goes back; that of a write is higher than any before on this connection (ZK-11, ZK-23);
//   4. a write's stat carries the write's own zxid and the next version of the node, so that a write lost, repeated or
//      reordered inside the servers shows at once;
//   5. a read returns the node's own data at exactly the version last written by this session (each key has one
//   writer);
//   6. a create returns the path asked for.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "app/bench/frames.h"
#include "base/result.h"

namespace conclave::app::bench {

struct Pending {
  uint64_t sent_ns = 0;
  int32_t xid = 0;
  uint32_t key = 0;
  Opcode opcode = Opcode::sync;
  bool may_exist = false;  // a create for which "node exists" is a good answer
};

// What a verified reply tells the caller.
struct Answer {
  Pending request;
  int64_t zxid = 0;
};

class Connection {
 public:
  // `paths` and `versions` are of the keys this connection owns; `payload_size` is the size of every node's data.
  struct Keys {
    std::vector<std::string> paths;
    std::vector<int32_t> versions;
    std::vector<uint64_t> stamps;  // first eight bytes of the node's data
  };

  Connection(uint32_t number, int fd, std::string server, size_t payload_size)
      : number_(number), fd_(fd), server_(std::move(server)), payload_size_(payload_size) {}
  Connection(Connection&& other) noexcept;
  Connection& operator=(Connection&&) = delete;
  ~Connection();

  int fd() const { return fd_; }
  uint32_t number() const { return number_; }
  Keys& keys() { return keys_; }
  size_t in_flight() const { return pending_.size(); }
  bool has_unsent() const { return out_.size() > sent_; }

  // Append one request to what flush() sends. `now_ns` is when the latency of the request begins.
  void set_data(uint64_t now_ns, uint32_t key, BytesView data);
  void get_data(uint64_t now_ns, uint32_t key);
  void create(uint64_t now_ns, const std::string& path, BytesView data, bool may_exist = false);
  void close_session(uint64_t now_ns);

  // Sends what fits into the socket now.
  Result<> flush();

  // Consumes one whole reply frame (without its length).
  Result<Answer> on_frame(BytesView frame);

  Bytes& partial() { return partial_; }  // bytes of an incomplete frame, kept between two reads

 private:
  Result<> check_set_data(const Pending& request, int64_t zxid, BytesView body);
  Result<> check_get_data(const Pending& request, BytesView body);
  std::unexpected<Error> wrong(const Pending& request, std::string what) const;
  Pending& push(uint64_t now_ns, Opcode opcode, uint32_t key);

  uint32_t number_;
  int fd_;
  std::string server_;
  size_t payload_size_;
  Keys keys_;
  int32_t xid_next_ = 1;
  int64_t zxid_seen_ = 0;
  int64_t zxid_written_ = 0;
  std::deque<Pending> pending_;
  std::deque<std::string> created_paths_;  // of the creates in flight
  Bytes out_;
  size_t sent_ = 0;
  Bytes partial_;
};

}  // namespace conclave::app::bench
