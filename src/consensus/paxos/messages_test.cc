#include "consensus/paxos/messages.h"

#include <gtest/gtest.h>

#include "consensus/paxos/ballots.h"
#include "consensus/testing/message_checks.h"

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

const consensus::harness::MessageChecks<Body> kChecks{samples(), &decode, &describe, &type_name};

TEST(PaxosMessages, AreReadBackAsTheyWere) {
  kChecks.are_read_back();
}

TEST(PaxosMessages, CutsAndAdditionsAreRefusedWithAReason) {
  kChecks.cuts_and_additions_are_refused();
}

TEST(PaxosMessages, FlippedBitsNeverCrashTheDecoder) {
  kChecks.flipped_bits_crash_nothing();
}

TEST(PaxosMessages, UnknownTypesAreRefused) {
  kChecks.unknown_types_are_refused();
}

TEST(PaxosMessages, AreDescribedWithNamesAndValues) {
  EXPECT_EQ(describe(encode(samples()[1])),
            "PreVoteReply attempt=9 granted=yes promised=258.2 committed=300 retry_after=5000us");
  EXPECT_EQ(describe(encode(samples()[3])),
            "Promise ballot=257.1 committed=3 covers_from=4 covers_to=end [4: 258.2 transaction \"p\"] "
            "[9: 257.1 transaction \"p\"]");
  EXPECT_EQ(describe(encode(samples()[7])), "Heartbeat ballot=257.1 committed=3 stamp=-123456us,read_round=77");
  EXPECT_EQ(describe({.type = 99}), "unknown (malformed: unknown: type out of range)");
}

TEST(PaxosMessages, MeaninglessContentIsRefused) {
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
