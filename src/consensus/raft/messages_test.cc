#include "consensus/raft/messages.h"

#include <gtest/gtest.h>

namespace conclave::raft::messages_test {
namespace {

constexpr ReplicaId kA{1}, kB{2};
const Ballot kBallot{7, kA};
const Ballot kOlder{5, kB};

Entry entry(uint64_t index, Ballot ballot = kBallot) {
  return {.index = Index(index), .ballot = ballot, .kind = consensus::EntryKind::transaction, .payload = Blob("p")};
}

std::vector<Body> samples() {
  const Stamp stamp{Instant{-123456}, 77};
  return {RequestVote{kBallot, true, Index(9), kOlder, kOlder},
          Vote{kBallot, true, true, 6, Duration::millis(5)},
          Append{kBallot, Index(3), kOlder, Index(2), Index(9), stamp, {entry(4, kOlder), entry(5)}},
          Appended{kBallot, Index(9), Index(8), stamp},
          Conflict{kBallot, Index(9), Index(4), 5, stamp},
          HigherTerm{8},
          Committed{kBallot, Index(9)},
          TimeoutNow{kBallot}};
}

TEST(Messages, EveryMessageIsReadBackAsItWas) {
  uint8_t type = 0;
  for (const Body& body : samples()) {
    const Message message = encode(body);
    EXPECT_EQ(message.type, ++type);
    const auto decoded = decode(message);
    ASSERT_TRUE(decoded) << decoded.error().message;
    EXPECT_EQ(describe(encode(*decoded)), describe(message));
    EXPECT_EQ(describe(message).find(" ="), std::string::npos) << "a field without a name: " << describe(message);
  }
  EXPECT_EQ(samples().size(), std::variant_size_v<Body>);
  EXPECT_EQ(describe(encode(samples()[2])),
            "Append ballot=7.1 prev_index=3 prev_ballot=5.2 committed=2 last=9 stamp=-123456us,read_round=77 "
            "[4: 5.2 transaction \"p\"] [5: 7.1 transaction \"p\"]");
  EXPECT_EQ(describe(encode(samples()[1])), "Vote ballot=7.1 pre=yes granted=yes term=6 retry_after=5000us");
}

TEST(Messages, EveryCutAndEveryAdditionIsRefusedWithAReason) {
  for (const Body& body : samples()) {
    const Message message = encode(body);
    for (size_t length = 0; length < message.header.size(); ++length) {
      Message cut = message;
      cut.header.resize(length);
      const auto decoded = decode(cut);
      ASSERT_FALSE(decoded) << type_name(message.type) << " cut to " << length;
      EXPECT_EQ(decoded.error().message.find(type_name(message.type)), 0u);
    }
    Message longer = message;
    longer.header += '\0';
    EXPECT_FALSE(decode(longer));
    Message newer = message;
    newer.header[0] = 2;
    EXPECT_FALSE(decode(newer));
  }
  EXPECT_FALSE(decode({.type = 0, .header = "\1", .entries = {}}));
  EXPECT_FALSE(decode({.type = 9, .header = "\1", .entries = {}}));
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

TEST(Messages, MeaninglessContentIsRefused) {
  const Stamp stamp;
  const Ballot endless{uint64_t{1} << 32, kA};  // a term becomes an epoch, of 32 bits
  const std::vector<Body> bad = {
      Committed{Ballot{}, Index(0)},
      Committed{Ballot{7, ReplicaId()}, Index(0)},
      Committed{endless, Index(0)},
      RequestVote{kBallot, false, Index(0), kOlder, {}},
      RequestVote{kBallot, false, Index(3), {}, {}},
      RequestVote{kBallot, false, Index(3), kOlder, endless},
      Vote{kBallot, false, true, uint64_t{1} << 32, {}},
      Append{kBallot, Index(0), kOlder, Index(0), Index(0), stamp, {}},
      Append{kBallot, Index(3), {}, Index(0), Index(3), stamp, {}},
      Append{kBallot, Index(3), kOlder, Index(0), Index(9), stamp, {entry(5)}},            // a hole
      Append{kBallot, Index(3), kOlder, Index(0), Index(9), stamp, {entry(4), entry(6)}},  // B18
      Append{kBallot, Index(3), kOlder, Index(0), Index(9), stamp, {entry(4, {8, kB})}},   // of a term to come
      Append{kBallot, Index(3), kOlder, Index(0), Index(9), stamp, {entry(4, {4, kB})}},   // terms never decrease
      Append{kBallot, Index(3), kOlder, Index(0), Index(9), stamp, {entry(4, Ballot{})}},
      Append{kBallot, Index(3), kOlder, Index(0), Index(3), stamp, {entry(4)}},
      Appended{kBallot, Index(3), Index(4), stamp},
      Conflict{kBallot, Index(0), Index(0), 0, stamp},
      Conflict{kBallot, Index(3), Index(4), 0, stamp},
      Conflict{kBallot, Index(3), Index(2), uint64_t{1} << 32, stamp},
      HigherTerm{uint64_t{1} << 32},
  };
  for (const Body& body : bad) EXPECT_FALSE(decode(encode(body))) << describe(encode(body));
  Message message = encode(TimeoutNow{kBallot});
  message.entries.push_back(entry(1));
  EXPECT_FALSE(decode(message));
}

}  // namespace
}  // namespace conclave::raft::messages_test
