// Numbered requests: done once, answered again until the client has the reply, in the order of their numbers (S6,
// RP-02).
#include <gtest/gtest.h>

#include "state/service/test_support.h"

namespace conclave::state {
namespace {

using namespace testing;

const SessionId kOther{0x100000000000002};

struct Calls : ::testing::Test {
  Cell cell;
  Calls() {
    cell.open();
    cell.open(kOther);
  }

  static Request numbered(uint64_t number, RequestBody body, uint64_t answered_below = 0) {
    return {.session = kClient, .body = std::move(body), .call = {number, answered_below}};
  }
  Code call(uint64_t number, RequestBody body, uint64_t answered_below = 0) {
    return cell.run(numbered(number, std::move(body), answered_below)).code;
  }
  // A create that has another effect each time.
  static RequestBody sequential() { return CreateRequest{.path = "/s", .acl = kOpen, .sequential = true}; }
  const CallReply* reply(uint64_t number) { return cell.service.call_reply(kClient, number); }
};

TEST_F(Calls, RP_02_ARetryIsNotDoneAgainAndFindsItsReply) {
  EXPECT_EQ(call(1, sequential()), Code::ok);
  const Zxid done = cell.service.last_zxid();
  cell.create("/between");
  const uint64_t digest = cell.service.digest();
  EXPECT_EQ(call(1, sequential()), Code::call_done);
  EXPECT_EQ(cell.last_refusal.after, done) << "from there on the reply can be read";
  EXPECT_EQ(cell.service.digest(), digest);
  ASSERT_NE(reply(1), nullptr);
  EXPECT_EQ(reply(1)->zxid, done);
  EXPECT_EQ(reply(1)->outcome.ops[0].path, "/s0000000000");
  EXPECT_EQ(reply(1)->outcome.ops[0].stat.czxid, done);
  EXPECT_EQ(cell.service.call_reply(kOther, 1), nullptr);
}

TEST_F(Calls, RP_02_WhateverBecameOfItsGuardSince) {
  cell.create("/f");
  Request swap = numbered(1, SetDataRequest{"/f", "2"});
  swap.guard = {"/f", cell.stat("/f").czxid, cell.stat("/f").mzxid};
  EXPECT_EQ(cell.run(swap).code, Code::ok);
  EXPECT_EQ(cell.run(swap).code, Code::call_done) << "that the content has changed is its own doing";
}

TEST_F(Calls, AReplyGoesWhenALaterRequestSaysThatItArrived) {
  for (const uint64_t number : {1, 2, 3}) call(number, sequential());
  EXPECT_EQ(call(4, sequential(), /*answered_below=*/3), Code::ok);
  EXPECT_EQ(reply(1), nullptr);
  EXPECT_EQ(reply(2), nullptr);
  EXPECT_NE(reply(3), nullptr);
  EXPECT_EQ(call(2, sequential()), Code::call_stale);
  EXPECT_EQ(call(3, sequential()), Code::call_done);
  EXPECT_EQ(call(5, sequential(), /*answered_below=*/1), Code::ok) << "what arrived once has arrived";
  EXPECT_EQ(call(2, sequential()), Code::call_stale);
}

TEST_F(Calls, RP_02_NumbersTakeEffectInTheirOrder) {
  EXPECT_EQ(call(1, DeleteRequest{"/none"}), Code::no_node);
  EXPECT_EQ(call(1, DeleteRequest{"/none"}), Code::no_node) << "a refusal leaves no trace: it may be asked again";
  EXPECT_EQ(call(3, sequential()), Code::ok);
  EXPECT_EQ(call(1, sequential()), Code::call_refused_before);
  EXPECT_EQ(call(2, sequential()), Code::call_refused_before) << "it would take effect behind a later one";
  EXPECT_EQ(call(3, sequential()), Code::call_done);
}

TEST_F(Calls, EachSessionHasItsOwn) {
  EXPECT_EQ(call(1, sequential()), Code::ok);
  EXPECT_EQ(cell.run({.session = kOther, .body = sequential(), .call = {1, 0}}).code, Code::ok);
  EXPECT_EQ(call(1, sequential()), Code::call_done);
}

TEST_F(Calls, EndWithTheirSession) {
  EXPECT_EQ(call(1, sequential()), Code::ok);
  EXPECT_EQ(call(2, CloseSessionRequest{}), Code::ok);
  EXPECT_EQ(reply(1), nullptr);
  EXPECT_EQ(reply(2), nullptr);
  EXPECT_EQ(call(1, sequential()), Code::session_expired);
  cell.open();
  EXPECT_EQ(call(1, sequential()), Code::ok) << "another session of the same id starts anew";
}

TEST_F(Calls, Errors) {
  EXPECT_EQ(cell.run({.session = SessionId(), .body = sequential(), .call = {1, 0}}).code, Code::session_expired)
      << "the cell itself numbers nothing";
  EXPECT_EQ(call(1, sequential(), 2), Code::bad_arguments) << "nobody has the reply before he asks";
  EXPECT_EQ(call(1025, sequential()), Code::throttled) << "replies are kept, but not without end";
  EXPECT_EQ(call(1025, sequential(), 1), Code::ok);
  cell.origin.replica = ReplicaId(2);
  EXPECT_EQ(call(1025, sequential()), Code::session_moved) << "nor is anything told to who does not own the session";
}

TEST_F(Calls, AMultiIsOneCall) {
  MultiRequest multi;
  multi.ops = {CreateRequest{.path = "/a", .acl = kOpen}, CreateRequest{.path = "/b", .acl = kOpen}};
  EXPECT_EQ(call(1, multi), Code::ok);
  EXPECT_EQ(call(1, multi), Code::call_done);
  EXPECT_EQ(cell.last_refusal.outcome.ops.size(), 2u);
  EXPECT_EQ(reply(1)->outcome.ops[1].path, "/b");
}

TEST_F(Calls, RP_02_ANewMasterKnowsThem) {
  call(1, sequential());
  cell.next_epoch();
  EXPECT_EQ(call(1, sequential()), Code::call_done);
  EXPECT_EQ(call(2, sequential(), 2), Code::ok);
  EXPECT_EQ(reply(1), nullptr);
}

TEST_F(Calls, AreDecidedOnWhatIsUnderWay) {
  Cell lagging({}, /*lag=*/100);
  const auto ask = [&](uint64_t number, RequestBody body, uint64_t answered_below = 0) {
    lagging.run(numbered(number, std::move(body), answered_below));
    return lagging.refused ? lagging.last_refusal.outcome.code : Code::ok;
  };
  lagging.open();
  ask(1, sequential());
  const Zxid first = lagging.evaluator->last_proposed();
  ask(3, sequential());
  EXPECT_EQ(ask(1, sequential()), Code::call_done);
  EXPECT_EQ(lagging.last_refusal.after, first);
  EXPECT_EQ(ask(2, sequential()), Code::call_refused_before);
  EXPECT_EQ(ask(4, sequential(), 3), Code::ok);
  EXPECT_EQ(ask(1, sequential()), Code::call_stale);
  ask(5, CloseSessionRequest{});
  EXPECT_EQ(ask(3, sequential()), Code::session_expired);
  lagging.open();
  EXPECT_EQ(ask(3, sequential()), Code::ok) << "of a new session, though the old one's are not closed yet";
  const Zxid third = lagging.evaluator->last_proposed();
  while (lagging.service.last_zxid() < third) {
    EXPECT_EQ(ask(3, sequential()), Code::call_done);
    EXPECT_EQ(lagging.last_refusal.after, third);
    EXPECT_EQ(ask(2, sequential()), Code::call_refused_before);
    lagging.apply_one();
  }
  EXPECT_EQ(lagging.service.call_reply(kClient, 3)->zxid, third);
  EXPECT_EQ(lagging.service.call_reply(kClient, 4), nullptr);
}

TEST_F(Calls, SurviveASnapshot) {
  call(1, sequential());
  call(3, sequential());
  Bytes bytes;
  {
    const auto cursor = cell.service.begin_snapshot();
    call(4, sequential(), /*answered_below=*/4);  // the snapshot is that of its beginning
    bytes = snapshot_of(*cursor);
  }
  Service again;
  ASSERT_TRUE(load(again, bytes, 3));
  ASSERT_NE(again.call_reply(kClient, 1), nullptr);
  EXPECT_EQ(again.call_reply(kClient, 1)->outcome.ops[0].path, "/s0000000000");
  EXPECT_EQ(again.call_reply(kClient, 2), nullptr);
  EXPECT_NE(again.call_reply(kClient, 3), nullptr);
  EXPECT_EQ(again.call_reply(kClient, 4), nullptr);
  EXPECT_FALSE(again.apply(cell.last_transaction).skipped);
  EXPECT_EQ(again.digest(), cell.service.digest());
  EXPECT_EQ(again.call_reply(kClient, 1), nullptr);
}

}  // namespace
}  // namespace conclave::state
