// A copy of an engine behaves like the original for ever; its fold says all that matters and nothing else
// (consensus/api/engine.h).
#include <gtest/gtest.h>

#include "consensus/paxos/messages.h"
#include "consensus/paxos/testing_cells.h"

namespace conclave::paxos::harness {
namespace {

constexpr ReplicaId kA{1}, kB{2}, kC{3};

std::string text(const std::vector<Envelope>& envelopes) {
  std::string out;
  for (const Envelope& envelope : envelopes) {
    out += "\n    to " + to_string(envelope.to) + " " + describe(envelope.message);
  }
  return out;
}

std::string text(const std::vector<Entry>& entries) {
  std::string out;
  for (const Entry& entry : entries) out += " [" + to_string(entry) + "]";
  return out;
}

std::string text(const Output& output) {
  std::string out = "persist " + std::to_string(output.persist.number) + text(output.persist.entries);
  if (const auto& state = output.persist.hard_state) {
    out += " promised " + to_string(state->promised) + " committed " + to_string(state->committed);
  }
  out += "\n  send" + text(output.send) + "\n  when durable" + text(output.send_when_durable);
  out += "\n  committed" + text(output.committed);
  for (const ReadGrant& grant : output.reads) {
    out += " granted " + std::to_string(grant.token) + "@" + to_string(grant.index);
  }
  for (uint64_t token : output.reads_refused) out += " read refused " + std::to_string(token);
  for (uint64_t cookie : output.refused) out += " refused " + std::to_string(cookie);
  for (const SnapshotNeeded& needed : output.snapshots_needed) {
    out += " snapshot to " + to_string(needed.to) + " of " + to_string(needed.at_least);
  }
  if (output.role) {
    out += " role " + std::to_string(static_cast<int>(output.role->role)) + " " + to_string(output.role->ballot) + " " +
           to_string(output.role->master) + " " + output.role->reason;
  }
  return out;
}

Bytes fold_of(const Engine& engine, Instant now, StateFold::Grain grain = {}) {
  Bytes out;
  StateFold fold(&out, now, grain);
  engine.fold(fold);
  return out;
}

// Does not tell which deadline was drawn at random.
constexpr StateFold::Grain kDueOrNot{.unit = Duration::seconds(1), .units_max = 1};

// Steps the original and a copy that is copied anew before every event.
class Twin final : public Engine {
 public:
  explicit Twin(std::unique_ptr<Engine> original) : original_(std::move(original)), copy_(original_->clone()) {}

  Output step(const Event& event) override {
    copy_ = copy_->clone();
    Output output = original_->step(event);
    EXPECT_EQ(text(copy_->step(event)), text(output));
    EXPECT_EQ(fold_of(*copy_, event.now), fold_of(*original_, event.now));
    const Instant later = event.now + Duration::millis(150);
    EXPECT_EQ(fold_of(*copy_, later), fold_of(*original_, later));
    ++steps;
    return output;
  }
  EngineStatus status(Instant now) const override { return original_->status(now); }
  std::unique_ptr<Engine> clone() const override { return original_->clone(); }
  void fold(StateFold& fold) const override { original_->fold(fold); }

  static inline size_t steps = 0;

 private:
  std::unique_ptr<Engine> original_;
  std::unique_ptr<Engine> copy_;
};

void pair_up(Replica& replica) {
  if (replica.engine) replica.engine = std::make_unique<Twin>(std::move(replica.engine));
}

void run(uint64_t seed) {
  Options options{.kind = kPaxos, .seed = seed};
  options.faults = {.drop_permille = 30, .duplicate_permille = 50, .delay_max_us = 20'000, .disk_max_us = 20'000};
  options.config.leases = seed % 2 == 0;
  options.config.learning = static_cast<Learning>(seed % 3);
  options.config.message_bytes_max = 16;
  options.snapshot_every = seed % 4 == 0 ? 10 : 0;
  Cell cell(options);
  for (unsigned id = 1; id <= 3; ++id) pair_up(cell[id]);
  for (unsigned i = 0; i < 120 && !testing::Test::HasFailure(); ++i) {
    cell.run(Duration::micros(static_cast<int64_t>(cell.random().below(40'000))));
    const auto id = static_cast<unsigned>(cell.random().between(1, 3));
    if (i % 20 == 7) cell.crash(id);
    for (unsigned down = 1; i % 20 == 15 && down <= 3; ++down) {
      if (cell[down].engine) continue;
      cell.restart(down);
      pair_up(cell[down]);
    }
    if (i % 30 == 11) cell.isolate(id);
    if (i % 30 == 20) cell.heal();
    const unsigned master = cell.master();
    if (master == 0) continue;
    cell.propose(master, {"value " + std::to_string(i), "another"});
    cell.read(master);
    if (i % 25 == 9) cell.step(master, TransferLead{ReplicaId(static_cast<uint8_t>(id))});
    if (i % 25 == 19) cell.step(master, PeerHint{ReplicaId(static_cast<uint8_t>(id)), i % 2 == 0});
  }
}

TEST(Clone, BehavesLikeTheOriginalForEver) {
  for (uint64_t seed = 1; seed <= 24 && !HasFailure(); ++seed) run(seed);
  EXPECT_GT(Twin::steps, 20'000u);
}

// ---------------------------------------------------------------- what the fold tells apart

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
