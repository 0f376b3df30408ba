// What the client library gives and takes: the records of the protocol, owning their bytes. Pure.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/time.h"
#include "wire/zookeeper/protocol.h"
#include "wire/zookeeper/records.h"

namespace conclave::client {

using wire::zookeeper::AddWatchMode;
using wire::zookeeper::CreateMode;
using wire::zookeeper::ErrorCode;
using wire::zookeeper::EventType;
using wire::zookeeper::kAnyVersion;
using wire::zookeeper::Stat;
using wire::zookeeper::WatcherType;

struct AclEntry {
  int32_t permissions = wire::zookeeper::kPermissionAll;
  std::string scheme = "world";
  std::string id = "anyone";
  friend bool operator==(const AclEntry&, const AclEntry&) = default;
};
using Acl = std::vector<AclEntry>;

struct CreateOptions {
  CreateMode mode = CreateMode::persistent;
  int64_t ttl_ms = 0;  // the modes with a time to live only
  Acl acl = {AclEntry{}};
};

struct Created {
  std::string path;  // with the sequence number
  Stat stat;
};
struct NodeData {
  Bytes data;
  Stat stat;
};
struct Children {
  std::vector<std::string> names;  // in the server's order
  Stat stat;
};
struct NodeAcl {
  Acl acl;
  Stat stat;
};
struct Identity {
  std::string scheme;
  std::string id;
};

// A change of the cell's members: those that join and leave, or the whole new list instead. As text, see
// wire/zookeeper/server_line.h; what is not given is told to the cell as null.
struct MemberChange {
  std::optional<std::string> joining;      // "server.4=host:peer:election:participant;clienthost:clientport,..."
  std::optional<std::string> leaving;      // "3,5"
  std::optional<std::string> new_members;  // excludes the two above
  int64_t from_version = -1;               // refused with bad_version if the list in force has another; -1: any
};

// The parts of a multi.
struct CreateOperation {
  std::string path;
  Bytes data;
  CreateOptions options;
};
struct RemoveOperation {
  std::string path;
  int32_t version = kAnyVersion;
};
struct SetOperation {
  std::string path;
  Bytes data;
  int32_t version = kAnyVersion;
};
// Succeeds if the node has this version, and changes nothing.
struct CheckOperation {
  std::string path;
  int32_t version = kAnyVersion;
};
using Operation = std::variant<CreateOperation, RemoveOperation, SetOperation, CheckOperation>;

// What became of one part. In a multi that took effect: ok. In one that did not: ok before the part that failed, its
// error there, runtime_inconsistency after it.
struct OperationResult {
  ErrorCode error = ErrorCode::ok;
  std::string path;          // create that took effect: with the sequence number
  std::optional<Stat> stat;  // set that took effect; create where the server tells it (container and TTL nodes)
};
struct MultiOutcome {
  ErrorCode error = ErrorCode::ok;     // ok: every part took effect. Otherwise none did, and this is why
  std::vector<OperationResult> parts;  // one for each operation, in order
};

// A proof that the cell heard this client: of the newest frame that was answered, when it was sent and answered.
struct Contact {
  Instant sent;
  Instant answered;
  friend bool operator==(const Contact&, const Contact&) = default;
};

struct WatchEvent {
  EventType type = EventType::none;
  std::string path;
};
using WatchFunction = std::function<void(const WatchEvent&)>;

template <class T>
using Outcome = std::expected<T, ErrorCode>;
// Called once, on the loop, never from inside the call that asked.
template <class T>
using Completion = std::move_only_function<void(Outcome<T>)>;

enum class SessionState {
  connecting,  // no server at the moment; the session may still live
  connected,
  connected_read_only,  // to a server that serves reads only
  expired,              // the cell said so: final
  auth_failed,          // an identity was refused: final
  closed,               // by us: final
};
std::string_view to_string(SessionState state);

}  // namespace conclave::client
