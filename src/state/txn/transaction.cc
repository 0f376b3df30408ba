#include "state/txn/transaction.h"

#include <fmt/format.h>

#include "state/txn/codec_parts.h"

namespace conclave::state {
namespace {

using codec::Tag;

struct Writer {
  Encoder& out;

  void operator()(const EpochStartTxn& t) { codec::put_epoch_start(out, t.secret); }
  void operator()(const CreateTxn& t) {
    codec::put(out, t.data_is_null ? Tag::create_null : Tag::create);
    out.bytes(t.path);
    if (!t.data_is_null) out.bytes(t.data);
    codec::put(out, t.acl);
    out.u8(static_cast<uint8_t>(t.kind));
    codec::put(out, t.owner);
    out.zigzag(t.ttl_ms);
    out.zigzag(t.parent_cversion);
    out.zigzag(t.parent_sequence);
  }
  void operator()(const DeleteTxn& t) {
    codec::put(out, Tag::remove);
    put_delete(t);
  }
  void operator()(const SetDataTxn& t) {
    codec::put(out, t.data_is_null ? Tag::set_data_null : Tag::set_data);
    out.bytes(t.path);
    if (!t.data_is_null) out.bytes(t.data);
    out.zigzag(t.version);
  }
  void operator()(const SetAclTxn& t) {
    codec::put(out, Tag::set_acl);
    out.bytes(t.path);
    codec::put(out, t.acl);
    out.zigzag(t.aversion);
  }
  void operator()(const CheckTxn& t) {
    codec::put(out, Tag::check);
    out.bytes(t.path);
  }
  void operator()(const CreateSessionTxn& t) {
    codec::put(out, t.caching ? Tag::create_caching_session : Tag::create_session);
    codec::put(out, t.id);
    out.bytes(t.password);
    out.zigzag(t.timeout_ms);
    out.u8(t.owner.value);
  }
  void operator()(const MoveSessionTxn& t) {
    codec::put(out, Tag::resume_session);
    codec::put(out, t.id);
    out.u8(t.owner.value);
  }
  void operator()(const CloseSessionTxn& t) {
    codec::put(out, t.locks.empty() ? Tag::close_session : Tag::close_session_locks);
    codec::put(out, t.id);
    out.varint(t.ephemerals.size());
    for (const DeleteTxn& ephemeral : t.ephemerals) put_delete(ephemeral);
    if (t.locks.empty()) return;
    out.varint(t.locks.size());
    for (const CloseSessionTxn::Lock& lock : t.locks) {
      out.bytes(lock.path);
      out.varint(lock.handle);
      out.boolean(lock.lost);
    }
  }
  void operator()(const AcquireLockTxn& t) {
    codec::put(out, Tag::acquire_lock);
    out.bytes(t.path);
    codec::put(out, t.session);
    out.varint(t.handle);
    out.boolean(t.exclusive);
    out.zigzag(t.delay_ms);
  }
  void operator()(const ReleaseLockTxn& t) {
    codec::put(out, Tag::release_lock);
    out.bytes(t.path);
    codec::put(out, t.session);
    out.varint(t.handle);
  }
  void put_delete(const DeleteTxn& t) {
    out.bytes(t.path);
    out.zigzag(t.parent_cversion);
  }
};

DeleteTxn get_delete(Decoder& in) {
  DeleteTxn t;
  t.path = in.string();
  t.parent_cversion = codec::get_i32(in);
  return t;
}

FactBody get_create(Decoder& in, bool data_is_null) {
  CreateTxn t;
  t.data_is_null = data_is_null;
  t.path = in.string();
  if (!data_is_null) t.data = in.string();
  codec::get(in, &t.acl);
  t.kind = codec::get_kind(in);
  t.owner = codec::get_session(in);
  t.ttl_ms = in.zigzag();
  t.parent_cversion = codec::get_i32(in);
  t.parent_sequence = in.zigzag();
  return t;
}

FactBody get_set_data(Decoder& in, bool data_is_null) {
  SetDataTxn t;
  t.data_is_null = data_is_null;
  t.path = in.string();
  if (!data_is_null) t.data = in.string();
  t.version = codec::get_i32(in);
  return t;
}

FactBody get_close_session(Decoder& in, bool with_locks) {
  CloseSessionTxn t;
  t.id = codec::get_session(in);
  const size_t n = in.count(2);
  t.ephemerals.reserve(n);
  for (size_t i = 0; i < n && in.ok(); ++i) t.ephemerals.push_back(get_delete(in));
  if (!with_locks) return t;
  const size_t locks = in.count(3);
  if (locks == 0) in.fault();  // without locks there is another tag
  for (size_t i = 0; i < locks && in.ok(); ++i) {
    CloseSessionTxn::Lock& lock = t.locks.emplace_back();
    lock.path = in.string();
    lock.handle = in.varint();
    lock.lost = codec::get_bool(in);
  }
  return t;
}

FactBody get_acquire_lock(Decoder& in) {
  AcquireLockTxn t;
  t.path = in.string();
  t.session = codec::get_session(in);
  t.handle = in.varint();
  t.exclusive = codec::get_bool(in);
  t.delay_ms = in.zigzag();
  return t;
}

FactBody get_release_lock(Decoder& in) {
  ReleaseLockTxn t;
  t.path = in.string();
  t.session = codec::get_session(in);
  t.handle = in.varint();
  return t;
}

FactBody get_fact(Decoder& in) {
  const auto tag = static_cast<Tag>(in.u8());
  switch (tag) {
    case Tag::epoch_start:
      return EpochStartTxn{};
    case Tag::epoch_start_secret:
      return EpochStartTxn{codec::get_secret(in)};
    case Tag::create:
      return get_create(in, false);
    case Tag::create_null:
      return get_create(in, true);
    case Tag::remove:
      return get_delete(in);
    case Tag::set_data:
      return get_set_data(in, false);
    case Tag::set_data_null:
      return get_set_data(in, true);
    case Tag::set_acl: {
      SetAclTxn t;
      t.path = in.string();
      codec::get(in, &t.acl);
      t.aversion = codec::get_i32(in);
      return t;
    }
    case Tag::check:
      return CheckTxn{in.string()};
    case Tag::create_session:
    case Tag::create_caching_session: {
      CreateSessionTxn t;
      t.caching = tag == Tag::create_caching_session;
      t.id = codec::get_session(in);
      t.password = in.string();
      t.timeout_ms = in.zigzag();
      t.owner = ReplicaId(in.u8());
      return t;
    }
    case Tag::resume_session: {
      MoveSessionTxn t;
      t.id = codec::get_session(in);
      t.owner = ReplicaId(in.u8());
      return t;
    }
    case Tag::close_session:
      return get_close_session(in, false);
    case Tag::close_session_locks:
      return get_close_session(in, true);
    case Tag::acquire_lock:
      return get_acquire_lock(in);
    case Tag::release_lock:
      return get_release_lock(in);
    default:
      in.fault();
      return EpochStartTxn{};
  }
}

}  // namespace

void encode(const Transaction& txn, Bytes* out) {
  Encoder encoder(out);
  const bool numbered = txn.call.number != 0;
  encoder.u8(numbered ? codec::kVersionWithParts : codec::kVersion);
  encoder.fixed(txn.zxid.value);
  encoder.zigzag(txn.time_ms);
  codec::put(encoder, txn.session);
  encoder.u8(txn.origin.replica.value);
  encoder.fixed(txn.origin.incarnation);
  encoder.varint(txn.origin.number);
  if (numbered) codec::put(encoder, txn.call);
  encoder.boolean(txn.multi);
  encoder.varint(txn.facts.size());
  for (const FactBody& fact : txn.facts) std::visit(Writer{encoder}, fact);
}

Result<Transaction> decode_transaction(BytesView in) {
  Decoder decoder(in);
  const uint8_t version = decoder.u8();
  if (decoder.ok() && version != codec::kVersion && version != codec::kVersionWithParts)
    return fail(ErrorKind::unsupported, fmt::format("transaction: version {} is unknown, this build reads {} and {}",
                                                    version, codec::kVersion, codec::kVersionWithParts));
  Transaction txn;
  txn.zxid = Zxid(decoder.fixed<uint64_t>());
  txn.time_ms = decoder.zigzag();
  txn.session = codec::get_session(decoder);
  txn.origin.replica = ReplicaId(decoder.u8());
  txn.origin.incarnation = decoder.fixed<uint64_t>();
  txn.origin.number = decoder.varint();
  if (version == codec::kVersionWithParts) txn.call = codec::get_call(decoder);
  txn.multi = codec::get_bool(decoder);
  const size_t n = decoder.count(1);
  if (!txn.multi && n != 1) decoder.fault();
  for (size_t i = 0; i < n && decoder.ok(); ++i) txn.facts.push_back(get_fact(decoder));
  if (!decoder.done())
    return fail(ErrorKind::corrupt, fmt::format("transaction: {} bytes are not one whole transaction", in.size()));
  return txn;
}

}  // namespace conclave::state
