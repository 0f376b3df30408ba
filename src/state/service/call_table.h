// The replies to numbered requests, by session, until the session says that it has them (S6, RP-02). Changed by facts
// only. Private to state/service. Loop thread only; no clock.
//
// Invariants:
//   R1  answered_below <= every number that has a reply <= highest.
//   R2  Only open sessions are listed.
#pragma once

#include <cstdint>
#include <memory>

#include "absl/container/btree_map.h"
#include "base/ids.h"
#include "state/service/service.h"
#include "state/txn/request.h"

namespace conclave::state {

// What of a session's numbers is settled.
struct CallMarks {
  uint64_t highest = 0;         // the last number done: numbers take effect in their order
  uint64_t answered_below = 0;  // the client has the replies below
  friend bool operator==(const CallMarks&, const CallMarks&) = default;
};

class CallTable {
 public:
  struct Entry {
    std::shared_ptr<const CallReply> reply;
    uint64_t digest = 0;
  };
  struct Calls {
    CallMarks marks;
    absl::btree_map<uint64_t, Entry> replies;  // by number
  };
  using Map = absl::btree_map<SessionId, Calls>;

  // Null: none. Valid until the next change.
  const Calls* find(SessionId id) const;
  const CallReply* reply(SessionId id, uint64_t number) const;

  // The numbered request is done; the replies that the session says it has go. REQUIRES: call.number > highest.
  void done(SessionId id, const CallNumber& call, CallReply reply);
  // The session is closed.
  void forget(SessionId id);
  // From a snapshot. REQUIRES: the session is not listed; R1 will hold, numbers come in their order.
  void restore(SessionId id, const CallMarks& marks);
  void restore_reply(SessionId id, uint64_t number, CallReply reply);
  void clear();

  const Map& all() const { return calls_; }  // sorted by session
  // Sum, wrapping, over all marks and replies; 0 when nothing is numbered.
  uint64_t digest() const { return digest_; }

 private:
  void keep(SessionId id, Calls& calls, uint64_t number, CallReply reply);

  Map calls_;
  uint64_t digest_ = 0;
};

}  // namespace conclave::state
