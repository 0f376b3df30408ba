// Each invariant has a sequence of steps that breaks it, and is found out.
#include "sim/cluster/engine_checks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace conclave::sim {
namespace {

using consensus::Ballot;
using consensus::Entry;
using consensus::Output;
using consensus::Role;
using testing::HasSubstr;

class EngineChecksTest : public testing::Test {
 protected:
  EngineChecksTest() {
    for (uint8_t id = 1; id <= 3; ++id) begin_life(id);
  }
  void begin_life(uint8_t id, consensus::Recovered log = {}) {
    seats[id] = checks.begin_life(ReplicaId(id));
    seats[id]->on_recovered(log);
  }
  static Ballot ballot(uint64_t round, uint8_t replica) { return {.round = round, .replica = ReplicaId(replica)}; }
  static Entry entry(uint64_t index, Ballot under, const std::string& value) {
    return {.index = Index(index),
            .ballot = under,
            .kind = consensus::EntryKind::transaction,
            .payload = Blob(Bytes(value))};
  }
  void step(uint8_t id, consensus::EventBody body, const Output& output = {}) {
    seats[id]->on_step({.now = Instant{0}, .body = std::move(body)}, output);
  }
  // Writes `entry` down, and has it durable.
  void accept(int replica, const Entry& accepted, uint64_t persist = 1) {
    const auto id = static_cast<uint8_t>(replica);
    Output output;
    output.persist.number = persist;
    output.persist.entries = {accepted};
    step(id, consensus::Tick{}, output);
    step(id, consensus::Persisted{persist});
  }
  void promise(uint8_t id, Ballot promised, uint64_t persist) {
    Output output;
    output.persist.number = persist;
    output.persist.hard_state = consensus::HardState{.promised = promised};
    step(id, consensus::Tick{}, output);
    step(id, consensus::Persisted{persist});
  }
  void give_out(uint8_t id, const Entry& given) {
    Output output;
    output.committed = {given};
    step(id, consensus::Tick{}, output);
  }
  void become(uint8_t id, Role role, Ballot under) {
    Output output;
    output.role = consensus::RoleChange{.role = role, .ballot = under, .master = ReplicaId(id)};
    step(id, consensus::Tick{}, output);
  }
  std::string found() const { return findings.any() ? findings.list().front().what : "nothing"; }

  void hear(int replica, int from) {
    step(static_cast<uint8_t>(replica),
         consensus::MessageReceived{.from = ReplicaId(static_cast<uint8_t>(from)), .message = {}});
  }
  void tick_after(int replica, Duration time) {
    now = now + time;
    step(static_cast<uint8_t>(replica), consensus::Tick{});
  }

