// Each invariant on states made by hand: what must be refused, and what must not.
#include "sim/explore/invariants.h"

#include <gtest/gtest.h>

namespace conclave::sim::explore {
namespace {

using consensus::Ballot;
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

class InvariantsTest : public testing::Test {
 protected:
  InvariantsTest() {
    for (uint8_t i = 0; i < 3; ++i) replica[i].id = ReplicaId(static_cast<uint8_t>(i + 1));
  }
  std::string violation(size_t who, Changed changed = kAll) {
    const ReplicaState* cell[] = {&replica[0], &replica[1], &replica[2]};
    std::string out;
    check_cell(cell, who, changed, &out);
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

  ReplicaState replica[3];
};

TEST_F(InvariantsTest, AValueMayBeChosenAgainUnderAHigherBallot) {
  replica[0].accepted = {entry(1, kLow, "x"), entry(1, kHigh, "x")};
  replica[1].accepted = {entry(1, kLow, "x")};
  replica[2].accepted = {entry(1, kHigh, "x")};
  give(0, entry(1, kHigh, "x"));
  give(1, entry(1, kLow, "x"));
  promise(kHigh);
  lead(2, kHigh, Role::synchronising);
  EXPECT_EQ(violation(0, {.accepted = true, .given = true}), "");
  EXPECT_EQ(violation(1, {.accepted = true, .given = true}), "");
  EXPECT_EQ(violation(2), "");
}

TEST_F(InvariantsTest, AMinorityMayHaveAcceptedAnotherValue) {
  replica[0].accepted = {entry(1, kLow, "x"), entry(1, kHigh, "y")};
  replica[1].accepted = {entry(1, kHigh, "y")};
  EXPECT_EQ(violation(0), "");
}

TEST_F(InvariantsTest, OneValueIsChosenAtAnIndex) {
  replica[0].accepted = {entry(1, kLow, "x")};
  replica[1].accepted = {entry(1, kLow, "x"), entry(1, kHigh, "y")};
  replica[2].accepted = {entry(1, kHigh, "y")};
  EXPECT_TRUE(violation(2).starts_with("one value:")) << violation(2);
}

TEST_F(InvariantsTest, OneProposalHasOneValue) {
  replica[0].accepted = {entry(1, kLow, "x")};
  replica[2].accepted = {entry(1, kLow, "y")};
  EXPECT_TRUE(violation(2).starts_with("one proposal:")) << violation(2);
  std::string same;
  check_same_proposal(entry(1, kLow, "x"), entry(1, kLow, "y"), &same);
  EXPECT_TRUE(same.starts_with("one proposal:")) << same;
}

TEST_F(InvariantsTest, E1OnlyWhatIsChosenIsGivenOut) {
  replica[0].accepted = {entry(1, kLow, "x")};
  give(0, entry(1, kLow, "x"));
  EXPECT_TRUE(violation(0).starts_with("E1:")) << violation(0);
  replica[2].accepted = {entry(1, kLow, "x")};
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

  for (ReplicaState& r : replica) r.accepted = {entry(1, kLow, "y")};
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
  for (size_t i : {0, 2}) replica[i].accepted = {entry(1, kLow, "x")};
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
  check_persist(replica[0], {.number = 1, .hard_state = consensus::HardState{.promised = kLow}}, &back);
  check_persist(replica[0], {.number = 1, .hard_state = consensus::HardState{.promised = kHigh}}, &again);
  EXPECT_TRUE(back.starts_with("promise:")) << back;
  EXPECT_EQ(again, "");
}

TEST_F(InvariantsTest, TheFirstViolationStands) {
  std::string out = "the first";
  check_read({.token = 2, .index = Index(1)}, &out);
  EXPECT_EQ(out, "the first");
}

}  // namespace
}  // namespace conclave::sim::explore
