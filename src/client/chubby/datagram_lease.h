// Leases asked for in datagrams, for while the stream is late: a lost segment of TCP's, or one that waits for its turn
// to be sent again, must not cost the session (CH-98). Loop thread only.
//
// Invariants:
//   D1  An answer is heard only for a request that is under way, under the session and epoch of now, and sealed with
//   the
//       session's password; it counts from when that request was sent. So one that comes late, twice or from somebody
//       else grants nothing that the master did not.
//   D2  Numbers ascend as long as the session lives, over all its connections.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "base/ids.h"
#include "base/time.h"
#include "client/chubby/convert.h"
#include "env/clock.h"
#include "env/network.h"

namespace conclave::chubby {

class DatagramLease {
 public:
  using Heard = std::function<void(Instant sent, const wire::LeaseAnswer&)>;

  // `heard` is called from the loop.
  DatagramLease(const env::Clock& clock, env::Network& network, Heard heard)
      : clock_(clock), network_(network), heard_(std::move(heard)) {}

  // Whom to ask from now on, and in whose name.
  void aim(const env::Address& master, SessionId session, BytesView password, uint64_t epoch);
  // The session is over.
  void reset();
  // Sends a request, if there is somebody to ask. What stands in its way is a loss like any other.
  void ask();
  uint64_t asked() const { return last_; }

 private:
  static constexpr size_t kUnderWayMax = 32;

  void on_datagram(BytesView bytes);
  bool open_socket();

  const env::Clock& clock_;
  env::Network& network_;
  Heard heard_;
  std::unique_ptr<env::DatagramSocket> socket_;  // null: not needed so far, or there is none to be had
  env::Address master_;
  SessionId session_;
  Bytes password_;
  uint64_t epoch_ = 0;
  uint64_t last_ = 0;
  std::array<std::optional<Instant>, kUnderWayMax> sent_{};  // by number; older ones are given up
};

}  // namespace conclave::chubby
