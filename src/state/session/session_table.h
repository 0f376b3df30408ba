// The sessions of a cell as the log knows them: id, password, timeout, the replica that its client is connected to, and
// the ephemeral nodes each one owns. Whether a session's client is alive is not here: that is the master's lease table;
// only openings, moves and closings are facts.
// Loop thread only; no clock.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "base/bytes.h"
#include "base/ids.h"

namespace conclave::state {

struct SessionRecord {
  int64_t timeout_ms = 0;
  Bytes password;
  ReplicaId owner;
  bool caching = false;                                  // its client keeps a cache (CH-56)
  absl::btree_set<std::string, std::less<>> ephemerals;  // paths
};

// Covers id, timeout, password, owner and caching; the ephemerals are covered by their nodes.
uint64_t session_digest(SessionId id, const SessionRecord& record);

class SessionTable {
 public:
  using Map = absl::btree_map<SessionId, SessionRecord>;

  // REQUIRES: not open yet.
  void open(SessionId id, int64_t timeout_ms, BytesView password, ReplicaId owner, bool caching = false);
  // REQUIRES: open.
  void move(SessionId id, ReplicaId owner);
  // REQUIRES: open, without ephemerals (S3).
  void close(SessionId id);
  const SessionRecord* find(SessionId id) const;

  // REQUIRES: the session is open; the path is not (is) one of its ephemerals.
  void add_ephemeral(SessionId id, std::string_view path);
  void remove_ephemeral(SessionId id, std::string_view path);

  const Map& all() const { return sessions_; }  // sorted by id
  size_t size() const { return sessions_.size(); }
  uint64_t ephemeral_count() const { return ephemeral_count_; }
  // Sum, wrapping, of session_digest over all.
  uint64_t digest() const { return digest_; }
  void clear();

 private:
  Map sessions_;
  uint64_t ephemeral_count_ = 0;
  uint64_t digest_ = 0;
};

}  // namespace conclave::state
