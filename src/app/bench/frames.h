// The few frames of ZooKeeper's client protocol that the load generator needs, laid out by hand: big-endian, each
// frame preceded by its length. Requests: (xid, opcode, body). Replies: (xid, zxid, error, body). The encoders append
// to a caller's buffer and do nothing else, since every microsecond here is one the servers do not get. Pure.
#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>

#include "base/bytes.h"

namespace conclave::app::bench {

enum class Opcode : int32_t { create = 1, get_data = 4, set_data = 5, sync = 9, ping = 11, close_session = -11 };

inline constexpr int32_t kNoError = 0;
inline constexpr int32_t kConnectionLoss = -4;
inline constexpr int32_t kOperationTimeout = -7;
inline constexpr int32_t kNodeExists = -110;
inline constexpr int32_t kSessionExpired = -112;
inline constexpr int32_t kSessionMoved = -118;
inline constexpr int32_t kXidWatch = -1;
inline constexpr int32_t kXidPing = -2;
inline constexpr int32_t kEventDataChanged = 3;
inline constexpr size_t kReplyHeaderSize = 16;
inline constexpr size_t kStatSize = 68;
inline constexpr size_t kStatMzxidOffset = 8;
inline constexpr size_t kStatVersionOffset = 32;

template <std::integral T>
T load_big_endian(const char* at) {
  T value;
  std::memcpy(&value, at, sizeof(T));
  static_assert(std::endian::native == std::endian::little);
  if constexpr (sizeof(T) == 8) return static_cast<T>(__builtin_bswap64(static_cast<uint64_t>(value)));
  if constexpr (sizeof(T) == 4) return static_cast<T>(__builtin_bswap32(static_cast<uint32_t>(value)));
  return value;
}

class FrameWriter {
 public:
  explicit FrameWriter(Bytes* out) : out_(out) {}

  void i32(int32_t value) { put(__builtin_bswap32(static_cast<uint32_t>(value))); }
  void i64(int64_t value) { put(__builtin_bswap64(static_cast<uint64_t>(value))); }
  void u8(uint8_t value) { out_->push_back(static_cast<char>(value)); }
  void buffer(BytesView bytes) {
    i32(static_cast<int32_t>(bytes.size()));
    out_->append(bytes);
  }

  // Opening and closing a frame: the length is patched in at the end.
  void begin() {
    start_ = out_->size();
    out_->append(4, '\0');
  }
  void end() {
    const uint32_t size = __builtin_bswap32(static_cast<uint32_t>(out_->size() - start_ - 4));
    std::memcpy(out_->data() + start_, &size, 4);
  }

 private:
  template <class T>
  void put(T raw) {
    char bytes[sizeof(T)];
    std::memcpy(bytes, &raw, sizeof(T));
    out_->append(bytes, sizeof(T));
  }

  Bytes* out_;
  size_t start_ = 0;
};

inline void append_connect(Bytes* out, int32_t timeout_ms, int64_t zxid_seen = 0) {
  FrameWriter w(out);
  w.begin();
  w.i32(0);          // protocol version
  w.i64(zxid_seen);  // a server that is behind this one refuses
  w.i32(timeout_ms);
  w.i64(0);  // a new session
  w.buffer(Bytes(16, '\0'));
  w.u8(0);  // read-only mode not wanted
  w.end();
}

inline void append_set_data(Bytes* out, int32_t xid, BytesView path, BytesView data) {
  FrameWriter w(out);
  w.begin();
  w.i32(xid);
  w.i32(static_cast<int32_t>(Opcode::set_data));
  w.buffer(path);
  w.buffer(data);
  w.i32(-1);  // any version
  w.end();
}

inline void append_get_data(Bytes* out, int32_t xid, BytesView path, bool watch = false) {
  FrameWriter w(out);
  w.begin();
  w.i32(xid);
  w.i32(static_cast<int32_t>(Opcode::get_data));
  w.buffer(path);
  w.u8(watch ? 1 : 0);
  w.end();
}

inline void append_create(Bytes* out, int32_t xid, BytesView path, BytesView data) {
  FrameWriter w(out);
  w.begin();
  w.i32(xid);
  w.i32(static_cast<int32_t>(Opcode::create));
  w.buffer(path);
  w.buffer(data);
  w.i32(1);  // one ACL entry: all permissions for world:anyone
  w.i32(31);
  w.buffer("world");
  w.buffer("anyone");
  w.i32(0);  // persistent
  w.end();
}

inline void append_sync(Bytes* out, int32_t xid, BytesView path) {
  FrameWriter w(out);
  w.begin();
  w.i32(xid);
  w.i32(static_cast<int32_t>(Opcode::sync));
  w.buffer(path);
  w.end();
}

inline void append_ping(Bytes* out) {
  FrameWriter w(out);
  w.begin();
  w.i32(kXidPing);
  w.i32(static_cast<int32_t>(Opcode::ping));
  w.end();
}

inline void append_close_session(Bytes* out, int32_t xid) {
  FrameWriter w(out);
  w.begin();
  w.i32(xid);
  w.i32(static_cast<int32_t>(Opcode::close_session));
  w.end();
}

}  // namespace conclave::app::bench
