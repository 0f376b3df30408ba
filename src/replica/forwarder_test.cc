#include "replica/forwarder.h"

#include <gtest/gtest.h>

namespace conclave::replica {
namespace {

Bytes encoded(const state::Outcome& outcome) {
  Bytes bytes;
  encode(outcome, &bytes);
  return bytes;
}

using wire::peer::Answers;
using wire::peer::Forward;
using wire::peer::ForwardKind;

const ReplicaId kSelf(1), kMaster(2), kNext(3);
constexpr uint64_t kIncarnation = 77;

class ForwarderTest : public testing::Test, public ForwarderPorts {
 protected:
  void forward(ReplicaId master, Forward forward) override { sent.emplace_back(master, std::move(forward)); }
  void take_own(ForwardKind, uint64_t number, const state::Request&) override { own.push_back(number); }

  // Submits a request and records its reply under `name`.
  void submit(const std::string& name, int64_t session = 9) {
    state::Request request{.session = SessionId(session), .body = state::DeleteRequest{"/" + name}};
    forwarder.submit(
        std::move(request), [this, name](Reply reply) { replies.emplace_back(name, reply.outcome.code); }, now);
  }
  void epoch_begins(uint32_t epoch) { apply(Zxid(Epoch(epoch), 1), 0); }
  void apply(Zxid zxid, uint64_t number, uint64_t incarnation = kIncarnation) {
    applied = zxid;
    forwarder.on_applied({.zxid = zxid, .origin = {kSelf, incarnation, number}}, Index(++index), now);
  }
  void flush() { forwarder.flush(applied, Index(index), now); }
  Answers refusal(uint32_t epoch, uint64_t number, Zxid after) {
    return {Epoch(epoch), kIncarnation, {{number, encoded({.code = state::Code::no_node, .ops = {}}), after, Index()}}};
  }

  Instant now{1'000'000};
  Zxid applied;
  uint64_t index = 0;
  Forwarder forwarder{kSelf, kIncarnation, *this};
  std::vector<std::pair<ReplicaId, Forward>> sent;
  std::vector<uint64_t> own;
  std::vector<std::pair<std::string, state::Code>> replies;
};

TEST_F(ForwarderTest, F2_NothingLeavesBeforeTheEpochHasBegunHere) {
  forwarder.on_master(kMaster, Epoch(258));
  submit("a");
  flush();
  EXPECT_TRUE(sent.empty());
  epoch_begins(258);
  flush();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].first, kMaster);
  EXPECT_EQ(sent[0].second.epoch, Epoch(258));
  EXPECT_EQ(sent[0].second.first_sequence, 1u);
  EXPECT_EQ(sent[0].second.items.size(), 1u);
}

TEST_F(ForwarderTest, ARequestCompletesWhenItsTransactionApplies) {
  forwarder.on_master(kMaster, Epoch(2));
  epoch_begins(2);
  submit("a");
  submit("b");
  flush();
  EXPECT_EQ(sent[0].second.items.size(), 2u);      // one message for the turn
  apply(Zxid(Epoch(2), 2), 1, /*incarnation=*/5);  // a former process of this replica asked for that one
  EXPECT_TRUE(replies.empty());
  apply(Zxid(Epoch(2), 3), 1);
  EXPECT_EQ(replies, (std::vector<std::pair<std::string, state::Code>>{{"a", state::Code::ok}}));
  EXPECT_EQ(forwarder.outstanding(), 1u);
}

TEST_F(ForwarderTest, ARefusalWaitsForWhatItDependsOn) {
  forwarder.on_master(kMaster, Epoch(2));
  epoch_begins(2);
  submit("a");
  flush();
  forwarder.on_answers(refusal(2, 1, Zxid(Epoch(2), 2)));
  flush();
  EXPECT_TRUE(replies.empty());
  apply(Zxid(Epoch(2), 2), 0);
  ASSERT_EQ(replies.size(), 1u);
  EXPECT_EQ(replies[0].second, state::Code::no_node);
}

