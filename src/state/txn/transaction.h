// Transactions: idempotent facts with every result filled in. The log holds nothing else. A fact may only be applied
// right after its predecessor (the primary-order rule); zxid carries that.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/result.h"
#include "state/txn/acl.h"
#include "state/txn/request.h"

namespace conclave::state {

// Where a request came from, so that the replica holding the client finds its waiting reply when the fact is applied.
struct RequestTag {
  ReplicaId replica;
  uint64_t incarnation = 0;  // of that replica's process
  uint64_t number = 0;       // unique in that process, 0: nobody waits
  friend bool operator==(const RequestTag&, const RequestTag&) = default;
};

struct CreateTxn {
  std::string path;  // final, with the sequence number
  Bytes data;
  Acl acl;
  NodeKind kind = NodeKind::persistent;
  SessionId owner;              // ephemeral only
  int64_t ttl_ms = 0;           // ttl only
  int32_t parent_cversion = 0;  // of the parent after this create
  int64_t parent_sequence = 0;  // the parent's next sequence number after this create
  bool data_is_null = false;
};
struct DeleteTxn {
  std::string path;
  int32_t parent_cversion = 0;
};
struct SetDataTxn {
  std::string path;
  Bytes data;
  int32_t version = 0;  // of the node after this fact
  bool data_is_null = false;
};
struct SetAclTxn {
  std::string path;
  Acl acl;
  int32_t aversion = 0;
};
struct CheckTxn {  // inside a multi only: the check held; kept for the reply
  std::string path;
};
struct CreateSessionTxn {
  SessionId id;
  Bytes password;
  int64_t timeout_ms = 0;
  ReplicaId owner;  // at which its client is connected: whoever else asks for the session is refused
  bool caching = false;
};
struct MoveSessionTxn {
  SessionId id;
  ReplicaId owner;
};
struct AcquireLockTxn {
  std::string path;
  SessionId session;  // of the holder, with `handle`
  uint64_t handle = 0;
  bool exclusive = true;
  int64_t delay_ms = 0;
};
struct ReleaseLockTxn {  // let go of, or its lock-delay is over
  std::string path;
  SessionId session;
  uint64_t handle = 0;
};
struct CloseSessionTxn {
  SessionId id;
  std::vector<DeleteTxn> ephemerals;  // in the order they are deleted
  // Its locks of other nodes than these. They are free now, or keep others out until their lock-delay is over.
  struct Lock {
    std::string path;
    uint64_t handle = 0;
    bool lost = false;
  };
  std::vector<Lock> locks;  // sorted by path and handle
};
struct EpochStartTxn {
  Bytes secret;  // the cell's, from now on; empty: it has one, or gets none
};

using FactBody = std::variant<EpochStartTxn, CreateTxn, DeleteTxn, SetDataTxn, SetAclTxn, CheckTxn, CreateSessionTxn,
                              MoveSessionTxn, CloseSessionTxn, AcquireLockTxn, ReleaseLockTxn>;

struct Transaction {
  Zxid zxid;
  int64_t time_ms = 0;  // stamped by the master; never below that of the predecessor
  SessionId session;    // who asked; 0: the cell itself
  RequestTag origin;
  CallNumber call;              // of the request, if it was numbered: its reply is kept
  bool multi = false;           // the reply is that of a multi
  std::vector<FactBody> facts;  // applied together; exactly one unless `multi`
};

void encode(const Transaction& txn, Bytes* out);
Result<Transaction> decode_transaction(BytesView in);

}  // namespace conclave::state
