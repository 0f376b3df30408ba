// Each invariant on states made by hand: what must be refused, and what must not.
#include "sim/explore/invariants.h"

#include <gtest/gtest.h>

namespace conclave::sim::explore {
namespace {

using consensus::Ballot;
using consensus::EngineKind;
using consensus::Entry;
using consensus::Role;

constexpr Ballot kLow{1, ReplicaId(1)};
constexpr Ballot kHigh{2, ReplicaId(2)};
constexpr Changed kAll{.accepted = true, .given = true, .led = true};

Entry entry(uint64_t index, Ballot ballot, std::string value) {
  return {.index = Index(index),
          .ballot = ballot,
          .kind = consensus::EntryKind::transaction,
          .payload = Blob(std::move(value))};
}

// Acceptances of each, in the order of a log.
std::vector<Acceptance> accepted(const std::vector<Entry>& entries) {
  std::vector<Acceptance> out;
  for (const Entry& e : entries) out.push_back({.entry = e});
  return out;
}

class InvariantsTest : public testing::Test {
 protected:
  InvariantsTest() {
    for (uint8_t i = 0; i < 3; ++i) replica[i].id = ReplicaId(static_cast<uint8_t>(i + 1));
  }
  std::string violation(size_t who, Changed changed = kAll) {
    const ReplicaState* cell[] = {&replica[0], &replica[1], &replica[2]};
    std::string out;
    check_cell(kind, cell, who, changed, &out);
    return out;
  }
  void give(size_t who, const Entry& e) {
    replica[who].given.push_back(e);
    replica[who].applied = e.index;
  }
  void lead(size_t who, Ballot ballot, Role role = Role::master) {
    replica[who].role = {.role = role, .ballot = ballot, .master = replica[who].id};
    replica[who].led.push_back(ballot.round);
  }

  // A quorum has promised on disk.
  void promise(Ballot ballot) {
    for (size_t i : {0, 1}) replica[i].hard_state.promised = ballot;
  }

