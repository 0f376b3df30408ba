// Requests that are answered from the local state: reads, and the bookkeeping of watches (FinalRequestProcessor of
// ZooKeeper 3.8.0). Loop thread only; no I/O.
#pragma once

#include <string_view>

#include "frontend/zookeeper/watch_manager.h"
#include "state/service/service.h"
#include "wire/zookeeper/jute.h"
#include "wire/zookeeper/protocol.h"

namespace conclave::frontend::zookeeper {

namespace wire = conclave::wire::zookeeper;

// The reader's own watches.
class WatchPort {
 public:
  virtual ~WatchPort() = default;
  // False: a limit was reached and nothing was added.
  [[nodiscard]] virtual bool watch(std::string_view path, WatchTable table) = 0;
  [[nodiscard]] virtual bool watch_persistent(std::string_view path, PersistentMode mode) = 0;
  virtual bool watches(std::string_view path, WatchScope scope) const = 0;
  virtual bool unwatch(std::string_view path, WatchScope scope) = 0;
  // An event that the reader missed while it was away (setWatches): to be sent before the reply.
  virtual void notify(WatchEvent event, std::string_view path) = 0;
};

struct ReadContext {
  const state::Service& state;
  const state::Identities& who;
  SessionId session;
  size_t multi_ops_max;
  WatchPort& watches;
};

// Runs the request whose body is `in` and appends the body of the reply to `out`. On an error what was appended must be
// thrown away: error replies carry no body. Permissions: getData, getChildren, getChildren2, getAllChildrenNumber need
// read; getACL read or admin (digest hashes are hidden without admin); exists, getEphemerals and the watch requests
// none. A watch that hits the limit answers quota_exceeded, and nothing is read. REQUIRES: row_of(op) says read.
wire::ErrorCode run_read(wire::OpCode op, wire::Reader* in, const ReadContext& reader, wire::Writer* out);

}  // namespace conclave::frontend::zookeeper
