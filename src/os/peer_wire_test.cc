// Bytes between replicas: round trips, every cut of the stream, every flipped bit.
#include "os/peer_wire.h"

#include <gtest/gtest.h>
#include <vector>

#include "base/checksum.h"
#include "base/codec.h"

namespace conclave::os {
namespace {

Hello sample() {
  Hello hello;
  hello.status = Hello::Status::refused;
  hello.cell = CellId(0x1122334455667788);
  hello.from = ReplicaId(3);
  hello.to = ReplicaId(1);
  hello.incarnation = 99;
  hello.features = 5;
  hello.reason = "because";
  hello.engine = EngineNumber::raft;
  return hello;
}

Bytes frames(const std::vector<Bytes>& payloads) {
  Bytes out;
  uint32_t sequence = 0;
  for (const auto& payload : payloads) {
    append_frame_header(&out, sequence++, payload);
    out += payload;
  }
  return out;
}

TEST(Hello, RoundTripAndEveryPrefixWaits) {
  const Bytes bytes = encode(sample());
  const auto decoded = decode_hello(bytes + "next").value().value();
  EXPECT_EQ(decoded.size, bytes.size());
  EXPECT_EQ(decoded.hello.cell, sample().cell);
  EXPECT_EQ(decoded.hello.from, ReplicaId(3));
  EXPECT_EQ(decoded.hello.to, ReplicaId(1));
  EXPECT_EQ(decoded.hello.incarnation, 99u);
  EXPECT_EQ(decoded.hello.features, 5u);
  EXPECT_EQ(decoded.hello.status, Hello::Status::refused);
  EXPECT_EQ(decoded.hello.reason, "because");
  EXPECT_EQ(decoded.hello.engine, EngineNumber::raft);
  for (size_t n = 0; n < bytes.size(); ++n) {
    const auto part = decode_hello(bytes.substr(0, n));
    ASSERT_TRUE(part.has_value()) << n;
    EXPECT_FALSE(part->has_value()) << n;
  }
}

TEST(Hello, EveryFlippedBitIsFound) {
  const Bytes bytes = encode(sample());
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    Bytes bad = bytes;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << (bit % 8)));
    const auto decoded = decode_hello(bad);
    EXPECT_FALSE(decoded && *decoded) << "bit " << bit;  // an error, or a length that waits for more
  }
}

TEST(Hello, FieldsOfNewerVersionsAreIgnoredAndNonsenseIsNot) {
  Bytes bytes = encode(sample());
  // A longer body, as a later version would send.
  const auto rewrap = [](BytesView body) {
    Bytes out = "CNCLPEER";
    Encoder envelope(&out);
    envelope.fixed(static_cast<uint32_t>(body.size()));
    envelope.raw(body);
    envelope.fixed(xxh3_64(out));
    return out;
  };
  const Bytes body = bytes.substr(12, bytes.size() - 20);
  EXPECT_TRUE(decode_hello(rewrap(body + "later")).value().has_value());
  // Builds before engines had numbers end behind the reason; they run Multi-Paxos.
  const auto older = decode_hello(rewrap(body.substr(0, body.size() - 9)));
  EXPECT_EQ(older.value().value().hello.engine, EngineNumber::multi_paxos);
  EXPECT_EQ(older.value().value().hello.reason, "because");
  // And those before members had versions behind the engine.
  const auto old = decode_hello(rewrap(body.substr(0, body.size() - 8)));
  EXPECT_EQ(old.value().value().hello.engine, EngineNumber::raft);
  EXPECT_EQ(old.value().value().hello.members, 0u);
  EXPECT_EQ(decode_hello(rewrap(body.substr(0, 10))).error().message, "handshake is malformed");
  Bytes bad_status = body;
  bad_status[4] = 9;
  EXPECT_EQ(decode_hello(rewrap(bad_status)).error().message, "handshake is malformed");
  EXPECT_EQ(decode_hello("GET / HTTP/1.1").error().kind, ErrorKind::invalid_argument);
  EXPECT_EQ(decode_hello(rewrap(Bytes(5000, 'x'))).error().kind, ErrorKind::corrupt);
}

TEST(FrameReader, AnyCutOfTheStreamGivesTheSameFrames) {
  const std::vector<Bytes> sent = {"one", "", Bytes(3000, 'x'), "four", Bytes(17, 'y')};
  const Bytes bytes = frames(sent);
  for (size_t step :
       {size_t{1}, size_t{2}, size_t{7}, size_t{15}, size_t{16}, size_t{17}, size_t{1000}, bytes.size()}) {
    FrameReader reader(1 << 20);
    std::vector<Bytes> got;
    for (size_t from = 0; from < bytes.size(); from += step) {
      const auto fed = reader.feed(BytesView(bytes).substr(from, step), [&](BytesView frame) {
        got.emplace_back(frame);
        return true;
      });
      ASSERT_TRUE(fed.has_value()) << fed.error().message;
    }
    EXPECT_EQ(got, sent) << step;
    EXPECT_EQ(reader.pending_bytes(), 0u);
  }
}

TEST(FrameReader, EveryFlippedBitIsFound) {
  const Bytes bytes = frames({"first", "second"});
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    Bytes bad = bytes;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << (bit % 8)));
    FrameReader reader(1 << 20);
    std::vector<Bytes> got;
    const auto fed = reader.feed(bad, [&](BytesView frame) {
      got.emplace_back(frame);
      return true;
    });
    EXPECT_LT(got.size(), 2u) << "bit " << bit;
    EXPECT_TRUE(!fed || reader.pending_bytes() > 0) << "bit " << bit;
    for (const auto& frame : got) EXPECT_EQ(frame, "first");
  }
}

TEST(FrameReader, LostAndRepeatedFramesAreFound) {
  const Bytes one = frames({"a"}), two = frames({"a", "b"});
  const auto ignore = [](BytesView) { return true; };
  FrameReader repeated(100);
  EXPECT_EQ(repeated.feed(one + one, ignore).error().message, "frame 0 came where frame 1 was due");
  FrameReader lost(100);
  EXPECT_EQ(lost.feed(two.substr(one.size()), ignore).error().message, "frame 1 came where frame 0 was due");
}

TEST(FrameReader, LengthIsCheckedBeforeAnythingIsKept) {
  Bytes header;
  append_frame_header(&header, 0, Bytes(1001, 'x'));
  FrameReader reader(1000);
  EXPECT_EQ(reader.feed(header, [](BytesView) { return true; }).error().message,
            "frame of 1001 bytes is over the limit of 1000");
  FrameReader by_byte(1000);
  Result<> fed;
  for (const char c : header) {
    if (fed) fed = by_byte.feed(BytesView(&c, 1), [](BytesView) { return true; });
  }
  EXPECT_EQ(fed.error().kind, ErrorKind::limit);
}

TEST(FrameReader, StopsWhenToldTo) {
  FrameReader reader(100);
  int got = 0;
  EXPECT_TRUE(reader.feed(frames({"a", "b"}), [&](BytesView) { return ++got == 0; }).has_value());
  EXPECT_EQ(got, 1);
}

}  // namespace
}  // namespace conclave::os
