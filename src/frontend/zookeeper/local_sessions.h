// Local sessions: known to one replica only, never in the log (ZooKeeper's localSessionsEnabled, and every session made
// in read-only mode). They own no ephemeral nodes and die with the process. Loop thread only; no clock.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/time.h"

namespace conclave::frontend::zookeeper {

class LocalSessions {
 public:
  struct Session {
    Bytes password;  // 16 bytes
    int64_t timeout_ms = 0;
    Instant heard;
  };

  void add(SessionId id, Bytes password, int64_t timeout_ms, Instant now) {
    sessions_[id] = Session{.password = std::move(password), .timeout_ms = timeout_ms, .heard = now};
  }
  void touch(SessionId id, Instant now) {
    if (const auto found = sessions_.find(id); found != sessions_.end()) found->second.heard = now;
  }
  const Session* find(SessionId id) const {
    const auto found = sessions_.find(id);
    return found == sessions_.end() ? nullptr : &found->second;
  }
  void remove(SessionId id) { sessions_.erase(id); }
  // Removes and returns the sessions not heard of for their timeout.
  std::vector<SessionId> take_expired(Instant now) {
    std::vector<SessionId> expired;
    for (auto it = sessions_.begin(); it != sessions_.end();) {
      const bool dead = now - it->second.heard > Duration::millis(it->second.timeout_ms);
      if (dead) expired.push_back(it->first);
      it = dead ? sessions_.erase(it) : std::next(it);
    }
    return expired;
  }
  size_t size() const { return sessions_.size(); }

 private:
  std::map<SessionId, Session> sessions_;  // ordered: expiry must not depend on hashing
};

}  // namespace conclave::frontend::zookeeper
