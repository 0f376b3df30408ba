#include "state/txn/request.h"

#include <fmt/format.h>

#include "state/txn/codec_parts.h"

namespace conclave::state {
namespace {

using codec::Tag;

struct Writer {
  Encoder& out;

  void operator()(const CreateRequest& r) {
    if (r.inherit_acl)
      codec::put(out, r.data_is_null ? Tag::create_null_inheriting : Tag::create_inheriting);
    else
      codec::put(out, r.data_is_null ? Tag::create_null : Tag::create);
    out.bytes(r.path);
    if (!r.data_is_null) out.bytes(r.data);
    if (!r.inherit_acl) codec::put(out, r.acl);
    out.u8(static_cast<uint8_t>(r.kind));
    out.boolean(r.sequential);
    out.zigzag(r.ttl_ms);
  }
  void operator()(const DeleteRequest& r) {
    codec::put(out, Tag::remove);
    out.bytes(r.path);
    out.zigzag(r.version);
  }
  void operator()(const SetDataRequest& r) {
    codec::put(out, r.data_is_null ? Tag::set_data_null : Tag::set_data);
    out.bytes(r.path);
    if (!r.data_is_null) out.bytes(r.data);
    out.zigzag(r.version);
  }
  void operator()(const SetAclRequest& r) {
    codec::put(out, Tag::set_acl);
    out.bytes(r.path);
    codec::put(out, r.acl);
    out.zigzag(r.version);
  }
  void operator()(const CheckRequest& r) {
    codec::put(out, Tag::check);
    out.bytes(r.path);
    out.zigzag(r.version);
  }
  void operator()(const MultiRequest& r) {
    codec::put(out, Tag::multi);
    out.varint(r.ops.size());
    for (const auto& op : r.ops) std::visit(*this, op);
  }
  void operator()(const CreateSessionRequest& r) {
    codec::put(out, r.caching ? Tag::create_caching_session : Tag::create_session);
    codec::put(out, r.id);
    out.bytes(r.password);
    out.zigzag(r.timeout_ms);
  }
  void operator()(const ResumeSessionRequest& r) {
    codec::put(out, Tag::resume_session);
    out.bytes(r.password);
  }
  void operator()(const CloseSessionRequest& r) {
    codec::put(out, r.expired ? Tag::expire_session : Tag::close_session);
  }
  void operator()(const AcquireLockRequest& r) {
    codec::put(out, Tag::acquire_lock);
    out.bytes(r.path);
    out.fixed(r.instance.value);
    out.varint(r.handle);
    out.boolean(r.exclusive);
    out.zigzag(r.delay_ms);
  }
  void operator()(const ReleaseLockRequest& r) {
    codec::put(out, Tag::release_lock);
    out.bytes(r.path);
    out.fixed(r.instance.value);
    out.varint(r.handle);
  }
  void operator()(const EndLockDelayRequest& r) {
    codec::put(out, Tag::end_lock_delay);
    out.bytes(r.path);
    codec::put(out, r.session);
    out.varint(r.handle);
  }
  void operator()(const ReapRequest& r) {
    codec::put(out, Tag::reap);
    out.bytes(r.path);
  }
  void operator()(const ReapUnopenedRequest& r) {
    codec::put(out, Tag::reap_unopened);
    out.bytes(r.path);
    out.fixed(r.instance.value);
    out.fixed(r.epoch.value);
  }
  void operator()(const EpochStartRequest& r) { codec::put_epoch_start(out, r.secret); }
  void operator()(const ReconfigRequest& r) {
    codec::put(out, Tag::reconfig);
    out.boolean(r.whole);
    out.varint(r.joining.size());
    for (const ReconfigRequest::Joining& member : r.joining) {
      out.u8(member.id.value);
      out.boolean(member.voter);
      put(out, member.address);
    }
    out.varint(r.leaving.size());
    for (const ReplicaId id : r.leaving) out.u8(id.value);
    out.zigzag(r.version);
    out.bytes(r.config);
  }
};

CreateRequest get_create(Decoder& in, Tag tag) {
  CreateRequest r;
  r.data_is_null = tag == Tag::create_null || tag == Tag::create_null_inheriting;
  r.inherit_acl = tag == Tag::create_inheriting || tag == Tag::create_null_inheriting;
  r.path = in.string();
  if (!r.data_is_null) r.data = in.string();
  if (!r.inherit_acl) codec::get(in, &r.acl);
  r.kind = codec::get_kind(in);
  r.sequential = codec::get_bool(in);
  r.ttl_ms = in.zigzag();
  return r;
}
DeleteRequest get_delete(Decoder& in) {
  DeleteRequest r;
  r.path = in.string();
  r.version = codec::get_i32(in);
  return r;
}
SetDataRequest get_set_data(Decoder& in, bool data_is_null) {
  SetDataRequest r;
  r.data_is_null = data_is_null;
  r.path = in.string();
  if (!data_is_null) r.data = in.string();
  r.version = codec::get_i32(in);
  return r;
}
SetAclRequest get_set_acl(Decoder& in) {
  SetAclRequest r;
  r.path = in.string();
  codec::get(in, &r.acl);
  r.version = codec::get_i32(in);
  return r;
}
CheckRequest get_check(Decoder& in) {
  CheckRequest r;
  r.path = in.string();
  r.version = codec::get_i32(in);
  return r;
}
CreateSessionRequest get_create_session(Decoder& in, bool caching) {
  CreateSessionRequest r;
  r.caching = caching;
  r.id = codec::get_session(in);
  r.password = in.string();
  r.timeout_ms = in.zigzag();
  return r;
}
AcquireLockRequest get_acquire_lock(Decoder& in) {
  AcquireLockRequest r;
  r.path = in.string();
  r.instance = Zxid(in.fixed<uint64_t>());
  r.handle = in.varint();
  r.exclusive = codec::get_bool(in);
  r.delay_ms = in.zigzag();
  return r;
}
ReleaseLockRequest get_release_lock(Decoder& in) {
  ReleaseLockRequest r;
  r.path = in.string();
  r.instance = Zxid(in.fixed<uint64_t>());
  r.handle = in.varint();
  return r;
}
EndLockDelayRequest get_end_lock_delay(Decoder& in) {
  EndLockDelayRequest r;
  r.path = in.string();
  r.session = codec::get_session(in);
  r.handle = in.varint();
  return r;
}

ReapUnopenedRequest get_reap_unopened(Decoder& in) {
  ReapUnopenedRequest r;
  r.path = in.string();
  r.instance = Zxid(in.fixed<uint64_t>());
  r.epoch = Epoch(in.fixed<uint32_t>());
  return r;
}

MultiRequest get_multi(Decoder& in) {
  MultiRequest r;
  const size_t n = in.count(3);
  for (size_t i = 0; i < n && in.ok(); ++i) {
    const auto tag = static_cast<Tag>(in.u8());
    switch (tag) {
      case Tag::create:
      case Tag::create_null:
      case Tag::create_inheriting:
      case Tag::create_null_inheriting:
        r.ops.emplace_back(get_create(in, tag));
        break;
      case Tag::remove:
        r.ops.emplace_back(get_delete(in));
        break;
      case Tag::set_data:
        r.ops.emplace_back(get_set_data(in, false));
        break;
      case Tag::set_data_null:
        r.ops.emplace_back(get_set_data(in, true));
        break;
      case Tag::check:
        r.ops.emplace_back(get_check(in));
        break;
      default:
        in.fault();
    }
  }
  return r;
}

ReconfigRequest get_reconfig(Decoder& in) {
  constexpr size_t kJoiningBytesMin = 7;
  ReconfigRequest r{.whole = codec::get_bool(in)};
  for (size_t n = in.count(kJoiningBytesMin); n > 0 && in.ok(); --n) {
    ReconfigRequest::Joining& member = r.joining.emplace_back();
    member.id = ReplicaId(in.u8());
    member.voter = codec::get_bool(in);
    get(in, &member.address);
  }
  for (size_t n = in.count(); n > 0 && in.ok(); --n) r.leaving.emplace_back(in.u8());
  r.version = in.zigzag();
  r.config = in.string();
  return r;
}

RequestBody get_body(Decoder& in) {
  const auto tag = static_cast<Tag>(in.u8());
  switch (tag) {
    case Tag::epoch_start:
      return EpochStartRequest{};
    case Tag::epoch_start_secret:
      return EpochStartRequest{codec::get_secret(in)};
    case Tag::create:
    case Tag::create_null:
    case Tag::create_inheriting:
    case Tag::create_null_inheriting:
      return get_create(in, tag);
    case Tag::remove:
      return get_delete(in);
    case Tag::set_data:
      return get_set_data(in, false);
    case Tag::set_data_null:
      return get_set_data(in, true);
    case Tag::set_acl:
      return get_set_acl(in);
    case Tag::check:
      return get_check(in);
    case Tag::create_session:
    case Tag::create_caching_session:
      return get_create_session(in, tag == Tag::create_caching_session);
    case Tag::resume_session:
      return ResumeSessionRequest{in.string()};
    case Tag::close_session:
      return CloseSessionRequest{};
    case Tag::expire_session:
      return CloseSessionRequest{.expired = true};
    case Tag::acquire_lock:
      return get_acquire_lock(in);
    case Tag::release_lock:
      return get_release_lock(in);
    case Tag::end_lock_delay:
      return get_end_lock_delay(in);
    case Tag::multi:
      return get_multi(in);
    case Tag::reap:
      return ReapRequest{in.string()};
    case Tag::reap_unopened:
      return get_reap_unopened(in);
    case Tag::reconfig:
      return get_reconfig(in);
    case Tag::close_session_locks:
      break;
  }
  in.fault();
  return EpochStartRequest{};
}

Guard get_guard(Decoder& in) {
  Guard guard;
  guard.path = in.string();
  guard.instance = Zxid(in.fixed<uint64_t>());
  guard.content = Zxid(in.fixed<uint64_t>());
  return guard;
}

}  // namespace

void encode(const Request& request, Bytes* out) {
  Encoder encoder(out);
  const bool numbered = request.call.number != 0;
  const auto parts = static_cast<uint8_t>((request.guard ? codec::kGuard : 0) | (numbered ? codec::kCall : 0));
  encoder.u8(parts == 0 ? codec::kVersion : codec::kVersionWithParts);
  codec::put(encoder, request.session);
  encoder.varint(request.identities.size());
  for (const Identity& identity : request.identities) {
    encoder.bytes(identity.scheme);
    encoder.bytes(identity.id);
  }
  if (parts != 0) encoder.u8(parts);
  if (request.guard) {
    encoder.bytes(request.guard->path);
    encoder.fixed(request.guard->instance.value);
    encoder.fixed(request.guard->content.value);
  }
  if (numbered) codec::put(encoder, request.call);
  std::visit(Writer{encoder}, request.body);
}

Result<Request> decode_request(BytesView in) {
  Decoder decoder(in);
  const uint8_t version = decoder.u8();
  if (decoder.ok() && version != codec::kVersion && version != codec::kVersionWithParts)
    return fail(ErrorKind::unsupported, fmt::format("request: version {} is unknown, this build reads {} and {}",
                                                    version, codec::kVersion, codec::kVersionWithParts));
  Request request;
  request.session = codec::get_session(decoder);
  const size_t n = decoder.count(2);
  for (size_t i = 0; i < n && decoder.ok(); ++i) {
    Identity identity;
    identity.scheme = decoder.string();
    identity.id = decoder.string();
    request.identities.push_back(std::move(identity));
  }
  if (version == codec::kVersionWithParts) {
    const uint8_t parts = decoder.u8();
    if (parts == 0 || (parts & ~codec::kAllRequestParts) != 0) decoder.fault();
    if ((parts & codec::kGuard) != 0) request.guard = get_guard(decoder);
    if ((parts & codec::kCall) != 0) request.call = codec::get_call(decoder);
  }
  request.body = get_body(decoder);
  if (!decoder.done())
    return fail(ErrorKind::corrupt, fmt::format("request: {} bytes are not one whole request", in.size()));
  return request;
}

}  // namespace conclave::state
