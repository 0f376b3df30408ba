#include "replica/outcome_codec.h"

#include "base/codec.h"

namespace conclave::replica {
namespace {

void put(Encoder& out, const state::Stat& stat) {
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
state::Stat get_stat(Decoder& in) {
  state::Stat stat;
  stat.czxid = Zxid(in.varint());
  stat.mzxid = Zxid(in.varint());
  stat.ctime_ms = in.zigzag();
  stat.mtime_ms = in.zigzag();
  stat.version = static_cast<int32_t>(in.zigzag());
  stat.cversion = static_cast<int32_t>(in.zigzag());
  stat.aversion = static_cast<int32_t>(in.zigzag());
  stat.ephemeral_owner = in.zigzag();
  stat.data_length = static_cast<int32_t>(in.zigzag());
  stat.num_children = static_cast<int32_t>(in.zigzag());
  stat.pzxid = Zxid(in.varint());
  return stat;
}

}  // namespace

Bytes encode(const state::Outcome& outcome) {
  Bytes bytes;
  Encoder out(&bytes);
  out.zigzag(static_cast<int32_t>(outcome.code));
  out.varint(outcome.ops.size());
  for (const state::OpOutcome& op : outcome.ops) {
    out.u8(static_cast<uint8_t>(op.kind));
    out.zigzag(static_cast<int32_t>(op.code));
    out.bytes(op.path);
    put(out, op.stat);
  }
  return bytes;
}

Result<state::Outcome> decode_outcome(BytesView bytes) {
  Decoder in(bytes);
  state::Outcome outcome;
  outcome.code = static_cast<state::Code>(in.zigzag());
  const size_t count = in.count(14);
  outcome.ops.reserve(count);
  for (size_t i = 0; i < count && in.ok(); ++i) {
    state::OpOutcome op;
    const uint8_t kind = in.u8();
    if (kind > static_cast<uint8_t>(state::OpKind::release_lock)) in.fault();
    op.kind = static_cast<state::OpKind>(kind);
    op.code = static_cast<state::Code>(in.zigzag());
    op.path = in.string();
    op.stat = get_stat(in);
    outcome.ops.push_back(std::move(op));
  }
  if (!in.done()) return fail(ErrorKind::corrupt, "malformed outcome in an answer of the master");
  return outcome;
}

}  // namespace conclave::replica