// ZooKeeper's FIFO order of one client: a read behind a refused write must not show what the session writes later.
TEST_F(ForwarderTest, ARefusalThatHoldsCompletesBeforeAnythingElseApplies) {
  forwarder.on_master(kMaster, Epoch(2));
  epoch_begins(2);
  submit("refused");
  submit("later");
  flush();
  forwarder.on_answers(refusal(2, 1, Zxid(Epoch(2), 1)));
  forwarder.complete_ready(applied, Index(index));  // as the frame is handled, not at the end of the turn
  EXPECT_EQ(replies.size(), 1u);
  apply(Zxid(Epoch(2), 2), 2);
  ASSERT_EQ(replies.size(), 2u);
  EXPECT_EQ(replies[0].first, "refused");
}

TEST_F(ForwarderTest, F1_SequencesGoOnAndABrokenConnectionGoesBack) {
  forwarder.on_master(kMaster, Epoch(2));
  epoch_begins(2);
  submit("a");
  submit("b");
  flush();
  submit("c");
  flush();
  EXPECT_EQ(sent[1].second.first_sequence, 3u);
  apply(Zxid(Epoch(2), 2), 1);
  sent.clear();
  forwarder.on_master_connected(now);
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].second.first_sequence, 2u);
  EXPECT_EQ(sent[0].second.answered_below, 2u);
  EXPECT_EQ(sent[0].second.items.size(), 2u);
}

TEST_F(ForwarderTest, SilenceGoesBackToo) {
  forwarder.on_master(kMaster, Epoch(2));
  epoch_begins(2);
  submit("a");
  flush();
  forwarder.on_tick(now + Duration::millis(900), Duration::seconds(1));
  EXPECT_EQ(sent.size(), 1u);
  forwarder.on_tick(now + Duration::millis(1100), Duration::seconds(1));
  EXPECT_EQ(sent.size(), 2u);
}

// An answer that the network lost must not wait for a pause of all others.
TEST_F(ForwarderTest, WhatIsUnansweredIsAskedAgainHoweverMuchElseGoesOn) {
  forwarder.on_master(kMaster, Epoch(2));
  epoch_begins(2);
  submit("a", 9);
  flush();
  for (uint64_t number = 2; number <= 4; ++number) {
    now = now + Duration::millis(400);
    submit("other", 10);
    flush();
    apply(Zxid(Epoch(2), static_cast<uint32_t>(number)), number);
    forwarder.on_tick(now, Duration::seconds(1));
  }
  ASSERT_EQ(sent.size(), 5u);
  EXPECT_EQ(sent[4].second.first_sequence, 1u);
  now = now + Duration::millis(400);
  forwarder.on_tick(now, Duration::seconds(1));
  EXPECT_EQ(sent.size(), 5u) << "once in a while";
}

TEST_F(ForwarderTest, ARequestAfterAPauseIsNotAskedTwice) {
  forwarder.on_master(kMaster, Epoch(2));
  epoch_begins(2);
  now = now + Duration::seconds(5);
  forwarder.on_tick(now, Duration::seconds(1));
  now = now + Duration::seconds(5);
  submit("a");
  flush();
  forwarder.on_tick(now, Duration::seconds(1));
  EXPECT_EQ(sent.size(), 1u);
}

TEST_F(ForwarderTest, F2_TheNextMasterGetsWhatTheOldOneLeftAndNothingElse) {
  forwarder.on_master(kMaster, Epoch(2));
  epoch_begins(2);
  submit("a");
  submit("b");
  flush();
  sent.clear();
  forwarder.on_master(kNext, Epoch(3));
  flush();
  EXPECT_TRUE(sent.empty());    // "a" or "b" may still be chosen
  apply(Zxid(Epoch(2), 2), 1);  // "a" was
  epoch_begins(3);              // "b" can no longer be
  flush();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].first, kNext);
  EXPECT_EQ(sent[0].second.first_sequence, 1u);
  ASSERT_EQ(sent[0].second.items.size(), 1u);
  EXPECT_EQ(sent[0].second.items[0].number, 2u);
}