  Instant now{0};
  Findings findings;
  std::vector<Entry> first_commits;
  EngineChecks checks{{{ReplicaId(1), true}, {ReplicaId(2), true}, {ReplicaId(3), true}},
                      findings,
                      [this](const Entry& given) { first_commits.push_back(given); },
                      [this] { return now; },
                      Duration::millis(400)};
  std::map<uint8_t, replica::EngineObserver*> seats;
  const Ballot b = ballot(1, 1);
};

TEST_F(EngineChecksTest, AChosenEntryIsGivenOutOnceToTheLog) {
  accept(1, entry(1, b, "x"));
  accept(2, entry(1, b, "x"));
  give_out(1, entry(1, b, "x"));
  give_out(2, entry(1, b, "x"));
  EXPECT_EQ(found(), "nothing");
  EXPECT_EQ(first_commits.size(), 1u);
}

TEST_F(EngineChecksTest, PX04_WhatNoMajorityAcceptedIsFound) {
  accept(1, entry(1, b, "x"));
  give_out(1, entry(1, b, "x"));
  EXPECT_THAT(found(), HasSubstr("which no majority has accepted durably"));
}

TEST_F(EngineChecksTest, PX04_AcceptancesOfTwoBallotsDoNotAddUp) {
  accept(1, entry(1, b, "x"));
  accept(2, entry(1, ballot(258, 2), "x"));
  give_out(1, entry(1, b, "x"));
  EXPECT_THAT(found(), HasSubstr("which no majority has accepted durably"));
}

TEST_F(EngineChecksTest, PX04_WhatIsBeingWrittenIsNotAccepted) {
  accept(1, entry(1, b, "x"));
  Output output;
  output.persist.number = 1;
  output.persist.entries = {entry(1, b, "x")};
  step(2, consensus::Tick{}, output);
  give_out(1, entry(1, b, "x"));
  EXPECT_THAT(found(), HasSubstr("which no majority has accepted durably"));
}

TEST_F(EngineChecksTest, WhatARestartFindsOnItsDiskIsAccepted) {
  accept(1, entry(1, b, "x"));
  begin_life(2, {.entries = {entry(1, b, "x")}});
  give_out(1, entry(1, b, "x"));
  EXPECT_EQ(found(), "nothing");
}

// ---------------------------------------------------------------- memberships (RF-11)

class MembershipChecks : public EngineChecksTest {
 protected:
  MembershipChecks() { begin_life(4); }
  Entry membership(uint64_t index, const consensus::Membership& next) {
    Entry entry{.index = Index(index), .ballot = b, .kind = consensus::EntryKind::membership};
    entry.payload = Blob(consensus::encode_membership(next));
    return entry;
  }
  // Founders 1, 2, 3; then 4 is an observer; then 3 leaves and 4 votes.
  const consensus::Membership four =
      consensus::changed(checks.membership(), {{ReplicaId(1)}, {ReplicaId(2)}, {ReplicaId(3)}, {ReplicaId(4), false}});
  const consensus::Membership joint = consensus::changed(four, {{ReplicaId(1)}, {ReplicaId(2)}, {ReplicaId(4)}});
  void commit(const Entry& entry, std::initializer_list<int> by) {
    for (const int id : by) accept(id, entry);
    give_out(1, entry);
  }
};

TEST_F(MembershipChecks, WhileVotersChangeAMajorityOfEachDecides) {
  commit(membership(1, four), {1, 2});
  commit(membership(2, joint), {1, 3});
  EXPECT_EQ(found(), "nothing");
  EXPECT_EQ(checks.membership(), joint);
  commit(entry(3, b, "x"), {1, 3, 4});
  EXPECT_EQ(found(), "nothing");
  commit(entry(4, b, "y"), {1, 3});
  EXPECT_THAT(found(), HasSubstr("which no majority has accepted durably")) << "of 1, 2, 4 it is one";
}

TEST_F(MembershipChecks, AnObserverDecidesNothing) {
  commit(membership(1, four), {1, 2});
  commit(entry(2, b, "x"), {1, 4});
  EXPECT_THAT(found(), HasSubstr("which no majority has accepted durably"));
}

TEST_F(MembershipChecks, OneThatCannotFollowIsPassedOver) {
  commit(membership(1, four), {1, 2});
  commit(membership(2, four), {1, 2});
  EXPECT_EQ(found(), "nothing");
  EXPECT_EQ(checks.membership(), four);
}

TEST_F(MembershipChecks, TheMajoritiesThatMayBeNeededAreThoseBeforeAndThoseThatCome) {
  commit(membership(1, four), {1, 2});
  accept(1, membership(2, joint));
  EXPECT_EQ(checks.possible_memberships().size(), 3u) << "the founding one, that in force, and what a log holds";
}

// Raft and Zab cut off tails.
TEST_F(EngineChecksTest, WhatWasCutOffIsAcceptedNoMore) {
  for (const int id : {1, 2}) accept(id, entry(1, b, "x"));
  Output output;
  output.persist.number = 2;
  output.persist.truncate_from = Index(1);
  step(2, consensus::Tick{}, output);
  step(2, consensus::Persisted{2});
  give_out(1, entry(1, b, "x"));
  EXPECT_THAT(found(), HasSubstr("which no majority has accepted durably"));
}

TEST_F(EngineChecksTest, B37_WhatWasCutOffNeedNotBeThereAfterARestart) {
  accept(1, entry(1, b, "x"));
  Output output;
  output.persist.number = 2;
  output.persist.truncate_from = Index(1);
  step(1, consensus::Tick{}, output);
  step(1, consensus::Persisted{2});
  begin_life(1);
  EXPECT_EQ(found(), "nothing");
}

TEST_F(EngineChecksTest, B37_NorWhatWasBeingCutOff) {
  accept(1, entry(1, b, "x"), 1);
  accept(1, entry(2, b, "y"), 2);
  Output output;
  output.persist.number = 3;
  output.persist.truncate_from = Index(2);
  step(1, consensus::Tick{}, output);
  checks.begin_life(ReplicaId(1));  // it could not read its disk
  begin_life(1, {.entries = {entry(1, b, "x")}});
  EXPECT_EQ(found(), "nothing");
  begin_life(1);
  EXPECT_THAT(found(), HasSubstr("was durable (B37)")) << "what came before it must be";
}

TEST_F(EngineChecksTest, E1_AnotherValueIsFound) {
  for (const int id : {1, 2}) accept(id, entry(1, b, "x"));
  give_out(1, entry(1, b, "x"));
  give_out(2, entry(1, b, "y"));
  EXPECT_THAT(found(), HasSubstr("another value at index 1"));
}

TEST_F(EngineChecksTest, E1_AGapIsFound) {
  for (const uint64_t index : {1u, 2u, 3u}) {
    for (const int id : {1, 2}) accept(id, entry(index, b, "x"), index);
  }
  give_out(1, entry(1, b, "x"));
  give_out(1, entry(3, b, "x"));
  EXPECT_THAT(found(), HasSubstr("gives out index 3 after 1"));
}

TEST_F(EngineChecksTest, PX10_APromiseThatGoesBackIsFound) {
  promise(1, ballot(258, 2), 1);
  promise(1, ballot(1, 1), 2);
  EXPECT_THAT(found(), HasSubstr("writes promise 1.1 after 258.2 was durable"));
}

TEST_F(EngineChecksTest, PX10_APromiseForgottenByARestartIsFound) {
  promise(1, ballot(258, 2), 1);
  begin_life(1, {.hard_state = {.promised = ballot(1, 1)}});
  EXPECT_THAT(found(), HasSubstr("replica 1 starts with promise 1.1 after 258.2 was durable"));
}

TEST_F(EngineChecksTest, B37_AnAcceptanceForgottenByARestartIsFound) {
  accept(1, entry(1, b, "x"));
  begin_life(1);
  EXPECT_THAT(found(), HasSubstr("replica 1 starts with nothing at index 1; what it accepted there under ballot 1.1"));
}

TEST_F(EngineChecksTest, B37_AnAcceptanceThatARestartReplacesByAnOlderOneIsFound) {
  accept(1, entry(1, ballot(258, 2), "x"));
  begin_life(1, {.entries = {entry(1, b, "w")}});
  EXPECT_THAT(found(), HasSubstr("replica 1 starts with ballot 1.1 at index 1"));
}

TEST_F(EngineChecksTest, WhatIsDamagedOrCoveredOrNewerIsNotForgotten) {
  accept(1, entry(1, b, "x"), 1);
  accept(1, entry(2, b, "y"), 2);
  accept(1, entry(3, b, "z"), 3);
  begin_life(1, {.snapshot_index = Index(1), .entries = {entry(2, ballot(258, 2), "y")}, .damaged = {Index(3)}});
  EXPECT_EQ(found(), "nothing");
}

TEST_F(EngineChecksTest, B38_OfADiskThatWasSetBackNothingIsDemanded) {
  accept(1, entry(1, b, "x"));
  promise(1, ballot(258, 2), 2);
  step(1, consensus::SnapshotTaken{.index = Index(7), .ballot = b, .keep_after = Index(7)});
  checks.note_set_back(ReplicaId(1));
  begin_life(1);
  EXPECT_EQ(found(), "nothing");
}

TEST_F(EngineChecksTest, WhatWasBeingWrittenMayBeGone) {
  Output output;
  output.persist.number = 1;
  output.persist.hard_state = consensus::HardState{.promised = b};
  output.persist.entries = {entry(1, b, "x")};
  step(1, consensus::Tick{}, output);
  begin_life(1);
  EXPECT_EQ(found(), "nothing");
}

TEST_F(EngineChecksTest, B45_ASnapshotThatCannotBeReadOnAnIntactDiskIsFound) {
  step(1, consensus::SnapshotTaken{.index = Index(7), .ballot = b, .keep_after = Index(7)});
  step(2, consensus::SnapshotInstalled{.index = Index(7), .ballot = b});
  begin_life(1, {.snapshot_index = Index(7)});
  EXPECT_EQ(found(), "nothing");
  begin_life(1, {.snapshot_index = Index(3)});
  EXPECT_THAT(found(), HasSubstr("replica 1 starts with the snapshot at index 3; the one at 7 was durable"));
  checks.note_damaged(ReplicaId(2));
  begin_life(2, {.snapshot_index = Index(3)});
  EXPECT_EQ(findings.list().size(), 1u);
}

TEST_F(EngineChecksTest, E5_ARoundWithTwoMastersIsFound) {
  become(1, Role::synchronising, ballot(5, 1));
  become(2, Role::synchronising, ballot(5, 2));
  EXPECT_THAT(found(), HasSubstr("round 5 led by replica 1 and by replica 2"));
}

TEST_F(EngineChecksTest, B12_AMasterThatHearsNoMajorityAndGoesOnIsFound) {
  become(1, Role::synchronising, b);
  become(1, Role::master, b);
  hear(1, 2);
  tick_after(1, Duration::millis(400));
  EXPECT_EQ(found(), "nothing");
  tick_after(1, Duration::millis(1));
  EXPECT_THAT(found(), HasSubstr("replica 1 leads at 401 ms and has heard of no majority for 400 ms (B12)"));
}

TEST_F(EngineChecksTest, B12_SoIsOneThatNeverServed) {
  become(1, Role::synchronising, b);
  tick_after(1, Duration::millis(401));
  EXPECT_THAT(found(), HasSubstr("replica 1 leads at 401 ms"));
}

TEST_F(EngineChecksTest, B12_OneOfThreeIsEnoughToHear) {
  become(1, Role::master, b);
  for (int i = 0; i < 5; ++i) {
    tick_after(1, Duration::millis(300));
    hear(1, i % 2 == 0 ? 2 : 3);
  }
  EXPECT_EQ(found(), "nothing");
}

TEST_F(EngineChecksTest, B12_AMasterStepsDownAtItsFirstTickAfterAPause) {
  become(1, Role::master, b);
  now = now + Duration::seconds(5);
  step(1, consensus::ReadBarrier{7});  // what waited for it may come first
  EXPECT_EQ(found(), "nothing");
  Output output;
  output.role = consensus::RoleChange{.role = Role::follower, .ballot = b};
  step(1, consensus::Tick{}, output);
  EXPECT_EQ(found(), "nothing");
}

TEST_F(EngineChecksTest, E4_B25_AMasterThatLacksWhatWasAcknowledgedIsFound) {
  for (const int id : {1, 2}) accept(id, entry(1, b, "x"));
  give_out(1, entry(1, b, "x"));
  checks.note_acknowledged(Index(1));
  become(3, Role::master, ballot(259, 3));
  EXPECT_THAT(found(), HasSubstr("having given out up to index 0; 1 was acknowledged"));
}

TEST_F(EngineChecksTest, E4_AMasterOfALowerBallotOwesNothingThatIsNewer) {
  const Ballot newer = ballot(770, 2);
  for (const int id : {1, 2}) accept(id, entry(1, newer, "x"));
  give_out(1, entry(1, newer, "x"));
  checks.note_acknowledged(Index(1));
  become(3, Role::master, ballot(259, 3));  // it stood still since before
  EXPECT_EQ(found(), "nothing");
}

TEST_F(EngineChecksTest, E3_B23_AStaleReadIsFound) {
  for (const int id : {1, 2}) accept(id, entry(1, b, "x"));
  give_out(1, entry(1, b, "x"));
  checks.note_acknowledged(Index(1));
  step(3, consensus::ReadBarrier{7});
  Output output;
  output.reads = {{.token = 7, .index = Index(0)}};
  step(3, consensus::Tick{}, output);
  EXPECT_THAT(found(), HasSubstr("grants a read at index 0, but 1 was acknowledged"));
}

TEST_F(EngineChecksTest, AGrantThatNobodyAskedForIsFound) {
  Output output;
  output.reads = {{.token = 7, .index = Index(0)}};
  step(1, consensus::Tick{}, output);
  EXPECT_THAT(found(), HasSubstr("which nobody asked for"));
}

}  // namespace
}  // namespace conclave::sim
