#include "state/txn/codec_parts.h"

#include <limits>

namespace conclave::state::codec {

void put(Encoder& out, const Acl& acl) {
  out.varint(acl.size());
  for (const AclEntry& entry : acl) {
    out.varint(entry.permissions);
    out.bytes(entry.scheme);
    out.bytes(entry.id);
  }
}

void get(Decoder& in, Acl* acl) {
  const size_t n = in.count(3);
  acl->clear();
  for (size_t i = 0; i < n && in.ok(); ++i) {
    AclEntry entry;
    const uint64_t permissions = in.varint();
    if (permissions > std::numeric_limits<uint32_t>::max()) in.fault();
    entry.permissions = static_cast<uint32_t>(permissions);
    entry.scheme = in.string();
    entry.id = in.string();
    acl->push_back(std::move(entry));
  }
}

void put(Encoder& out, const CallNumber& call) {
  out.varint(call.number);
  out.varint(call.answered_below);
}

CallNumber get_call(Decoder& in) {
  CallNumber call;
  call.number = in.varint();
  call.answered_below = in.varint();
  if (call.number == 0) in.fault();
  return call;
}

void put_epoch_start(Encoder& out, BytesView secret) {
  put(out, secret.empty() ? Tag::epoch_start : Tag::epoch_start_secret);
  if (!secret.empty()) out.bytes(secret);
}

Bytes get_secret(Decoder& in) {
  Bytes secret = in.string();
  if (secret.empty()) in.fault();
  return secret;
}

NodeKind get_kind(Decoder& in) {
  const uint8_t raw = in.u8();
  if (raw > static_cast<uint8_t>(NodeKind::open_directory)) {
    in.fault();
    return NodeKind::persistent;
  }
  return static_cast<NodeKind>(raw);
}

bool get_bool(Decoder& in) {
  const uint8_t raw = in.u8();
  if (raw > 1) in.fault();
  return raw == 1;
}

int32_t get_i32(Decoder& in) {
  const int64_t value = in.zigzag();
  if (value < std::numeric_limits<int32_t>::min() || value > std::numeric_limits<int32_t>::max()) {
    in.fault();
    return 0;
  }
  return static_cast<int32_t>(value);
}

}  // namespace conclave::state::codec