// Found by the simulator (seed 4000347): the next master cannot read a request that is not there any more, and
// everything behind it waited for ever.
TEST_F(ForwarderTest, F1_WhatIsDoneAmongWhatIsNotKeepsItsPlaceInTheNextStream) {
  forwarder.on_master(kMaster, Epoch(2));
  epoch_begins(2);
  submit("a", 7);
  submit("b", 8);
  submit("c", 9);
  flush();
  sent.clear();
  apply(Zxid(Epoch(2), 2), 2);
  forwarder.on_master(kNext, Epoch(3));
  epoch_begins(3);
  flush();
  ASSERT_EQ(sent.size(), 1u);
  ASSERT_EQ(sent[0].second.items.size(), 3u);
  for (const Forward::Item& item : sent[0].second.items) {
    EXPECT_TRUE(item.kind == ForwardKind::sync || state::decode_request(item.body.view())) << item.number;
  }
  apply(Zxid(Epoch(3), 2), 1);
  forwarder.on_answers({Epoch(3), kIncarnation, {{2, {}, Zxid(), Index()}}});  // nobody waits for it
  flush();
  apply(Zxid(Epoch(3), 3), 3);
  EXPECT_EQ(replies.size(), 3u);
  EXPECT_EQ(forwarder.outstanding(), 0u);
}

TEST_F(ForwarderTest, F2_ARefusalOfALostFutureIsForgotten) {
  forwarder.on_master(kMaster, Epoch(2));
  epoch_begins(2);
  submit("a");
  flush();
  forwarder.on_answers(refusal(2, 1, Zxid(Epoch(2), 9)));  // 2/9 will never apply
  forwarder.on_master(kNext, Epoch(3));
  epoch_begins(3);
  flush();
  EXPECT_TRUE(replies.empty());
  EXPECT_EQ(sent.back().second.items.size(), 1u);
  forwarder.on_answers(refusal(2, 1, Zxid()));  // a late packet of the old master
  flush();
  EXPECT_TRUE(replies.empty());
  forwarder.on_answers(refusal(3, 1, Zxid()));
  flush();
  EXPECT_EQ(replies.size(), 1u);
}

// The old master refused the first and logged the second; its answer is lost with it. Evaluated again by the next
// master, the first would be done after the second.
TEST_F(ForwarderTest, F4_ALostRefusalIsNotAskedAgainBehindALaterRequestOfItsSession) {
  forwarder.on_master(kMaster, Epoch(2));
  epoch_begins(2);
  submit("refused");
  submit("of another session", 8);
  submit("logged");
  flush();
  forwarder.on_master(kNext, Epoch(3));
  apply(Zxid(Epoch(2), 2), 3);  // chosen under the old master, told by the new one
  using Replies = std::vector<std::pair<std::string, state::Code>>;
  EXPECT_EQ(replies, (Replies{{"refused", state::Code::connection_loss}, {"logged", state::Code::ok}}));
  sent.clear();
  epoch_begins(3);
  flush();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].second.items.size(), 2u) << "the one of the other session, and the done one that keeps its place";
}

// Found by the simulator (seed 46 of the profile `locks`): the client came back while the gate held its earlier
// request, which was answered as lost, and done afterwards.
TEST_F(ForwarderTest, F4_TheReturnOfAClientTellsNothingOfWhatTheGateMayHold) {
  forwarder.on_master(kMaster, Epoch(2));
  epoch_begins(2);
  submit("a");
  forwarder.submit(
      {.session = SessionId(9), .body = state::ResumeSessionRequest{"secret"}},
      [this](Reply reply) { replies.emplace_back("return", reply.outcome.code); }, now);
  flush();
  apply(Zxid(Epoch(2), 2), 2);
  EXPECT_EQ(replies, (decltype(replies){{"return", state::Code::ok}}));
  apply(Zxid(Epoch(2), 3), 1);
  EXPECT_EQ(replies, (decltype(replies){{"return", state::Code::ok}, {"a", state::Code::ok}}));
}

