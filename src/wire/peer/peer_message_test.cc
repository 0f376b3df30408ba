#include "wire/peer/peer_message.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace conclave::wire::peer {
namespace {

using consensus::Ballot;
using consensus::Entry;
using consensus::EntryKind;

std::vector<PeerMessage> samples() {
  consensus::Message engine{.type = 7, .header = "header", .entries = {}};
  engine.entries.push_back({Index(3), Ballot{258, ReplicaId(2)}, EntryKind::transaction, Blob("payload")});
  engine.entries.push_back({Index(1ull << 40), Ballot{1, ReplicaId(255)}, EntryKind::noop, Blob()});
  return {
      EngineMessage{engine},
      Forward{Epoch(5), 99, 1, 1, {{ForwardKind::request, 12, Blob("r")}, {ForwardKind::sync, 13, Blob()}}},
      Answers{Epoch(5), 99, {{12, "out", Zxid(Epoch(5), 4), Index(0)}, {13, "", Zxid(), Index(77)}}},
      Touches{~uint64_t{0}, {SessionId(-1), SessionId(1)}},
      TouchesHeard{7},
      SnapshotOffer{CellId(9), Index(10), Ballot{3, ReplicaId(1)}, Zxid(Epoch(3), 1), -5, 1 << 20},
      SnapshotPull{Index(10), 4096},
      SnapshotChunk{Index(10), 4096, Bytes(1000, 'x')},
      Introduction{1, ~uint64_t{0}, consensus::DiskId(5), true, {{ReplicaId(1)}, {ReplicaId(3), false}}, "host", 2200},
  };
}

TEST(PeerMessage, EveryKindSurvivesTheWire) {
  for (const PeerMessage& message : samples()) {
    const Bytes frame = encode(message);
    const auto decoded = decode(frame);
    ASSERT_TRUE(decoded) << decoded.error().message;
    EXPECT_EQ(decoded->index(), message.index());
    EXPECT_EQ(encode(*decoded), frame);  // the encoding is canonical, so equal bytes mean equal messages
  }
}

TEST(PeerMessage, EngineFastPathIsTheSameEncoding) {
  const auto message = std::get<EngineMessage>(samples()[0]);
  EXPECT_EQ(encode_engine_message(message.message), encode(message));
}

TEST(PeerMessage, EveryCutIsRefused) {
  for (const PeerMessage& message : samples()) {
    const Bytes frame = encode(message);
    for (size_t size = 0; size < frame.size(); ++size) {
      EXPECT_FALSE(decode(BytesView(frame).substr(0, size))) << "type " << message.index() << " cut to " << size;
    }
    EXPECT_FALSE(decode(frame + "x")) << "trailing bytes";
  }
}

TEST(PeerMessage, AnotherVersionAndUnknownTypesAreNamed) {
  Bytes frame = encode(samples()[5]);
  frame[0] = 9;
  EXPECT_EQ(decode(frame).error().kind, ErrorKind::unsupported);
  frame[0] = static_cast<char>(kVersion);
  frame[1] = 99;
  EXPECT_NE(decode(frame).error().message.find("unknown type 99"), std::string::npos);
}

TEST(PeerMessage, RandomBytesNeverCrash) {
  Random random(1);
  for (int round = 0; round < 20000; ++round) {
    Bytes frame;
    frame.push_back(static_cast<char>(kVersion));
    frame.push_back(static_cast<char>(random.below(8)));
    for (uint64_t n = random.below(64); n > 0; --n) frame.push_back(static_cast<char>(random.u64()));
    (void)decode(frame);
  }
}

}  // namespace
}  // namespace conclave::wire::peer
