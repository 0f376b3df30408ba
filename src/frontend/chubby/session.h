// A session as its master keeps it. The part that outlives the master is in the replicated state.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/container/btree_set.h"
#include "base/ids.h"
#include "base/time.h"
#include "frontend/chubby/notices.h"
#include "state/txn/acl.h"

namespace conclave::frontend::chubby {

// Where its client can be told something. Implemented by Connection.
class ClientLink {
 public:
  virtual ~ClientLink() = default;
  virtual std::string peer() const = 0;
  virtual void send(const wire::ServerMessage& message) = 0;
  // Closes when everything is sent.
  virtual void finish() = 0;
  // Closes at once; the reason is for the log.
  virtual void fail(std::string_view reason) = 0;
};

struct Session {
  struct KeepAlive {
    uint64_t number = 0;
    Instant arrived;
    bool being_answered = false;
  };

  // How long a KeepAlive waits (CH-68).
  Duration hold() const { return lease * 2 / 3; }

  SessionId id;
  Duration lease;  // of each grant
  state::Identities identities;
  ClientLink* link = nullptr;  // null: not connected
  Notices notices;
  uint64_t told = 0;  // the last notice told on this connection
  bool fail_over_pending = false;
  bool leased = false;                  // a lease was granted on this connection
  std::optional<KeepAlive> keep_alive;  // waiting
  uint64_t lease_requests = 0;          // the highest number that came in a datagram
  absl::btree_set<uint64_t> calls;      // without an answer
  absl::btree_set<uint64_t> closed;     // handles of earlier epochs that were closed in this one (CH-77, step 8)
  uint64_t ending = 0;                  // the call that ends it
};

}  // namespace conclave::frontend::chubby