  EngineKind kind = EngineKind::paxos;
  ReplicaState replica[3];
};

TEST_F(InvariantsTest, AValueMayBeChosenAgainUnderAHigherBallot) {
  replica[0].accepted = accepted({entry(1, kLow, "x"), entry(1, kHigh, "x")});
  replica[1].accepted = accepted({entry(1, kLow, "x")});
  replica[2].accepted = accepted({entry(1, kHigh, "x")});
  give(0, entry(1, kHigh, "x"));
  give(1, entry(1, kLow, "x"));
  promise(kHigh);
  lead(2, kHigh, Role::synchronising);
  EXPECT_EQ(violation(0, {.accepted = true, .given = true}), "");
  EXPECT_EQ(violation(1, {.accepted = true, .given = true}), "");
  EXPECT_EQ(violation(2), "");
}

TEST_F(InvariantsTest, AMinorityMayHaveAcceptedAnotherValue) {
  replica[0].accepted = accepted({entry(1, kLow, "x"), entry(1, kHigh, "y")});
  replica[1].accepted = accepted({entry(1, kHigh, "y")});
  EXPECT_EQ(violation(0), "");
}

TEST_F(InvariantsTest, OneValueIsChosenAtAnIndex) {
  replica[0].accepted = accepted({entry(1, kLow, "x")});
  replica[1].accepted = accepted({entry(1, kLow, "x"), entry(1, kHigh, "y")});
  replica[2].accepted = accepted({entry(1, kHigh, "y")});
  EXPECT_TRUE(violation(2).starts_with("one value:")) << violation(2);
}

TEST_F(InvariantsTest, OneProposalHasOneValue) {
  replica[0].accepted = accepted({entry(1, kLow, "x")});
  replica[2].accepted = accepted({entry(1, kLow, "y")});
  EXPECT_TRUE(violation(2).starts_with("one proposal:")) << violation(2);
  std::string same;
  check_same_proposal({.entry = entry(1, kLow, "x")}, {.entry = entry(1, kLow, "y")}, &same);
  EXPECT_TRUE(same.starts_with("one proposal:")) << same;
}

TEST_F(InvariantsTest, E1OnlyWhatIsChosenIsGivenOut) {
  replica[0].accepted = accepted({entry(1, kLow, "x")});
  give(0, entry(1, kLow, "x"));
  EXPECT_TRUE(violation(0).starts_with("E1:")) << violation(0);
  replica[2].accepted = accepted({entry(1, kLow, "x")});
  EXPECT_EQ(violation(0), "");
}

TEST_F(InvariantsTest, E1TheSameIsGivenOutEverywhereInOrder) {
  give(1, entry(1, kLow, "x"));
  std::string again, other, gap, next;
  check_given(replica[1], entry(1, kLow, "x"), &again);
  check_given(replica[1], entry(3, kLow, "z"), &gap);
  check_given(replica[1], entry(2, kLow, "y"), &next);
  replica[1].applied = Index(0);  // another life
  check_given(replica[1], entry(1, kLow, "y"), &other);
  EXPECT_TRUE(again.starts_with("E1:")) << again;
  EXPECT_TRUE(gap.starts_with("E1:")) << gap;
  EXPECT_TRUE(other.starts_with("E1:")) << other;
  EXPECT_EQ(next, "");

  for (ReplicaState& r : replica) r.accepted = accepted({entry(1, kLow, "y")});
  give(0, entry(1, kLow, "y"));
  EXPECT_NE(violation(0).find("replicas 1 and 2"), std::string::npos) << violation(0);
}

TEST_F(InvariantsTest, E3AReadSeesWhatWasGivenOutBefore) {
  std::string low, right;
  check_read({.token = 2, .index = Index(1)}, &low);
  check_read({.token = 2, .index = Index(2)}, &right);
  EXPECT_TRUE(low.starts_with("E3:")) << low;
  EXPECT_EQ(right, "");
}

TEST_F(InvariantsTest, E4AMasterHasGivenOutWhatWasChosenBefore) {
  for (size_t i : {0, 2}) replica[i].accepted = accepted({entry(1, kLow, "x")});
  promise(kHigh);
  lead(1, kHigh, Role::synchronising);
  EXPECT_EQ(violation(1), "");
  replica[1].role.role = Role::master;
  EXPECT_TRUE(violation(1).starts_with("E4:")) << violation(1);
  give(1, entry(1, kLow, "x"));
  EXPECT_EQ(violation(1), "");
}

TEST_F(InvariantsTest, E5ARoundIsLedByOneReplica) {
  promise(kLow);
  lead(0, kLow);
  EXPECT_EQ(violation(0), "");
  lead(1, kLow);
  EXPECT_TRUE(violation(1).starts_with("E5:")) << violation(1);
}

TEST_F(InvariantsTest, ALeadNeedsPromisesOfAQuorumOnDisk) {
  lead(0, kHigh, Role::synchronising);
  replica[0].hard_state.promised = kHigh;
  replica[1].hard_state.promised = kLow;
  EXPECT_TRUE(violation(0).starts_with("lead:")) << violation(0);
  replica[2].hard_state.promised = kHigh;
  EXPECT_EQ(violation(0), "");
}

TEST_F(InvariantsTest, APromiseOnDiskNeverGoesBack) {
  replica[0].hard_state.promised = kHigh;
  std::string back, again;
  check_persist(kind, replica[0], {.number = 1, .hard_state = consensus::HardState{.promised = kLow}}, &back);
  check_persist(kind, replica[0], {.number = 1, .hard_state = consensus::HardState{.promised = kHigh}}, &again);
  EXPECT_TRUE(back.starts_with("promise:")) << back;
  EXPECT_EQ(again, "");
}

TEST_F(InvariantsTest, TheFirstViolationStands) {
  std::string out = "the first";
  check_read({.token = 2, .index = Index(1)}, &out);
  EXPECT_EQ(out, "the first");
}

// ---------------------------------------------------------------- Raft

constexpr Ballot kOlder{2, ReplicaId(1)};
constexpr Ballot kNewer{3, ReplicaId(3)};

class RaftInvariantsTest : public InvariantsTest {
 protected:
  RaftInvariantsTest() { kind = EngineKind::raft; }
  // `entries` become durable in the log of replica[who], while its term is `term`.
  void write(size_t who, uint64_t term, const std::vector<Entry>& entries) {
    ReplicaState& server = replica[who];
    for (const Entry& e : entries) {
      const Ballot before = server.journal.empty() ? Ballot() : server.journal.back().ballot;
      server.journal.push_back(e);
      server.accepted.push_back({.entry = e, .previous = before, .counts = e.ballot.round == term});
    }
  }
  std::string one(const ReplicaState& state, Ballot next) const {
    std::string out;
    check_persist(kind, state, {.number = 1, .hard_state = consensus::HardState{.promised = next}}, &out);
    return out;
  }
};

// Figure 8: copies that a later leader made choose nothing, until an entry of its own is chosen behind them.
TEST_F(RaftInvariantsTest, AnEntryIsChosenInItsOwnTerm) {
  write(0, 2, {entry(1, kOlder, "x")});
  write(1, 4, {entry(1, kOlder, "x")});
  give(0, entry(1, kOlder, "x"));
  EXPECT_TRUE(violation(0, {.given = true}).starts_with("E1:")) << violation(0);

  const Ballot own{4, ReplicaId(1)};
  for (const size_t who : {0, 1}) write(who, 4, {entry(2, own, "y")});
  EXPECT_EQ(violation(0, {.given = true}), "") << "what is chosen in term 4 chooses all before it";
}

TEST_F(RaftInvariantsTest, CopiesOfAnOlderTermMayBeReplaced) {
  write(0, 2, {entry(1, kOlder, "x")});
  write(1, 4, {entry(1, kOlder, "x")});
  replica[1].journal.clear();
  write(1, 5, {entry(1, kNewer, "y")});
  EXPECT_EQ(violation(1, {.accepted = true}), "");
}

TEST_F(RaftInvariantsTest, LogsMatchUpToAnEntryThatTheyShare) {
  const Entry shared = entry(2, kNewer, "z");
  write(0, 3, {entry(1, kLow, "x"), shared});
  write(1, 3, {entry(1, kLow, "x"), shared});
  EXPECT_EQ(violation(1, {.accepted = true}), "");
  write(2, 3, {entry(1, kOlder, "x"), shared});
  EXPECT_TRUE(violation(2, {.accepted = true}).starts_with("log matching:")) << violation(2);
}

TEST_F(RaftInvariantsTest, ALogHasNoHole) {
  std::string next, hole, start;
  write(0, 1, {entry(1, kLow, "x")});
  check_no_hole(replica[0], entry(2, kLow, "y"), &next);
  check_no_hole(replica[0], entry(3, kLow, "z"), &hole);
  check_no_hole(replica[1], entry(2, kLow, "y"), &start);
  EXPECT_EQ(next, "");
  EXPECT_TRUE(hole.starts_with("log matching:")) << hole;
  EXPECT_TRUE(start.starts_with("log matching:")) << start;
}

TEST_F(RaftInvariantsTest, ALeaderHoldsWhatWasChosenInLowerTerms) {
  for (const size_t who : {0, 1}) write(who, 1, {entry(1, kLow, "x")});
  promise(kNewer);
  lead(2, kNewer, Role::synchronising);
  EXPECT_TRUE(violation(2).starts_with("leader completeness:")) << violation(2);
  EXPECT_TRUE(violation(0, {.accepted = true}).starts_with("leader completeness:")) << "whoever steps";
  write(2, 2, {entry(1, kLow, "x")});
  EXPECT_EQ(violation(2), "");
  replica[2].writing.push_back({.persist = {.number = 1, .truncate_from = Index(1)}, .then_send = {}});
  EXPECT_TRUE(violation(2).starts_with("leader completeness:")) << "its log is what it writes, too";
}

TEST_F(RaftInvariantsTest, ALeaderOnlyAppends) {
  const auto told = [&](consensus::Output output) {
    std::string out;
    check_append_only(replica[0], output, &out);
    return out;
  };
  write(0, 1, {entry(1, kLow, "x")});
  lead(0, kLow);
  EXPECT_EQ(told({.persist = {.number = 1, .entries = {entry(2, kLow, "y")}}}), "");
  const consensus::Output cut{.persist = {.number = 1, .truncate_from = Index(1)}};
  EXPECT_TRUE(told(cut).starts_with("leader append-only:"));
  EXPECT_TRUE(told({.persist = {.number = 1, .entries = {entry(1, kLow, "y")}}}).starts_with("leader append-only:"));
  consensus::Output deposed = cut;
  deposed.role = {.role = Role::follower, .ballot = kHigh, .master = ReplicaId(2)};
  EXPECT_EQ(told(deposed), "") << "a follower may";
}

TEST_F(RaftInvariantsTest, AServerVotesForOneCandidateATerm) {
  replica[0].hard_state.promised = {3, ReplicaId(2)};
  EXPECT_EQ(one(replica[0], {3, ReplicaId(2)}), "");
  EXPECT_EQ(one(replica[0], {4, ReplicaId(1)}), "");
  EXPECT_TRUE(one(replica[0], {3, ReplicaId(3)}).starts_with("one vote:"));
  EXPECT_TRUE(one(replica[0], {3, ReplicaId(0)}).starts_with("one vote:"));
  EXPECT_TRUE(one(replica[0], {2, ReplicaId(2)}).starts_with("promise:"));
  replica[0].hard_state.promised = {3, ReplicaId(0)};
  EXPECT_EQ(one(replica[0], {3, ReplicaId(1)}), "") << "it had not voted";
}

TEST_F(RaftInvariantsTest, ALeadNeedsVotesForItselfOnDisk) {
  lead(0, kNewer, Role::synchronising);
  replica[0].hard_state.promised = kNewer;
  replica[1].hard_state.promised = {3, ReplicaId(4)};
  EXPECT_TRUE(violation(0).starts_with("lead:")) << "a vote for another in its term is none for it";
  replica[2].hard_state.promised = {4, ReplicaId(2)};
  EXPECT_EQ(violation(0), "") << "it may have voted for it before";
}

}  // namespace
}  // namespace conclave::sim::explore
