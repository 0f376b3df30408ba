// The part of ZooKeeper's client protocol that the load generator speaks, as a server sees it: requests are views into
// the bytes that came, replies are appended to one buffer of the connection. No object per request. Pure.
#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <optional>

#include "base/byte_order.h"
#include "base/bytes.h"

namespace conclave::app::roofline {

enum class Opcode : int32_t { create = 1, get_data = 4, set_data = 5, sync = 9, ping = 11, close_session = -11 };

enum class Status : int32_t { ok = 0, unimplemented = -6, no_node = -101, node_exists = -110 };

inline constexpr size_t kLengthBytes = 4;            // before each frame
inline constexpr size_t kFrameBytesMax = 4 << 20;    // larger ones are not of the load generator
inline constexpr size_t kConnectFrameBytesMin = 44;  // the first frame: version, zxid, timeout, session, password
inline constexpr size_t kStatBytes = 68;

template <std::integral T>
T load_big_endian(const char* at) {
  T value;
  std::memcpy(&value, at, sizeof(T));
  return big_endian(value);
}

// Whole frames at the front of `bytes`: calls f(frame without its length) until one is incomplete, and returns the
// rest. Nothing if a length is out of bounds, or f returned false.
template <class F>
std::optional<BytesView> for_each_frame(BytesView bytes, F f) {
  while (bytes.size() >= kLengthBytes) {
    const auto size = load_big_endian<uint32_t>(bytes.data());
    if (size > kFrameBytesMax) return std::nullopt;
    if (bytes.size() - kLengthBytes < size) break;
    if (!f(bytes.substr(kLengthBytes, size))) return std::nullopt;
    bytes.remove_prefix(kLengthBytes + size);
  }
  return bytes;
}

struct Request {
  int32_t xid = 0;
  Opcode opcode = Opcode::ping;  // may be any other number too
  BytesView path;                // empty if the opcode has none
  BytesView data;                // of create and set_data
};

// Whether it goes through the log.
inline bool is_write(Opcode opcode) {
  return opcode == Opcode::create || opcode == Opcode::set_data || opcode == Opcode::sync;
}

// Nothing if the frame is cut short. What follows path and data (ACL, flags, version, watch) is not looked at: the null
// log has no use for it.
std::optional<Request> parse_request(BytesView frame);

struct Stat {
  uint64_t created_zxid = 0;
  uint64_t modified_zxid = 0;
  int32_t version = 0;
  int32_t data_size = 0;
};

void append_session(Bytes* out, int32_t timeout_ms, uint64_t session);
void append_status(Bytes* out, int32_t xid, uint64_t zxid, Status status);
// The answer to set_data.
void append_stat(Bytes* out, int32_t xid, uint64_t zxid, const Stat& stat);
// The answer to create and sync.
void append_path(Bytes* out, int32_t xid, uint64_t zxid, BytesView path);
// The answer to get_data.
void append_data(Bytes* out, int32_t xid, uint64_t zxid, BytesView data, const Stat& stat);

}  // namespace conclave::app::roofline
