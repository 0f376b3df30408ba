// The speculative view of numbered requests: what is applied, plus what the master has proposed. Part of the overlay.
// Private to state/service. Loop thread only.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>

#include "absl/container/btree_map.h"
#include "state/service/call_table.h"

namespace conclave::state {

class PendingCalls {
 public:
  explicit PendingCalls(const CallTable& applied) : applied_(applied) {}

  CallMarks marks(SessionId id) const;
  // The transaction that did this number, if its reply is kept or on its way. REQUIRES: not below answered_below.
  std::optional<Zxid> done(SessionId id, uint64_t number) const;

  // Transaction `zxid`, just proposed, does the call. REQUIRES: number > highest.
  void note(SessionId id, const CallNumber& call, Zxid zxid);
  // Transaction `zxid` closes the session: another one of this id would start anew.
  void forget(SessionId id, Zxid zxid);
  // Everything up to `zxid` is applied.
  void drop_through(Zxid zxid);

 private:
  struct Pending {
    Zxid last;    // the last transaction that touched it
    Zxid closed;  // while not 0 what is applied is that of a session which is closed by this transaction
    CallMarks marks;
    absl::btree_map<uint64_t, Zxid> done;  // proposed and not applied
  };
  struct Touch {
    Zxid zxid;
    SessionId session;
    uint64_t number;  // 0: a close
  };

  const CallTable& applied_;
  absl::btree_map<SessionId, Pending> pending_;
  std::deque<Touch> proposed_;  // in order
};

}  // namespace conclave::state
