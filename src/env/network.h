// Byte streams with clients, and datagrams. Loop thread only: handlers are called on the loop, never from inside a call
// made on the same stream, socket or network.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

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
  // Its literal address, whatever name was connected to.
  virtual const Address& peer() const = 0;
};

class Listener {
 public:
  virtual ~Listener() = default;  // stops listening
  virtual Address local() const = 0;
};

// Single packets, for what is worth nothing when it comes late: they wait neither for each other nor for the network,
// as TCP's bytes do when it backs off (CH-98). Any of them may be lost, come twice, come long after, or be overtaken.
// None comes altered, but for what a checksum of 16 bits does not notice; what matters more carries its own. Where one
// says that it comes from proves nothing, and an answer may come from another address of its host than the one asked.
class DatagramSocket {
 public:
  // One packet on every path (IPv6 promises 1,280 bytes, headers included), never in fragments. A larger one that
  // arrives is none of ours, and dropped.
  static constexpr size_t kBytesMax = 1200;

  virtual ~DatagramSocket() = default;  // nothing is received any more
  // Never waits: what finds no room or no way is lost, and counted. An error says that it can never be sent: above
  // kBytesMax, to a host that is not a literal address (Network::resolve() gives some), to no port, or to an address of
  // the family that this socket does not have.
  virtual Result<> send(const Address& to, BytesView bytes) = 0;
  // Of those sent, how many are known not to have left this machine.
  virtual uint64_t dropped() const = 0;
  virtual const Address& local() const = 0;
};

class Network {
 public:
  using Accept = std::move_only_function<void(std::unique_ptr<Stream>)>;
  using Connected = std::move_only_function<void(Result<std::unique_ptr<Stream>>)>;
  using Resolved = std::move_only_function<void(Result<std::vector<Address>>)>;
  // `from` is a literal address, to answer to; `bytes` is valid during the call only. The socket may be destroyed here.
  using Receive = std::move_only_function<void(const Address& from, BytesView bytes)>;

  virtual ~Network() = default;
  // Port 0 picks a free one. Fails at once if the address cannot be bound.
  virtual Result<std::unique_ptr<Listener>> listen(const Address& address, Accept accept) = 0;
  // Resolves the name anew at every call. `done` is called once, from the loop.
  virtual void connect(const Address& address, Duration timeout, Connected done) = 0;
  // Looks the name up anew at every call: its literal addresses, at least one, in the order to try them. A literal
  // address gives itself. `done` is called once, from the loop.
  virtual void resolve(const Address& address, Duration timeout, Resolved done) = 0;
  // Port 0 picks a free one; an empty host takes every local address, of both families. Fails at once if the address
  // cannot be bound.
  virtual Result<std::unique_ptr<DatagramSocket>> open_datagrams(const Address& local, Receive receive) = 0;
};

}  // namespace conclave::env
