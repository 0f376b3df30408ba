// The master's view of which sessions are alive: a deadline per session, moved by every sign of life of its
// client that the session's owner reports. Deadlines are never brought nearer; expiry itself is a fact in the log, made
// by the caller. Pure.
//
// A master that has just begun, or whose process stood still, gives every session its whole timeout again (B48):
// nobody could have renewed a lease that nobody was there to renew.
#pragma once

#include <cstdint>
#include <queue>
#include <unordered_map>
#include <vector>

#include "base/ids.h"
#include "base/time.h"

namespace conclave::replica {

class SessionLeases {
 public:
  // `slack` is added to each timeout: the time a sign of life may take to reach the master.
  explicit SessionLeases(Duration slack) : slack_(slack) {}

  void clear();
  // REQUIRES: not known. `by_word_only`: its requests are no signs of life. What waits for the client of a session to
  // act on what it was told must not wait for longer because it goes on asking (CH-69).
  void add(SessionId session, int64_t timeout_ms, Instant now, bool by_word_only = false);
  void remove(SessionId session);
  // A sign of life of the session's client. Nothing happens if there is no such session.
  void touch(SessionId session, Instant now);
  // It asked for something.
  void note_request(SessionId session, Instant now);

  // Sessions past their deadline, each given once, in the order of their deadlines. Call it regularly: a gap of more
  // than `gap_max` between two calls counts as standstill and moves every deadline by the gap.
  std::vector<SessionId> expire(Instant now, Duration gap_max = Duration::millis(500));

  size_t size() const { return leases_.size(); }

 private:
  struct Lease {
    Duration timeout;
    Instant deadline;
    bool by_word_only;
  };
  struct Due {
    Instant deadline;
    SessionId session;
    friend auto operator<=>(const Due&, const Due&) = default;
  };

  Duration slack_;
  std::unordered_map<SessionId, Lease> leases_;  // never iterated where order matters
  // A session stands here once, under a deadline at or before its true one.
  std::priority_queue<Due, std::vector<Due>, std::greater<>> due_;
  Instant last_check_{INT64_MIN};
};

}  // namespace conclave::replica
