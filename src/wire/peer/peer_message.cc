#include "wire/peer/peer_message.h"

#include "base/codec.h"

namespace conclave::wire::peer {
namespace {

// Position in the variant is the type byte on the wire.
constexpr uint8_t kEngineMessageType = 0;

// A decoder whose Blobs share one copy of the frame, made when the first of them is read.
class FrameDecoder final : public Decoder {
 public:
  explicit FrameDecoder(BytesView frame) : Decoder(frame), frame_(frame) {}

  Blob blob() {
    const BytesView part = bytes();
    if (part.empty()) return {};
    if (copy_ == nullptr) copy_ = std::make_shared<const Bytes>(frame_);
    return {copy_, BytesView(*copy_).substr(static_cast<size_t>(part.data() - frame_.data()), part.size())};
  }

 private:
  BytesView frame_;
  std::shared_ptr<const Bytes> copy_;
};

void put_ballot(Encoder& out, const consensus::Ballot& ballot) {
  out.varint(ballot.round);
  out.u8(ballot.replica.value);
}
consensus::Ballot get_ballot(Decoder& in) {
  consensus::Ballot ballot;
  ballot.round = in.varint();
  ballot.replica = ReplicaId(in.u8());
  return ballot;
}

void put(Encoder& out, const consensus::Message& message) {
  out.u8(message.type);
  out.bytes(message.header);
  out.varint(message.entries.size());
  for (const consensus::Entry& entry : message.entries) {
    out.varint(entry.index.value);
    put_ballot(out, entry.ballot);
    out.u8(static_cast<uint8_t>(entry.kind));
    out.bytes(entry.payload.view());
  }
}
void get(FrameDecoder& in, EngineMessage& message) {
  message.message.type = in.u8();
  message.message.header = in.string();
  const size_t count = in.count(5);
  message.message.entries.reserve(count);
  for (size_t i = 0; i < count && in.ok(); ++i) {
    consensus::Entry entry;
    entry.index = Index(in.varint());
    entry.ballot = get_ballot(in);
    const uint8_t kind = in.u8();
    if (kind > static_cast<uint8_t>(consensus::EntryKind::membership)) return in.fault();
    entry.kind = static_cast<consensus::EntryKind>(kind);
    entry.payload = in.blob();
    message.message.entries.push_back(std::move(entry));
  }
}

void put(Encoder& out, const Forward& forward) {
  out.varint(forward.epoch.value);
  out.fixed(forward.incarnation);
  out.varint(forward.first_sequence);
  out.varint(forward.answered_below);
  out.varint(forward.items.size());
  for (const Forward::Item& item : forward.items) {
    out.u8(static_cast<uint8_t>(item.kind));
    out.varint(item.number);
    out.bytes(item.body.view());
  }
}
Epoch get_epoch(Decoder& in) {
  const uint64_t epoch = in.varint();
  if (epoch > UINT32_MAX) in.fault();
  return Epoch(static_cast<uint32_t>(epoch));
}
void get(FrameDecoder& in, Forward& forward) {
  forward.epoch = get_epoch(in);
  forward.incarnation = in.fixed<uint64_t>();
  forward.first_sequence = in.varint();
  forward.answered_below = in.varint();
  const size_t count = in.count(3);
  forward.items.reserve(count);
  for (size_t i = 0; i < count && in.ok(); ++i) {
    Forward::Item item;
    const uint8_t kind = in.u8();
    if (kind > static_cast<uint8_t>(ForwardKind::sync)) return in.fault();
    item.kind = static_cast<ForwardKind>(kind);
    item.number = in.varint();
    item.body = in.blob();
    forward.items.push_back(std::move(item));
  }
}

void put(Encoder& out, const Answers& answers) {
  out.varint(answers.epoch.value);
  out.fixed(answers.incarnation);
  out.varint(answers.items.size());
  for (const Answers::Item& item : answers.items) {
    out.varint(item.number);
    out.bytes(item.outcome);
    out.varint(item.after_zxid.value);
    out.varint(item.after_index.value);
  }
}
void get(Decoder& in, Answers& answers) {
  answers.epoch = get_epoch(in);
  answers.incarnation = in.fixed<uint64_t>();
  const size_t count = in.count(4);
  answers.items.reserve(count);
  for (size_t i = 0; i < count && in.ok(); ++i) {
    Answers::Item item;
    item.number = in.varint();
    item.outcome = in.string();
    item.after_zxid = Zxid(in.varint());
    item.after_index = Index(in.varint());
    answers.items.push_back(std::move(item));
  }
}

void put(Encoder& out, const Touches& touches) {
  out.fixed(touches.number);
  out.varint(touches.sessions.size());
  for (const SessionId session : touches.sessions) out.fixed(session.value);
}
void get(Decoder& in, Touches& touches) {
  touches.number = in.fixed<uint64_t>();
  const size_t count = in.count(8);
  touches.sessions.reserve(count);
  for (size_t i = 0; i < count && in.ok(); ++i) touches.sessions.emplace_back(in.fixed<int64_t>());
}

void put(Encoder& out, const TouchesHeard& heard) {
  out.fixed(heard.number);
}
void get(Decoder& in, TouchesHeard& heard) {
  heard.number = in.fixed<uint64_t>();
}

void put(Encoder& out, const SnapshotOffer& offer) {
  out.fixed(offer.cell.value);
  out.varint(offer.index.value);
  put_ballot(out, offer.ballot);
  out.varint(offer.zxid.value);
  out.zigzag(offer.taken_ms);
  out.varint(offer.size);
}
void get(Decoder& in, SnapshotOffer& offer) {
  offer.cell = CellId(in.fixed<uint64_t>());
  offer.index = Index(in.varint());
  offer.ballot = get_ballot(in);
  offer.zxid = Zxid(in.varint());
  offer.taken_ms = in.zigzag();
  offer.size = in.varint();
}

void put(Encoder& out, const SnapshotPull& pull) {
  out.varint(pull.index.value);
  out.varint(pull.offset);
}
void get(Decoder& in, SnapshotPull& pull) {
  pull.index = Index(in.varint());
  pull.offset = in.varint();
}

void put(Encoder& out, const SnapshotChunk& chunk) {
  out.varint(chunk.index.value);
  out.varint(chunk.offset);
  out.bytes(chunk.bytes);
}
void get(Decoder& in, SnapshotChunk& chunk) {
  chunk.index = Index(in.varint());
  chunk.offset = in.varint();
  chunk.bytes = in.string();
}

void put(Encoder& out, const Introduction& introduction) {
  out.fixed(introduction.call);
  out.fixed(introduction.heard);
  out.fixed(introduction.disk.value);
  out.boolean(introduction.founded);
  out.varint(introduction.founders.size());
  for (const consensus::Member& founder : introduction.founders) {
    out.u8(founder.id.value);
    out.boolean(founder.voter);
    out.fixed(founder.disk.value);
  }
  out.bytes(introduction.lock_service_host);
  out.fixed(introduction.lock_service_port);
}
void get(Decoder& in, Introduction& introduction) {
  introduction.call = in.fixed<uint64_t>();
  introduction.heard = in.fixed<uint64_t>();
  introduction.disk = consensus::DiskId(in.fixed<uint64_t>());
  introduction.founded = in.boolean();
  const size_t count = in.count(10);
  for (size_t i = 0; i < count && in.ok(); ++i) {
    const ReplicaId id(in.u8());
    const bool voter = in.boolean();
    introduction.founders.push_back({.id = id, .voter = voter, .disk = consensus::DiskId(in.fixed<uint64_t>())});
  }
  introduction.lock_service_host = in.string();
  introduction.lock_service_port = in.fixed<uint16_t>();
}

void put(Encoder& out, const EngineMessage& message) {
  put(out, message.message);
}

template <size_t I = 0>
bool decode_type(uint8_t type, FrameDecoder& in, PeerMessage& message) {
  if constexpr (I < std::variant_size_v<PeerMessage>) {
    if (type != I) return decode_type<I + 1>(type, in, message);
    get(in, message.emplace<I>());
    return true;
  } else {
    return false;
  }
}

}  // namespace

Bytes encode(const PeerMessage& message) {
  Bytes frame;
  if (const auto* forward = std::get_if<Forward>(&message)) {
    size_t size = 64;
    for (const Forward::Item& item : forward->items) size += 16 + item.body.size();
    frame.reserve(size);
  }
  Encoder out(&frame);
  out.u8(kVersion);
  out.u8(static_cast<uint8_t>(message.index()));
  std::visit([&out](const auto& body) { put(out, body); }, message);
  return frame;
}

Bytes encode_engine_message(const consensus::Message& message) {
  size_t size = 32 + message.header.size();
  for (const consensus::Entry& entry : message.entries) size += 24 + entry.payload.size();
  Bytes frame;
  frame.reserve(size);
  Encoder out(&frame);
  out.u8(kVersion);
  out.u8(kEngineMessageType);
  put(out, message);
  return frame;
}

Result<PeerMessage> decode(BytesView frame) {
  FrameDecoder in(frame);
  const uint8_t version = in.u8();
  const uint8_t type = in.u8();
  if (!in.ok()) return fail(ErrorKind::corrupt, "peer message of " + std::to_string(frame.size()) + " bytes");
  if (version != kVersion) {
    return fail(ErrorKind::unsupported,
                "peer message version " + std::to_string(version) + ", this build speaks " + std::to_string(kVersion));
  }
  PeerMessage message;
  if (!decode_type(type, in, message)) {
    return fail(ErrorKind::corrupt, "peer message of unknown type " + std::to_string(type));
  }
  if (!in.done()) return fail(ErrorKind::corrupt, "malformed peer message of type " + std::to_string(type));
  return message;
}

}  // namespace conclave::wire::peer
