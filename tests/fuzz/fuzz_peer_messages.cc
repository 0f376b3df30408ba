// Frames between replicas and the engine messages in them. What decodes must encode to a frame that decodes to the
// same; whatever else arrives must be refused in words; a frame that misses its last byte, or has one too many, is
// never taken for a whole one.
#include "consensus/paxos/messages.h"
#include "input.h"
#include "wire/peer/peer_message.h"

namespace conclave::fuzz {
namespace {

using namespace wire::peer;

consensus::Ballot ballot(Input& in) {
  const ReplicaId owner(static_cast<uint8_t>(in.number()));
  // Half of them as their owner could have made them.
  return {.round = in.flag() ? in.number() : in.number() * 256 + owner.value, .replica = owner};
}

std::vector<consensus::Entry> entries(Input& in) {
  std::vector<consensus::Entry> out(in.below(4));
  for (auto& entry : out) {
    entry = {.index = Index(in.number()), .ballot = ballot(in)};
    entry.kind = static_cast<consensus::EntryKind>(in.below(3));
    if (in.flag()) entry.payload = Blob(Bytes(in.bytes()));
  }
  return out;
}

PeerMessage message(Input& in) {
  switch (in.below(8)) {
    case 0:
      return EngineMessage{{.type = in.byte(), .header = Bytes(in.bytes()), .entries = entries(in)}};
    case 1: {
      Forward out{.epoch = Epoch(static_cast<uint32_t>(in.number())),
                  .incarnation = in.number(),
                  .first_sequence = in.number(),
                  .answered_below = in.number(),
                  .items = std::vector<Forward::Item>(in.below(4))};
      for (auto& item : out.items) {
        item = {.kind = static_cast<ForwardKind>(in.below(2)), .number = in.number(), .body = Blob(Bytes(in.bytes()))};
      }
      return out;
    }
    case 2: {
      Answers out{.epoch = Epoch(static_cast<uint32_t>(in.number())),
                  .incarnation = in.number(),
                  .items = std::vector<Answers::Item>(in.below(4))};
      for (auto& item : out.items) {
        item = {.number = in.number(),
                .outcome = Bytes(in.bytes()),
                .after_zxid = Zxid(in.number()),
                .after_index = Index(in.number())};
      }
      return out;
    }
    case 3: {
      Touches out{.number = in.number(), .sessions = {}};
      for (size_t n = in.below(6); n > 0; --n) out.sessions.emplace_back(static_cast<int64_t>(in.number()));
      return out;
    }
    case 4:
      return SnapshotOffer{.cell = CellId(in.number()),
                           .index = Index(in.number()),
                           .ballot = ballot(in),
                           .zxid = Zxid(in.number()),
                           .taken_ms = static_cast<int64_t>(in.number()),
                           .size = in.number()};
    case 5:
      return TouchesHeard{.number = in.number()};
    case 6:
      return SnapshotPull{.index = Index(in.number()), .offset = in.number()};
    default:
      return SnapshotChunk{.index = Index(in.number()), .offset = in.number(), .bytes = Bytes(in.bytes())};
  }
}

// The same for the header that an engine put into its message.
void check_engine_message(const consensus::Message& message) {
  auto body = paxos::decode(message);
  if (!body) {
    require(body.error().kind == ErrorKind::invalid_argument, "a refused engine message is an invalid argument");
    require(!body.error().message.empty(), "a refusal says why");
    return;
  }
  const consensus::Message again = paxos::encode(std::move(*body));
  require(again.type == message.type, "the type of an engine message survives");
  require(again.entries == message.entries, "the entries of an engine message survive");
  auto second = paxos::decode(again);
  require(second.has_value(), "an encoded engine message decodes");
  require(paxos::encode(std::move(*second)).header == again.header, "the header of an engine message survives");
}

#ifdef CONCLAVE_FUZZ_CANARY
// A bug planted behind the decoder: four bytes at the start of a chunk of a snapshot. canary.dict knows the word, as a
// dictionary knows the words of a real format; where it must stand nobody tells.
void canary(const PeerMessage& decoded) {
  const auto* chunk = std::get_if<SnapshotChunk>(&decoded);
  if (chunk != nullptr && chunk->bytes.starts_with("tock")) __builtin_trap();
}
#else
void canary(const PeerMessage&) {}
#endif

void check_frame(const PeerMessage& decoded) {
  canary(decoded);
  const Bytes frame = encode(decoded);
  const auto again = decode(frame);
  require(again.has_value(), "an encoded frame decodes");
  require(again->index() == decoded.index(), "the type of a frame survives");
  require(encode(*again) == frame, "a frame survives decoding");
  require(!decode(BytesView(frame).substr(0, frame.size() - 1)), "a frame cut short is refused");
  require(!decode(frame + '\0'), "a frame with a byte too many is refused");
  if (const auto* engine = std::get_if<EngineMessage>(&decoded)) {
    require(encode_engine_message(engine->message) == frame, "both encoders of engine messages agree");
    check_engine_message(engine->message);
  }
}

}  // namespace
}  // namespace conclave::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace conclave;
  fuzz::Input in(data, size);
  if (in.flag()) {
    fuzz::check_frame(fuzz::message(in));
    return 0;
  }
  const auto decoded = wire::peer::decode(in.take_rest());
  if (decoded) {
    fuzz::check_frame(*decoded);
  } else {
    const ErrorKind kind = decoded.error().kind;
    fuzz::require(kind == ErrorKind::corrupt || kind == ErrorKind::unsupported, "a refused frame is told as corrupt");
  }
  return 0;
}
