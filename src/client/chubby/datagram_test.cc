// Leases in datagrams, while the stream is late (CH-98).
#include "client/chubby/testing_client.h"

namespace conclave::chubby {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class DatagramTest : public ClientTest {
 protected:
  // A session whose stream brings nothing from now on, and cannot be replaced.
  void start_and_fall_silent() {
    start_with("/f");
    replica.grant();
    settle();
    replica.answers_hello = false;
  }
  bool asked(size_t times) {
    return until([&] { return replica.lease_requests.size() >= times; }, Duration::seconds(60));
  }
  bool in_jeopardy(Duration within) {
    return until([&] { return client->session_state() == SessionState::jeopardy; }, within);
  }
};

TEST_F(DatagramTest, CH_98_NoneAreSentWhileTheStreamAnswers) {
  replica.answers_keep_alives = true;
  start_with("/f");
  settle(Duration::seconds(100));
  EXPECT_THAT(replica.lease_requests, IsEmpty());
  EXPECT_EQ(client->figures().datagrams_sent, 0u);
}

TEST_F(DatagramTest, CH_98_TheyKeepASessionWhoseStreamIsLost) {
  replica.answers_datagrams = true;
  start_and_fall_silent();
  settle(Duration::seconds(100));
  EXPECT_EQ(client->session_state(), SessionState::safe);
  EXPECT_THAT(log, IsEmpty()) << "no jeopardy";
  EXPECT_GT(replica.connections, 1u) << "a connection is looked for meanwhile";
  EXPECT_EQ(replica.lease_requests.front().session(), 77);
  EXPECT_EQ(replica.lease_requests.front().epoch(), 5u);
  EXPECT_EQ(client->figures().datagram_leases, replica.lease_requests.size());
  // Each asks when a quarter of the lease is left, not all the time.
  EXPECT_LT(replica.lease_requests.size(), 14u);
}

TEST_F(DatagramTest, CH_98_TheyAreSentAgainUntilOneIsAnswered) {
  start_and_fall_silent();
  ASSERT_TRUE(asked(5));
  EXPECT_EQ(client->session_state(), SessionState::safe);
  const Instant before = client->lease_end();
  replica.send_datagram(replica.lease_answer());
  settle();
  EXPECT_GT(client->lease_end(), before + Duration::seconds(8));
}

TEST_F(DatagramTest, CH_70_ALeaseCountsFromTheRequestThatItAnswers) {
  start_and_fall_silent();
  ASSERT_TRUE(asked(1));
  const Instant sent = host().env().clock.now();
  const wire::LeaseAnswer answer = replica.lease_answer();
  ASSERT_TRUE(asked(3));
  replica.send_datagram(answer);
  settle();
  EXPECT_LT(client->lease_end(), sent + ScriptedReplica::kLease) << "not from later ones, and not from now";
  EXPECT_GT(client->lease_end(), sent + ScriptedReplica::kLease * 9 / 10);
}

TEST_F(DatagramTest, CH_71_OneEndsJeopardy) {
  start_and_fall_silent();
  ASSERT_TRUE(in_jeopardy(Duration::seconds(20)));
  replica.answers_datagrams = true;
  ASSERT_TRUE(until([&] { return client->session_state() == SessionState::safe; }, Duration::seconds(2)));
  settle();
  EXPECT_THAT(log, ElementsAre("jeopardy", "safe"));
}

TEST_F(DatagramTest, CH_98_WhatTheMasterDidNotGrantIsNotHeard) {
  start_and_fall_silent();
  ASSERT_TRUE(asked(33)) << "as many as may be under way";
  const Instant before = client->lease_end();
  const auto hear = [&](const std::function<void(wire::LeaseAnswer&)>& alter, BytesView password) {
    wire::LeaseAnswer answer = replica.lease_answer();
    alter(answer);
    replica.send_datagram(answer, password);
    settle();
    EXPECT_EQ(client->lease_end(), before);
  };
  const BytesView password = ScriptedReplica::kPassword;
  hear([](auto&) {}, "fedcba9876543210");  // sealed by somebody else
  hear([](auto& answer) { answer.set_epoch(4); }, password);
  hear([](auto& answer) { answer.set_session(78); }, password);
  hear([](auto& answer) { answer.set_number(answer.number() + 1); }, password);  // to a request that was not made
  hear([](auto& answer) { answer.set_lease_us(uint64_t{1} << 62); }, password);
  EXPECT_EQ(client->session_state(), SessionState::jeopardy);
  EXPECT_EQ(client->figures().datagram_leases, 0u);
}

// A segment of TCP's was lost on a path that drops many: its next try is a long way off, but a new connection is not.
TEST_F(DatagramTest, CH_98_NoticesThatAreStuckInTheStreamMakeANewOne) {
  start_with("/f");
  replica.grant();
  settle();
  ASSERT_TRUE(asked(1));
  EXPECT_EQ(replica.connections, 1u);
  const size_t keep_alives = replica.keep_alives.size();
  replica.send_datagram(replica.lease_answer(Duration{}));
  ASSERT_TRUE(until([&] { return replica.keep_alives.size() > keep_alives; }, Duration::millis(50)));
  EXPECT_EQ(replica.connections, 2u);
  replica.answers_keep_alives = true;
  replica.grant();
  settle(Duration::seconds(60));
  EXPECT_THAT(log, IsEmpty());
  EXPECT_EQ(replica.connections, 2u);
}

TEST_F(DatagramTest, CH_67_WhenTheSessionIsOverNothingMoreIsAsked) {
  options.grace = Duration::seconds(5);
  start_and_fall_silent();
  ASSERT_TRUE(until([&] { return client->session_state() == SessionState::expired; }, Duration::seconds(30)));
  const size_t before = replica.lease_requests.size();
  replica.answers_datagrams = true;
  settle(Duration::seconds(60));
  EXPECT_EQ(replica.lease_requests.size(), before);
}

}  // namespace
}  // namespace conclave::chubby
