#include "consensus/paxos/messages.h"

#include <gtest/gtest.h>

#include "consensus/paxos/ballots.h"

namespace conclave::paxos::messages_test {
namespace {

constexpr ReplicaId kA{1}, kB{2};
const Ballot kBallot{257, kA};
const Ballot kOther{258, kB};

Entry entry(uint64_t index, Ballot ballot = kBallot) {
  return {.index = Index(index), .ballot = ballot, .kind = consensus::EntryKind::transaction, .payload = Blob("p")};
}

std::vector<Body> samples() {
  const Stamp stamp{Instant{-123456}, 77};
  return {PreVote{9},
          PreVoteReply{9, true, kOther, Index(300), Duration::millis(5)},
          Prepare{kBallot, Index(4), kOther},
          Promise{kBallot, Index(3), Index(4), kEnd, {entry(4, kOther), entry(9)}},
          Accept{kBallot, Index(3), stamp, {entry(4), entry(5)}},
          Accepted{kBallot, Index(4), Index(5), Index(3), stamp},
          Nack{kBallot, kOther},
          Heartbeat{kBallot, Index(3), stamp},
          HeartbeatAck{kBallot, stamp, Index(3), Index(9), Index(8), Index(12)},
          Learn{Index(4)},
          Learned{Index(9), {entry(4, kOther), entry(5)}},
          Chosen{kBallot, Index(9)},
          TransferNow{kBallot}};
}

TEST(Messages, EveryMessageIsReadBackAsItWas) {
  uint8_t type = 0;
  for (const Body& body : samples()) {
    const Message message = encode(body);
    EXPECT_EQ(message.type, ++type);
    const auto decoded = decode(message);
    ASSERT_TRUE(decoded) << decoded.error().message;
    const Message again = encode(*decoded);
    EXPECT_EQ(again.header, message.header);
    EXPECT_EQ(again.entries, message.entries);
    EXPECT_EQ(decoded->index(), body.index());
  }
  EXPECT_EQ(samples().size(), std::variant_size_v<Body>);
  const auto ack = decode(encode(samples()[8]));
  EXPECT_EQ(std::get<HeartbeatAck>(*ack).stamp, (Stamp{Instant{-123456}, 77}));
  EXPECT_EQ(std::get<HeartbeatAck>(*ack).damaged_last, Index(12));
}

TEST(Messages, AreDescribedWithNamesAndValues) {
  EXPECT_EQ(describe(encode(samples()[1])),
            "PreVoteReply attempt=9 granted=yes promised=258.2 committed=300 retry_after=5000us");
  EXPECT_EQ(describe(encode(samples()[3])),
            "Promise ballot=257.1 committed=3 covers_from=4 covers_to=end [4: 258.2 transaction \"p\"] "
            "[9: 257.1 transaction \"p\"]");
  EXPECT_EQ(describe(encode(samples()[7])), "Heartbeat ballot=257.1 committed=3 stamp=-123456us,read_round=77");
  for (const Body& body : samples()) {  // a field without a name would stand there as " ="
    EXPECT_EQ(describe(encode(body)).find(" ="), std::string::npos) << describe(encode(body));
  }
  EXPECT_EQ(describe({.type = 99}), "unknown (malformed: unknown: type out of range)");
}

TEST(Messages, EveryCutAndEveryAdditionIsRefusedWithAReason) {
  for (const Body& body : samples()) {
    const Message message = encode(body);
    for (size_t length = 0; length < message.header.size(); ++length) {
      Message cut = message;
      cut.header.resize(length);
      const auto decoded = decode(cut);
      ASSERT_FALSE(decoded) << type_name(message.type) << " cut to " << length;
      EXPECT_EQ(decoded.error().kind, ErrorKind::invalid_argument);
      EXPECT_EQ(decoded.error().message.find(type_name(message.type)), 0u);
    }
    Message longer = message;
    longer.header += '\0';
    EXPECT_FALSE(decode(longer));
    Message newer = message;
    newer.header[0] = 2;
    EXPECT_FALSE(decode(newer));
  }
}

TEST(Messages, FlippedBitsNeverCrashTheDecoder) {
  for (const Body& body : samples()) {
    const Message message = encode(body);
    for (size_t bit = 0; bit < message.header.size() * 8; ++bit) {
      Message flipped = message;
      flipped.header[bit / 8] = static_cast<char>(flipped.header[bit / 8] ^ (1 << (bit % 8)));
      const auto decoded = decode(flipped);
      EXPECT_TRUE(!decoded || encode(*decoded).type == message.type);
    }
  }
}

TEST(Messages, UnknownTypesAreRefused) {
  EXPECT_FALSE(decode({.type = 0, .header = "\1", .entries = {}}));
  EXPECT_FALSE(decode({.type = 14, .header = "\1", .entries = {}}));
  EXPECT_EQ(type_name(14), "unknown");
}

TEST(Messages, MeaninglessContentIsRefused) {
  const Stamp stamp;
  const Ballot impossible{2, kA};  // PX-07: this round is another replica's
  const std::vector<Body> bad = {
      Heartbeat{impossible, Index(0), stamp},
      Heartbeat{Ballot{}, Index(0), stamp},
      Nack{kBallot, impossible},
      PreVoteReply{1, true, impossible, Index(0), {}},
      Prepare{kBallot, Index(0), {}},
      Prepare{kBallot, Index(1), impossible},
      Promise{kBallot, Index(0), Index(0), kEnd, {}},
      Promise{kBallot, Index(0), Index(5), Index(4), {}},
      Promise{kBallot, Index(0), Index(5), Index(6), {entry(4)}},
      Promise{kBallot, Index(0), Index(5), Index(6), {entry(7)}},
      Promise{kBallot, Index(0), Index(5), kEnd, {entry(7), entry(6)}},
      Promise{kBallot, Index(0), Index(5), kEnd, {entry(7, impossible)}},
      Accept{kBallot, Index(0), stamp, {}},
      Accept{kBallot, Index(0), stamp, {entry(1), entry(3)}},  // B18
      Accept{kBallot, Index(0), stamp, {entry(0)}},
      Accept{kBallot, Index(0), stamp, {entry(1, kOther)}},
      Accepted{kBallot, Index(0), Index(1), Index(0), stamp},
      Accepted{kBallot, Index(5), Index(4), Index(0), stamp},
      Accepted{kBallot, Index(5), kEnd, Index(0), stamp},
      HeartbeatAck{kBallot, stamp, Index(0), Index(1), Index(2), Index(0)},
      Learn{Index(0)},
      Learned{Index(9), {entry(1), entry(1)}},
      Learned{Index(1), {entry(1), entry(2)}},
  };
  for (const Body& body : bad) {
    const auto decoded = decode(encode(body));
    EXPECT_FALSE(decoded) << type_name(static_cast<uint8_t>(body.index() + 1));
  }
  Message message = encode(Learn{Index(1)});
  message.entries.push_back(entry(1));
  EXPECT_FALSE(decode(message));
}

}  // namespace
}  // namespace conclave::paxos::messages_test
