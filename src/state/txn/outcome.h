// What became of a request: the material of a reply. Every replica derives the same outcome for the same transaction.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/result.h"

namespace conclave::state {

// Numbers are ZooKeeper's error codes, so that the ZooKeeper front end copies them.
enum class Code : int32_t {
  ok = 0,
  system_error = -1,
  runtime_inconsistency = -2,
  connection_loss = -4,
  unimplemented = -6,
  bad_arguments = -8,
  new_config_no_quorum = -13,
  reconfig_in_progress = -14,
  no_node = -101,
  no_auth = -102,
  bad_version = -103,
  no_children_for_ephemerals = -108,
  node_exists = -110,
  not_empty = -111,
  session_expired = -112,
  invalid_acl = -114,
  auth_failed = -115,
  session_moved = -118,
  not_read_only = -119,
  ephemeral_on_local_session = -120,
  no_watcher = -121,
  request_timeout = -122,
  reconfig_disabled = -123,
  session_closed_require_auth = -124,
  quota_exceeded = -125,
  throttled = -127,
  // Of locks; ZooKeeper has none, and its front end never meets them.
  lock_held = -1001,
  lock_delayed = -1002,
  lock_not_held = -1003,
  // Of a request's guard: the node that it is about is no more.
  instance_gone = -1004,
  // Of numbered requests (RP-02): done already, and the reply is kept; done, and its reply was acknowledged; not done,
  // and it cannot be any more, since a later one is.
  call_done = -1005,
  call_stale = -1006,
  call_refused_before = -1007,
};

// Fields and meanings exactly as in ZooKeeper's Stat.
struct Stat {
  Zxid czxid;
  Zxid mzxid;
  int64_t ctime_ms = 0;
  int64_t mtime_ms = 0;
  int32_t version = 0;
  int32_t cversion = 0;
  int32_t aversion = 0;
  int64_t ephemeral_owner = 0;  // session id; 0 unless ephemeral (ZooKeeper hides its codes for container and TTL)
  int32_t data_length = 0;
  int32_t num_children = 0;
  Zxid pzxid;
  friend bool operator==(const Stat&, const Stat&) = default;
};

enum class OpKind : uint8_t {
  none,
  create,
  remove,
  set_data,
  set_acl,
  check,
  create_session,
  resume_session,
  close_session,
  sync,
  acquire_lock,
  release_lock,
};

// Outcome of one operation, or of one part of a multi.
struct OpOutcome {
  OpKind kind = OpKind::none;
  Code code = Code::ok;
  std::string path;  // create: the path made, sequence number included
  Stat stat;         // create, set_data, set_acl
};

struct Outcome {
  Code code = Code::ok;        // of a failed multi: that of the part which failed
  std::vector<OpOutcome> ops;  // one for a plain request, one per part for a multi (also when it failed)
};

// Of answers to other replicas and of snapshots. Errors: corrupt.
void encode(const Outcome& outcome, Bytes* out);
Result<Outcome> decode_outcome(BytesView in);

}  // namespace conclave::state
