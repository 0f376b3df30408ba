#include "state/txn/outcome.h"

#include "state/txn/codec_parts.h"

namespace conclave::state {
namespace {

void put(Encoder& out, const Stat& stat) {
  out.varint(stat.czxid.value);
  out.varint(stat.mzxid.value);
  out.zigzag(stat.ctime_ms);
  out.zigzag(stat.mtime_ms);
  out.zigzag(stat.version);
  out.zigzag(stat.cversion);
  out.zigzag(stat.aversion);
  out.zigzag(stat.ephemeral_owner);
  out.zigzag(stat.data_length);
  out.zigzag(stat.num_children);
  out.varint(stat.pzxid.value);
}
Stat get_stat(Decoder& in) {
  Stat stat;
  stat.czxid = Zxid(in.varint());
  stat.mzxid = Zxid(in.varint());
  stat.ctime_ms = in.zigzag();
  stat.mtime_ms = in.zigzag();
  stat.version = codec::get_i32(in);
  stat.cversion = codec::get_i32(in);
  stat.aversion = codec::get_i32(in);
  stat.ephemeral_owner = in.zigzag();
  stat.data_length = codec::get_i32(in);
  stat.num_children = codec::get_i32(in);
  stat.pzxid = Zxid(in.varint());
  return stat;
}

}  // namespace

void encode(const Outcome& outcome, Bytes* bytes) {
  Encoder out(bytes);
  out.zigzag(static_cast<int32_t>(outcome.code));
  out.varint(outcome.ops.size());
  for (const OpOutcome& op : outcome.ops) {
    out.u8(static_cast<uint8_t>(op.kind));
    out.zigzag(static_cast<int32_t>(op.code));
    out.bytes(op.path);
    put(out, op.stat);
  }
}

Result<Outcome> decode_outcome(BytesView bytes) {
  Decoder in(bytes);
  Outcome outcome;
  outcome.code = static_cast<Code>(codec::get_i32(in));
  const size_t count = in.count(14);
  outcome.ops.reserve(count);
  for (size_t i = 0; i < count && in.ok(); ++i) {
    OpOutcome op;
    const uint8_t kind = in.u8();
    if (kind > static_cast<uint8_t>(OpKind::release_lock)) in.fault();
    op.kind = static_cast<OpKind>(kind);
    op.code = static_cast<Code>(codec::get_i32(in));
    op.path = in.string();
    op.stat = get_stat(in);
    outcome.ops.push_back(std::move(op));
  }
  if (!in.done()) return fail(ErrorKind::corrupt, "malformed outcome");
  return outcome;
}

}  // namespace conclave::state