TEST_F(ForwarderTest, F4_ALaterRefusalTellsThatAnEarlierAnswerIsLost) {
  forwarder.on_master(kMaster, Epoch(2));
  epoch_begins(2);
  submit("first");
  submit("second");
  flush();
  forwarder.on_answers(refusal(2, 2, Zxid(Epoch(2), 1)));
  flush();
  ASSERT_EQ(replies.size(), 2u);
  EXPECT_EQ(replies[0], std::pair(std::string("first"), state::Code::connection_loss));
  EXPECT_EQ(replies[1], std::pair(std::string("second"), state::Code::no_node));
}

TEST_F(ForwarderTest, LosingSightOfTheSameMasterKeepsItsNumbering) {
  forwarder.on_master(kMaster, Epoch(2));
  epoch_begins(2);
  submit("a");
  flush();
  apply(Zxid(Epoch(2), 2), 1);
  forwarder.on_master(ReplicaId(), Epoch(2));
  submit("b");
  flush();
  EXPECT_EQ(sent.size(), 1u);
  forwarder.on_master(kMaster, Epoch(2));
  flush();
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(sent[1].second.first_sequence, 2u);  // the master has taken 1 and expects 2
}

TEST_F(ForwarderTest, F3_GivingUpAnswersEverythingOnceAndStartsANewStream) {
  forwarder.on_master(kMaster, Epoch(2));
  epoch_begins(2);
  submit("a");
  submit("b", 8);
  flush();
  apply(Zxid(Epoch(2), 2), 2);
  forwarder.fail_all();
  EXPECT_EQ(replies, (std::vector<std::pair<std::string, state::Code>>{{"b", state::Code::ok},
                                                                       {"a", state::Code::connection_loss}}));
  apply(Zxid(Epoch(2), 3), 1);  // it happened after all; nobody waits
  EXPECT_EQ(replies.size(), 2u);
  submit("c");
  flush();
  EXPECT_EQ(sent.back().second.first_sequence, 1u);
  EXPECT_NE(sent.back().second.incarnation, kIncarnation);
}

TEST_F(ForwarderTest, TheMasterItselfTakesItsOwnRequests) {
  forwarder.on_master(kSelf, Epoch(2));
  epoch_begins(2);
  submit("a");
  submit("b");
  flush();
  EXPECT_EQ(own, (std::vector<uint64_t>{1, 2}));
  EXPECT_TRUE(sent.empty());
  flush();
  EXPECT_EQ(own.size(), 2u);
}

TEST_F(ForwarderTest, SyncWaitsForItsIndex) {
  forwarder.on_master(kMaster, Epoch(2));
  epoch_begins(2);
  bool synced = false;
  forwarder.submit_sync([&](Reply) { synced = true; }, now);
  submit("refused");
  flush();
  ASSERT_EQ(sent.back().second.items.size(), 2u);
  EXPECT_EQ(sent.back().second.items[0].kind, ForwardKind::sync);
  forwarder.on_answers({Epoch(2), kIncarnation, {{1, "", Zxid(), Index(3)}}});
  forwarder.on_answers(refusal(2, 2, Zxid()));
  flush();
  EXPECT_FALSE(synced);
  EXPECT_EQ(replies.size(), 1u) << "an answer that is ready overtakes one that is not";
  apply(Zxid(Epoch(2), 2), 0);
  apply(Zxid(Epoch(2), 3), 0);
  flush();
  EXPECT_TRUE(synced);
}

}  // namespace
}  // namespace conclave::replica
