// Records of the client protocol other than requests and replies: headers, the connect handshake, Stat, ACL, events
// (zookeeper.jute of 3.8.0). Strings and buffers are views: into the frame when read, into the caller's bytes when
// written. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <tuple>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"
#include "wire/zookeeper/jute.h"
#include "wire/zookeeper/protocol.h"

namespace conclave::wire::zookeeper {

struct Id {
  BytesView scheme;
  BytesView id;
  static constexpr auto kFields = std::tuple(&Id::scheme, &Id::id);
  friend bool operator==(const Id&, const Id&) = default;
};

struct Acl {
  int32_t permissions = kPermissionAll;
  Id id;
  static constexpr auto kFields = std::tuple(&Acl::permissions, &Acl::id);
  friend bool operator==(const Acl&, const Acl&) = default;
};

struct Stat {
  Zxid czxid;
  Zxid mzxid;
  int64_t ctime_ms = 0;
  int64_t mtime_ms = 0;
  int32_t version = 0;
  int32_t cversion = 0;
  int32_t aversion = 0;
  int64_t ephemeral_owner = 0;
  int32_t data_length = 0;
  int32_t num_children = 0;
  Zxid pzxid;
  static constexpr auto kFields =
      std::tuple(&Stat::czxid, &Stat::mzxid, &Stat::ctime_ms, &Stat::mtime_ms, &Stat::version, &Stat::cversion,
                 &Stat::aversion, &Stat::ephemeral_owner, &Stat::data_length, &Stat::num_children, &Stat::pzxid);
  static constexpr bool kPacked = true;
  friend bool operator==(const Stat&, const Stat&) = default;
};

// First frame of a client. The readOnly byte at the end is missing from clients before 3.4: read_only is then nullopt,
// and the reply must not carry one either.
struct ConnectRequest {
  int32_t protocol_version = 0;
  Zxid last_zxid_seen;
  int32_t timeout_ms = 0;
  SessionId session;   // 0: a new one
  BytesView password;  // 16 bytes
  std::optional<bool> read_only;
  friend bool operator==(const ConnectRequest&, const ConnectRequest&) = default;
};

// First frame of a server. A session that is gone is told by session 0 and timeout 0.
struct ConnectResponse {
  int32_t protocol_version = 0;
  int32_t timeout_ms = 0;
  SessionId session;
  BytesView password;             // 16 bytes
  std::optional<bool> read_only;  // the server serves reads only
  friend bool operator==(const ConnectResponse&, const ConnectResponse&) = default;
};

void encode(const ConnectRequest& request, Writer* out);
void encode(const ConnectResponse& response, Writer* out);
ConnectRequest decode_connect_request(Reader* in);
ConnectResponse decode_connect_response(Reader* in);

struct RequestHeader {
  int32_t xid = 0;
  OpCode op = OpCode::notification;
  static constexpr auto kFields = std::tuple(&RequestHeader::xid, &RequestHeader::op);
  static constexpr bool kPacked = true;
  friend bool operator==(const RequestHeader&, const RequestHeader&) = default;
};

// A reply whose error is not ok has no body, but for multi, which reports errors in its results.
struct ReplyHeader {
  int32_t xid = 0;
  Zxid zxid;
  ErrorCode error = ErrorCode::ok;
  static constexpr auto kFields = std::tuple(&ReplyHeader::xid, &ReplyHeader::zxid, &ReplyHeader::error);
  static constexpr bool kPacked = true;
  friend bool operator==(const ReplyHeader&, const ReplyHeader&) = default;
};

// Body of a frame whose header has xid kXidNotification and zxid -1.
struct WatcherEvent {
  EventType type = EventType::none;
  KeeperState state = KeeperState::sync_connected;
  BytesView path;
  static constexpr auto kFields = std::tuple(&WatcherEvent::type, &WatcherEvent::state, &WatcherEvent::path);
  friend bool operator==(const WatcherEvent&, const WatcherEvent&) = default;
};
inline constexpr Zxid kNotificationZxid{~uint64_t{0}};

// Stands before every operation of a multi and every result, and once more, `done`, after the last.
struct MultiHeader {
  OpCode op = OpCode::error;
  bool done = false;
  ErrorCode error = ErrorCode::system_error;  // request or end: -1; result: its code
  static constexpr auto kFields = std::tuple(&MultiHeader::op, &MultiHeader::done, &MultiHeader::error);
  friend bool operator==(const MultiHeader&, const MultiHeader&) = default;
};

}  // namespace conclave::wire::zookeeper
