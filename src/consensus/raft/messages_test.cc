#include "consensus/raft/messages.h"

#include <gtest/gtest.h>

#include "consensus/testing/message_checks.h"

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

const consensus::harness::MessageChecks<Body> kChecks{samples(), &decode, &describe, &type_name};

TEST(RaftMessages, AreReadBackAsTheyWere) {
  kChecks.are_read_back();
}

TEST(RaftMessages, CutsAndAdditionsAreRefusedWithAReason) {
  kChecks.cuts_and_additions_are_refused();
}

TEST(RaftMessages, FlippedBitsNeverCrashTheDecoder) {
  kChecks.flipped_bits_crash_nothing();
}

TEST(RaftMessages, UnknownTypesAreRefused) {
  kChecks.unknown_types_are_refused();
}

TEST(RaftMessages, AreDescribedWithNamesAndValues) {
  EXPECT_EQ(describe(encode(samples()[2])),
            "Append ballot=7.1 prev_index=3 prev_ballot=5.2 committed=2 last=9 stamp=-123456us,read_round=77 "
            "[4: 5.2 transaction \"p\"] [5: 7.1 transaction \"p\"]");
  EXPECT_EQ(describe(encode(samples()[1])), "Vote ballot=7.1 pre=yes granted=yes term=6 retry_after=5000us");
}

TEST(RaftMessages, MeaninglessContentIsRefused) {
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
