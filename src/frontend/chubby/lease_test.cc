// KeepAlives and the leases that they are granted (CH-67 … CH-70).
#include "frontend/chubby/testing_world.h"

namespace conclave::frontend::chubby {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class LeaseTest : public ChubbyTest {
 protected:
  void SetUp() override { lead(); }
  TestClient greeted() {
    TestClient out = connect();
    out.hello();
    EXPECT_TRUE(out.welcomed());
    return out;
  }
};

TEST_F(LeaseTest, CH_71_TheFirstKeepAliveOfAConnectionIsAnsweredAtOnce) {
  TestClient one = greeted();
  one.keep_alive();
  const auto lease = one.lease();
  ASSERT_TRUE(lease) << "its client may be in jeopardy";
  EXPECT_EQ(lease->lease_us(), 12'000'000u);
  EXPECT_EQ(lease->held_us(), 0u);
  EXPECT_EQ(lease->epoch(), 2u);
  EXPECT_EQ(lease->number(), 1u);
  hang_up(one);
  TestClient again = connect();
  again.resume(one);
  ASSERT_TRUE(again.welcomed());
  again.keep_alive();
  EXPECT_TRUE(again.lease());
}

TEST_F(LeaseTest, CH_68_TheNextIsHeldForTwoThirdsOfALease) {
  TestClient one = client();
  advance(Duration::millis(7'900));
  EXPECT_FALSE(one.lease());
  advance(Duration::millis(200));
  const auto lease = one.lease();
  ASSERT_TRUE(lease);
  EXPECT_EQ(lease->number(), 2u);
  EXPECT_GE(lease->held_us(), 8'000'000u);
  EXPECT_LE(lease->held_us(), 8'100'000u);
}

// With as many KeepAlives a second for twice the sessions; each keeps its own length, over fail-overs too.
TEST(LeaseLength, CH_68_LongerLeasesWhenThereAreMany) {
  Settings settings;
  EXPECT_EQ(settings.lease_beside(0), Duration::seconds(12));
  EXPECT_EQ(settings.lease_beside(5'000), Duration::seconds(12));
  EXPECT_EQ(settings.lease_beside(10'000), Duration::seconds(24));
  EXPECT_EQ(settings.lease_beside(25'000), Duration::seconds(60));
  EXPECT_EQ(settings.lease_beside(1'000'000), Duration::seconds(60));
  settings.lease_max = Duration::seconds(1);
  EXPECT_EQ(settings.lease_beside(10'000), Duration::seconds(12)) << "never shorter";
}

class CrowdedLeaseTest : public LeaseTest {
 protected:
  void SetUp() override {
    Settings settings;
    settings.lease_sessions = 1;
    lead(2, settings);
  }
};

TEST_F(CrowdedLeaseTest, CH_68_EachSessionKeepsTheLengthThatItBeganWith) {
  TestClient first = client();
  TestClient second = client();
  TestClient third = connect();
  third.hello();
  EXPECT_EQ(third.welcomed()->lease_ms(), 24'000u);
  third.keep_alive();
  EXPECT_EQ(third.lease()->lease_us(), 24'000'000u);
  third.keep_alive();
  EXPECT_EQ(gateway.state().session(SessionId(third.session))->timeout_ms, 24'000) << "the cell counts the same";
  advance(Duration::millis(8'100));
  EXPECT_TRUE(first.lease());
  EXPECT_FALSE(third.lease());
  advance(Duration::seconds(8));
  EXPECT_TRUE(third.lease()) << "held for two thirds of its own";
  hang_up(first);
  hang_up(second);
  fail_over();
  TestClient back = connect();
  back.resume(third);
  EXPECT_EQ(back.welcomed()->lease_ms(), 24'000u);
  back.keep_alive();
  EXPECT_EQ(back.lease()->lease_us(), 24'000'000u);
}

TEST_F(LeaseTest, CH_69_AnEventIsToldAtOnce) {
  TestClient writer = client();
  TestClient reader = client();
  writer.make(1, "/f");
  wire::Call open = TestClient::open_call(1, "/f", kRead);
  open.mutable_open()->set_events(wire::EVENT_CONTENT_CHANGED);
  reader.call(open);
  reader.close(1);
  open.mutable_open()->set_handle(2);
  reader.call(open);
  advance(Duration::seconds(1));
  const uint64_t set = writer.ask(TestClient::set_call(1, "x"));
  reader.keep_alive(reader.acted_on);  // one too many: it has one waiting
  EXPECT_TRUE(reader.closed()) << "one KeepAlive waits at a time";
  EXPECT_FALSE(writer.code(set)) << "the reader may have it cached, and the writer";
}

TEST_F(LeaseTest, CH_70_HeldCountsToTheBarrierAndTheLeaseFromThere) {
  TestClient one = greeted();
  gateway.hold_syncs = true;
  one.keep_alive();
  EXPECT_FALSE(one.lease()) << "nobody has confirmed that this is the master still";
  EXPECT_THAT(gateway.touched, IsEmpty());
  advance(Duration::seconds(1));
  gateway.complete_syncs(state::Code::connection_loss);
  advance(Duration::millis(20));
  EXPECT_FALSE(one.lease());
  ASSERT_EQ(gateway.syncs_held(), 1u) << "it is asked again";
  advance(Duration::seconds(1));
  gateway.complete_syncs();
  const auto lease = one.lease();
  ASSERT_TRUE(lease);
  EXPECT_EQ(lease->held_us(), 1'020'000u) << "until the barrier was asked for, not until it held";
  EXPECT_THAT(gateway.touched, ElementsAre(SessionId(one.session))) << "the cell counts the same lease";
}

TEST_F(LeaseTest, CH_67_ADeposedMasterGrantsNothing) {
  TestClient one = greeted();
  gateway.hold_syncs = true;
  one.keep_alive();
  gateway.end_mastership(ReplicaId(2));
  executor.run();
  advance(Duration::seconds(1));
  EXPECT_FALSE(one.lease());
  EXPECT_TRUE(one.elsewhere());
}

TEST_F(LeaseTest, CH_69_NoneIsGrantedToWhoDoesNotAcknowledgeWhatItWasTold) {
  TestClient one = client();
  TestClient other = client();
  one.make(1, "/f");
  other.open(1, "/f");
  one.ask(TestClient::set_call(1, "x"));
  EXPECT_THAT(other.told(), ElementsAre("invalidate /f"));
  other.keep_alive(0);
  EXPECT_TRUE(other.closed());
  EXPECT_FALSE(other.lease());
  EXPECT_EQ(contents("/f"), "");
}

TEST_F(LeaseTest, WhoAcknowledgesWhatNobodyToldIsCutOff) {
  TestClient one = client();
  hang_up(one);
  TestClient again = connect();
  again.resume(one);
  ASSERT_TRUE(again.welcomed());
  again.keep_alive(7);
  EXPECT_TRUE(again.closed());
}

TEST_F(LeaseTest, CH_69_WhatWasToldOnALostConnectionIsToldAgain) {
  TestClient one = client();
  TestClient other = client();
  one.make(1, "/f");
  other.open(1, "/f");
  one.ask(TestClient::set_call(1, "x"));
  hang_up(other);
  TestClient again = connect();
  again.resume(other);
  ASSERT_TRUE(again.welcomed());
  again.keep_alive();
  EXPECT_THAT(again.told(), ElementsAre("invalidate /f"));
}

TEST_F(LeaseTest, CH_69_WhatWasActedOnBeforeTheConnectionWasLostMayBeAcknowledgedOnTheNext) {
  TestClient one = client();
  TestClient other = client();
  one.make(1, "/f");
  other.open(1, "/f");
  const uint64_t set = one.ask(TestClient::set_call(1, "x"));
  EXPECT_THAT(one.told(), ElementsAre("invalidate /f"));
  one.keep_alive();
  EXPECT_THAT(other.told(), ElementsAre("invalidate /f"));
  hang_up(other);
  TestClient again = connect();
  again.resume(other);
  ASSERT_TRUE(again.welcomed());
  again.keep_alive();
  EXPECT_THAT(again.told(), IsEmpty());
  EXPECT_EQ(one.code(set), wire::OK);
}

TEST_F(LeaseTest, CH_77_AKeepAliveOfAFormerEpochIsGrantedNothingAndToldTheNumber) {
  TestClient one = greeted();
  one.epoch = 1;
  one.keep_alive();
  const auto reply = one.lease();
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->lease_us(), 0u);
  EXPECT_EQ(reply->epoch(), 2u);
  EXPECT_THAT(gateway.touched, IsEmpty());
}

TEST_F(LeaseTest, CH_67_ASessionEndsWhenTheCellSaysSoAndItsClientIsTold) {
  TestClient one = client();
  one.make(1, "/f");
  expire(one);
  EXPECT_EQ(one.over(), "the session has expired");
  EXPECT_TRUE(one.closed());
  EXPECT_EQ(server->figures().master.handles, 0u);
  EXPECT_EQ(server->figures().master.sessions, 0u);
}

TEST_F(LeaseTest, CH_66_ASessionEndsWhenItsClientAsks) {
  TestClient one = client();
  wire::Call end;
  end.mutable_end_session();
  EXPECT_EQ(one.call(end).code(), wire::OK);
  EXPECT_TRUE(one.closed());
  EXPECT_FALSE(one.over());
  EXPECT_EQ(gateway.state().session_count(), 0u);
}

TEST_F(LeaseTest, CH_66_ASessionThatCannotEndNowGoesOn) {
  TestClient one = client();
  gateway.hold = true;
  wire::Call end;
  end.mutable_end_session();
  const uint64_t number = one.ask(end);
  gateway.fail_held(0, state::Code::connection_loss);
  EXPECT_EQ(one.code(number), wire::UNAVAILABLE);
  gateway.hold = false;
  EXPECT_EQ(one.open(1, "/").code(), wire::OK);
}

}  // namespace
}  // namespace conclave::frontend::chubby
