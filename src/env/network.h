// Byte streams with clients. Loop thread only: handlers are called on the loop, never from inside a call made on the
// same stream.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "base/task.h"
#include "base/time.h"

namespace conclave::env {

struct Address {
  std::string host;  // name or literal address; IPv6 without brackets
  uint16_t port = 0;

  friend bool operator==(const Address&, const Address&) = default;
  friend auto operator<=>(const Address&, const Address&) = default;
};
std::string to_string(const Address& address);

class StreamHandler {
 public:
  virtual ~StreamHandler() = default;
  // `bytes` is valid during the call only.
  virtual void on_data(BytesView bytes) = 0;
  // The last call: the peer closed, or the connection broke (`reason` says how). The stream may be destroyed here.
  virtual void on_closed(const Error& reason) = 0;
};

// An open connection. Destroying it closes at once; no handler is called afterwards.
class Stream {
 public:
  virtual ~Stream() = default;
  virtual void set_handler(StreamHandler* handler) = 0;  // reading starts here
  // Queues bytes; what is written during one turn of the loop leaves in one system call.
  virtual void write(Bytes bytes) = 0;
  virtual size_t unsent_bytes() const = 0;
  // Stops and resumes on_data, for backpressure.
  virtual void pause_reading() = 0;
  virtual void resume_reading() = 0;
  // Sends what is queued, then closes; on_closed follows.
  virtual void close_after_writes() = 0;
  virtual const Address& peer() const = 0;
};

class Listener {
 public:
  virtual ~Listener() = default;  // stops listening
  virtual Address local() const = 0;
};

class Network {
 public:
  using Accept = std::move_only_function<void(std::unique_ptr<Stream>)>;
  using Connected = std::move_only_function<void(Result<std::unique_ptr<Stream>>)>;

  virtual ~Network() = default;
  // Port 0 picks a free one. Fails at once if the address cannot be bound.
  virtual Result<std::unique_ptr<Listener>> listen(const Address& address, Accept accept) = 0;
  // Resolves the name anew at every call. `done` is called once, from the loop.
  virtual void connect(const Address& address, Duration timeout, Connected done) = 0;
};

}  // namespace conclave::env
