// Requests: what clients ask for. Conditional, not idempotent, evaluated once, by the master (architecture, "The log
// holds facts").
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/result.h"
#include "state/txn/acl.h"
#include "state/txn/member_address.h"

namespace conclave::state {

// What a node is and when it goes. The first four are ZooKeeper's, file and directory in one; the others are Chubby's
// (CH-21, CH-23). An open file or directory goes when no client has it open. Who has it open is known to the master's
// front end alone: to the state such a node belongs to nobody, and goes by ReapUnopenedRequest or a delete.
enum class NodeKind : uint8_t {
  persistent = 0,
  ephemeral = 1,
  container = 2,
  ttl = 3,
  file = 4,
  directory = 5,
  open_file = 6,
  open_directory = 7,
};
constexpr bool may_have_children(NodeKind kind) {
  return kind != NodeKind::ephemeral && kind != NodeKind::file && kind != NodeKind::open_file;
}
constexpr bool lives_while_open(NodeKind kind) {
  return kind == NodeKind::open_file || kind == NodeKind::open_directory;
}

constexpr int32_t kAnyVersion = -1;

// `data_is_null` in requests and facts: a client may write "no data" (ZooKeeper's null), which is read back as that
// and not as data of length 0. REQUIRES: then `data` is empty.
struct CreateRequest {
  std::string path;
  Bytes data;
  Acl acl;
  NodeKind kind = NodeKind::persistent;
  bool sequential = false;
  int64_t ttl_ms = 0;  // NodeKind::ttl only
  bool data_is_null = false;
  bool inherit_acl = false;  // the parent's ACL instead of `acl`, which then stays empty (CH-25)
};
struct DeleteRequest {
  std::string path;
  int32_t version = kAnyVersion;
};
struct SetDataRequest {
  std::string path;
  Bytes data;
  int32_t version = kAnyVersion;
  bool data_is_null = false;
};
struct SetAclRequest {
  std::string path;
  Acl acl;
  int32_t version = kAnyVersion;  // compared with aversion
};
struct CheckRequest {
  std::string path;
  int32_t version = kAnyVersion;
};
struct MultiRequest {
  using Op = std::variant<CreateRequest, DeleteRequest, SetDataRequest, CheckRequest>;
  std::vector<Op> ops;
};
struct CreateSessionRequest {
  SessionId id;
  Bytes password;  // 16 bytes
  int64_t timeout_ms = 0;
  bool caching = false;  // its client keeps a cache that every master has to know of (CH-56)
};
// Makes the replica at which it comes in the owner of the session of the request (Request::session): its client is
// connected there now.
struct ResumeSessionRequest {
  Bytes password;
};
// Closes the session of the request. Its locks are free at once, or, if it has expired, after their lock-delay (CH-39).
struct CloseSessionRequest {
  bool expired = false;  // made by the master itself
};
// Takes the lock of a node for a handle of the session (CH-50). Needs kWrite (CH-36). Refused with lock_held and
// lock_delayed; taken again in the same mode it changes nothing.
struct AcquireLockRequest {
  std::string path;
  Zxid instance;  // czxid of the node that the handle belongs to (CH-31); 0: of whatever has that name
  uint64_t handle = 0;
  bool exclusive = true;
  int64_t delay_ms = 0;  // lock-delay, at most a minute
};
// Lets go of it. Refused with lock_not_held.
struct ReleaseLockRequest {
  std::string path;
  Zxid instance;
  uint64_t handle = 0;
};
// The lock-delay of a lost holder is over; made by the master itself, refused from clients.
struct EndLockDelayRequest {
  std::string path;
  SessionId session;  // of the holder, with `handle`
  uint64_t handle = 0;
};
// Deletes a container or TTL node that is due; made by the master itself, refused from clients.
struct ReapRequest {
  std::string path;
};
// Deletes a file or directory that lives while open and that nobody has open (CH-23, CH-77 step 9). The master's front
// end says so, of its own epoch: left over into another one the request does nothing, since other clients may have it
// open. Refused with instance_gone, not_empty, bad_version (another epoch) and bad_arguments (another kind), and from
// clients.
struct ReapUnopenedRequest {
  std::string path;
  Zxid instance;
  Epoch epoch;
};
// The first fact of an epoch; made by the master itself. It changes nothing but the zxid, and gives the cell its secret
// if it has none: from that the check digits of handles are made (CH-30), under every master the same.
constexpr size_t kCellSecretBytes = 16;
struct EpochStartRequest {
  Bytes secret;  // drawn by the master; empty: it knows that there is one
};
// Changes the members of the cell (ZooKeeper's reconfig). Needs kWrite on the node that shows them. It takes effect
// when the cell has these members, and is the writing of that node. Refused with reconfig_in_progress, bad_version,
// bad_arguments (nobody would vote) and new_config_no_quorum (newcomers do not get up to date).
struct ReconfigRequest {
  struct Joining {
    ReplicaId id;
    bool voter = true;
    MemberAddress address;
    friend bool operator==(const Joining&, const Joining&) = default;
  };
  bool whole = false;              // `joining` are all the members to be; nobody else stays
  std::vector<Joining> joining;    // new ones, or present ones with another role or address
  std::vector<ReplicaId> leaving;  // not if `whole`; who is no member does not matter
  int64_t version = kAnyVersion;   // of the members that are to be changed
  Bytes config;                    // what the node shall show; filled in by the master
};

using RequestBody = std::variant<CreateRequest, DeleteRequest, SetDataRequest, SetAclRequest, CheckRequest,
                                 MultiRequest, CreateSessionRequest, ResumeSessionRequest, CloseSessionRequest,
                                 AcquireLockRequest, ReleaseLockRequest, EndLockDelayRequest, ReapRequest,
                                 ReapUnopenedRequest, EpochStartRequest, ReconfigRequest>;

// What must hold, by the state as it will be, for a request to be looked at: its handle is that of one instance of a
// node (CH-31), and a compare-and-swap of one content (CH-48).
struct Guard {
  std::string path;
  Zxid instance;  // czxid of the node; refused with instance_gone
  Zxid content;   // mzxid of the node, 0: any; refused with bad_version
  friend bool operator==(const Guard&, const Guard&) = default;
};

// The place of a request among those of its session (RP-02). What was done under a number is kept with its reply until
// the session says that it has it, and is not done again.
struct CallNumber {
  uint64_t number = 0;          // 0: not numbered, as all of ZooKeeper's
  uint64_t answered_below = 0;  // the client has the replies to all numbers below; at most `number`
  friend bool operator==(const CallNumber&, const CallNumber&) = default;
};

struct Request {
  SessionId session;      // 0: the cell itself
  Identities identities;  // proved by the connection, `ip` included; world is implied
  RequestBody body;
  std::optional<Guard> guard;
  CallNumber call;
};

void encode(const Request& request, Bytes* out);
Result<Request> decode_request(BytesView in);

}  // namespace conclave::state
