// The fold of an engine says all that matters and nothing else (consensus/api/engine.h).
#include <gtest/gtest.h>

#include "consensus/paxos/testing_cells.h"

namespace conclave::paxos::harness {
namespace {

constexpr ReplicaId kA{1}, kB{2}, kC{3};

Bytes fold_of(const Engine& engine, Instant now, StateFold::Grain grain = {}) {
  Bytes out;
  StateFold fold(&out, now, grain);
  engine.fold(fold);
  return out;
}

// Does not tell which deadline was drawn at random.
constexpr StateFold::Grain kDueOrNot{.unit = Duration::seconds(1), .units_max = 1};

class FoldTest : public testing::Test {
 protected:
  FoldTest() { engine_ = make(); }

  static std::unique_ptr<Engine> make(uint64_t seed = 0) {
    Config config;
    config.self = kA;
    config.members = {{kA}, {kB}, {kC}};
    config.seed = seed;
    return make_engine(config, {.hard_state = {.promised = {1, kA}}});
  }
  Output step(EventBody body) {
    Output output = engine_->step({.now = now_, .body = std::move(body)});
    if (output.persist.number) persist_ = output.persist.number;
    return output;
  }
  Output get(ReplicaId from, Body body) { return step(MessageReceived{from, encode(std::move(body))}); }
  // Does the event leave another state behind than it found?
  bool changes(EventBody body) {
    const Bytes before = fold();
    step(std::move(body));
    return fold() != before;
  }
  bool changes(ReplicaId from, Body body) { return changes(MessageReceived{from, encode(std::move(body))}); }
  Bytes fold() const { return fold_of(*engine_, now_); }
  Accept accept(uint64_t slot, std::string payload) const {
    return {.ballot = kBallot,
            .committed = {},
            .stamp = {now_, 0},
            .entries = {{.index = Index(slot),
                         .ballot = kBallot,
                         .kind = EntryKind::transaction,
                         .payload = Blob(std::move(payload))}}};
  }
  void wait(int64_t ms) { now_ = now_ + Duration::millis(ms); }

  static constexpr Ballot kBallot{258, kB};
  std::unique_ptr<Engine> engine_;
  Instant now_{5'000'000};
  uint64_t persist_ = 0;
};

TEST_F(FoldTest, ChangesWithAllThatChangesAFollower) {
  EXPECT_TRUE(changes(Tick{})) << "the start";
  wait(500);
  EXPECT_TRUE(changes(kB, Prepare{.ballot = kBallot, .from_index = Index(1), .proof = {}})) << "a promise";
  EXPECT_TRUE(changes(Persisted{persist_}));
  EXPECT_TRUE(changes(kB, Heartbeat{.ballot = kBallot, .committed = {}, .stamp = {now_, 0}})) << "a master";
  EXPECT_TRUE(changes(kB, accept(1, "x")));
  EXPECT_TRUE(changes(kB, accept(2, "y")));
  EXPECT_TRUE(changes(Persisted{persist_}));
  EXPECT_TRUE(changes(kB, Chosen{.ballot = kBallot, .committed = Index(1)}));
  EXPECT_TRUE(changes(kC, Nack{.ballot = {1, kA}, .promised = {515, kC}})) << "a higher round seen";
}

TEST_F(FoldTest, ChangesWithAllThatChangesACandidateAndAMaster) {
  step(Tick{});
  wait(500);
  EXPECT_TRUE(changes(Tick{})) << "an attempt";
  EXPECT_TRUE(changes(kB, PreVoteReply{.attempt = 1, .granted = true})) << "a campaign";
  EXPECT_TRUE(changes(Persisted{persist_})) << "its own promise";
  EXPECT_TRUE(changes(kB, Promise{.ballot = {257, kA}, .covers_from = Index(1), .covers_to = kEnd})) << "the lead";
  ASSERT_EQ(engine_->status(now_).role, Role::master);
  EXPECT_TRUE(changes(kB, HeartbeatAck{.ballot = {257, kA}, .stamp = {now_, 0}})) << "a peer's place";
  EXPECT_TRUE(changes(Propose{.payloads = {Blob("x")}}));
  EXPECT_TRUE(changes(Persisted{persist_})) << "its own acceptance";
  EXPECT_TRUE(changes(kB, Accepted{.ballot = {257, kA}, .first = Index(1), .last = Index(1), .stamp = {now_, 0}}));
  wait(250);  // the lease is over
  EXPECT_TRUE(changes(ReadBarrier{7})) << "a barrier that waits";
  EXPECT_TRUE(changes(TransferLead{kC}));
  EXPECT_TRUE(changes(kC, Nack{.ballot = {257, kA}, .promised = {515, kC}})) << "the loss of the lead";
}

TEST_F(FoldTest, StaysWhenAnEventWasVoid) {
  step(Tick{});
  EXPECT_FALSE(changes(Tick{})) << "nothing is due";
  EXPECT_FALSE(changes(Applied{Index(0)}));
  EXPECT_FALSE(changes(kB, PreVoteReply{.attempt = 77, .granted = true}));
  EXPECT_FALSE(changes(kB, HeartbeatAck{.ballot = {257, kA}}));
  EXPECT_FALSE(changes(Propose{.cookie = 1, .payloads = {Blob("x")}})) << "refused";
}

TEST_F(FoldTest, LeavesOutRandomNumbersAndAShiftOfTheClock) {
  const auto state_after = [](Instant start, uint64_t seed) {
    const auto engine = make(seed);
    (void)engine->step({.now = start, .body = Tick{}});
    const Instant later = start + Duration::millis(250);
    const Message prepare = encode(Prepare{.ballot = kBallot, .from_index = Index(1), .proof = {}});
    (void)engine->step({.now = later, .body = MessageReceived{kB, prepare}});
    return fold_of(*engine, later, kDueOrNot);
  };
  EXPECT_EQ(state_after(Instant{0}, 1), state_after(Instant{7'777'777'777}, 1));
  EXPECT_EQ(state_after(Instant{0}, 1), state_after(Instant{0}, 2));
}

TEST_F(FoldTest, TellsADeadlineThatIsDueFromOneThatIsNot) {
  step(Tick{});
  EXPECT_NE(fold_of(*engine_, now_), fold_of(*engine_, now_ + Duration::millis(100)));
  EXPECT_NE(fold_of(*engine_, now_ + Duration::millis(100)), fold_of(*engine_, now_ + Duration::seconds(2)));
  EXPECT_EQ(fold_of(*engine_, now_ + Duration::seconds(2)), fold_of(*engine_, now_ + Duration::seconds(20)));
}

// Two engines at different places in the numbers of persists, with equally many outstanding.
TEST_F(FoldTest, NumbersOfPersistsCountFromTheLastDurableOne) {
  const auto other = make();
  (void)other->step({.now = now_, .body = Tick{}});
  step(Tick{});
  wait(500);
  const auto both = [&](Body body) {
    const Event event{.now = now_, .body = MessageReceived{kB, encode(std::move(body))}};
    (void)engine_->step(event);
    return other->step(event).persist.number;
  };
  get(kB, Prepare{.ballot = {2, kB}, .from_index = Index(1), .proof = {}});
  step(Persisted{persist_});
  both(Prepare{.ballot = kBallot, .from_index = Index(1), .proof = {}});
  both(Heartbeat{.ballot = kBallot, .committed = {}, .stamp = {now_, 0}});
  both(accept(1, "x"));
  EXPECT_EQ(fold_of(*engine_, now_, kDueOrNot), fold_of(*other, now_, kDueOrNot));
}

}  // namespace
}  // namespace conclave::paxos::harness
