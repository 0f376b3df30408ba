// Leases that are asked for in datagrams (CH-98).
#include "wire/chubby/datagram.h"

#include "frontend/chubby/testing_world.h"

namespace conclave::frontend::chubby {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class DatagramTest : public ChubbyTest {
 protected:
  static wire::LeaseRequest request(const TestClient& client) {
    wire::LeaseRequest out;
    out.set_session(client.session);
    out.set_epoch(client.epoch);
    out.set_number(1);
    return out;
  }
  void ask(const wire::LeaseRequest& request, BytesView password) {
    network.receive({"10.0.0.9", 555}, wire::seal(request, password));
    executor.run();
  }
  // The answer that came to the one who asked.
  std::optional<wire::LeaseAnswer> answer(BytesView password) {
    if (network.datagrams.empty()) return std::nullopt;
    const auto [to, bytes] = std::move(network.datagrams.front());
    network.datagrams.erase(network.datagrams.begin());
    EXPECT_EQ(to, (env::Address{"10.0.0.9", 555}));
    const auto opened = wire::open_answer(bytes).value();
    EXPECT_TRUE(wire::is_genuine(opened, password));
    return opened.message;
  }
};

TEST_F(DatagramTest, CH_98_ALeaseIsGranted) {
  lead();
  TestClient one = client();
  gateway.touched.clear();
  wire::LeaseRequest ask_for = request(one);
  ask_for.set_number(9);
  ask(ask_for, one.password);
  const auto lease = answer(one.password);
  ASSERT_TRUE(lease);
  EXPECT_EQ(lease->session(), one.session);
  EXPECT_EQ(lease->epoch(), one.epoch);
  EXPECT_EQ(lease->number(), 9u);
  EXPECT_EQ(lease->lease_us(), 12'000'000u);
  EXPECT_EQ(lease->held_us(), 0u);
  EXPECT_THAT(gateway.touched, ElementsAre(SessionId(one.session))) << "the cell counts the same lease";
}

TEST_F(DatagramTest, CH_98_NoConnectionIsNeeded) {
  lead();
  TestClient one = client();
  hang_up(one);
  ask(request(one), one.password);
  EXPECT_TRUE(answer(one.password));
}

TEST_F(DatagramTest, CH_70_HeldCountsToTheBarrierAndTheLeaseFromThere) {
  lead();
  TestClient one = client();
  gateway.hold_syncs = true;
  ask(request(one), one.password);
  EXPECT_FALSE(answer(one.password)) << "nobody has confirmed that this is the master still";
  advance(Duration::seconds(1));
  gateway.complete_syncs(state::Code::connection_loss);
  advance(Duration::millis(20));
  advance(Duration::seconds(1));
  gateway.complete_syncs();
  const auto lease = answer(one.password);
  ASSERT_TRUE(lease);
  EXPECT_EQ(lease->held_us(), 1'020'000u);
}

TEST_F(DatagramTest, CH_69_NoneForWhoHasNotActedOnEverythingThatItIsTold) {
  lead();
  TestClient one = client();
  TestClient other = client();
  one.make(1, "/f");
  other.open(1, "/f");
  hang_up(other);
  const uint64_t set = one.ask(TestClient::set_call(1, "x"));
  one.heed();
  gateway.touched.clear();
  ask(request(other), other.password);
  const auto lease = answer(other.password);
  ASSERT_TRUE(lease) << "it should look at its stream";
  EXPECT_EQ(lease->lease_us(), 0u);
  EXPECT_THAT(gateway.touched, IsEmpty());
  EXPECT_FALSE(one.code(set));
  expire(other);
  EXPECT_EQ(one.code(set), wire::OK) << "one that is silent delays a change by its lease, datagrams or not";
}

// What waits when the answer leaves counts, not when the request came.
TEST_F(DatagramTest, CH_69_NorForWhoIsToldSomethingWhileTheBarrierIsUnderWay) {
  lead();
  TestClient one = client();
  TestClient other = client();
  one.make(1, "/f");
  other.open(1, "/f");
  hang_up(other);
  gateway.hold_syncs = true;
  ask(request(other), other.password);
  one.ask(TestClient::set_call(1, "x"));
  gateway.hold_syncs = false;
  gateway.complete_syncs();
  executor.run();
  const auto lease = answer(other.password);
  ASSERT_TRUE(lease);
  EXPECT_EQ(lease->lease_us(), 0u);
}

TEST_F(DatagramTest, CH_77_NorForWhoDoesNotKnowOfTheFailOver) {
  lead();
  TestClient one = client();
  fail_over();
  wire::LeaseRequest old = request(one);
  ask(old, one.password);
  EXPECT_FALSE(answer(one.password)) << "it is for a former master";
  old.set_epoch(3);
  ask(old, one.password);
  const auto lease = answer(one.password);
  ASSERT_TRUE(lease);
  EXPECT_EQ(lease->lease_us(), 0u) << "its cache is that of a former master";
}

TEST_F(DatagramTest, CH_98_WhatCannotBeBelievedIsNotAnswered) {
  lead();
  TestClient one = client();
  const SessionId zookeeper = gateway.new_session_id();
  gateway.apply(state::CreateSessionRequest{.id = zookeeper, .password = one.password, .timeout_ms = 9'000},
                SessionId());
  gateway.touched.clear();
  ask(request(one), "another password");
  wire::LeaseRequest strange = request(one);
  strange.set_session(one.session + 1);
  ask(strange, one.password);
  strange.set_session(zookeeper.value);
  ask(strange, one.password);
  network.receive({"10.0.0.9", 555}, "noise");
  network.receive({"10.0.0.9", 555}, "");
  executor.run();
  EXPECT_THAT(network.datagrams, IsEmpty());
  EXPECT_THAT(gateway.touched, IsEmpty());
}

// A datagram may come long after, and by somebody who recorded it.
TEST_F(DatagramTest, CH_98_ARequestThatComesAgainIsNotHeard) {
  lead();
  TestClient one = client();
  ask(request(one), one.password);
  ASSERT_TRUE(answer(one.password));
  gateway.touched.clear();
  ask(request(one), one.password);
  EXPECT_FALSE(answer(one.password));
  EXPECT_THAT(gateway.touched, IsEmpty()) << "a session whose client is gone must end";
}

TEST_F(DatagramTest, AReplicaThatIsNotTheMasterIsSilent) {
  lead();
  TestClient one = client();
  gateway.hold_syncs = true;
  ask(request(one), one.password);
  gateway.end_mastership(ReplicaId(2));
  wire::LeaseRequest next = request(one);
  next.set_number(2);
  ask(next, one.password);
  gateway.hold_syncs = false;
  gateway.complete_syncs();
  executor.run();
  EXPECT_THAT(network.datagrams, IsEmpty());
}

TEST_F(DatagramTest, APortThatIsTakenForDatagramsIsSaid) {
  network.datagram_sockets_max = 1;
  Settings settings;
  settings.listen = {{"127.0.0.1", 7000}, {"0.0.0.0", 7000}};
  Server refused(clock, executor, entropy, gateway, settings);
  const auto listening = refused.listen(network);
  ASSERT_FALSE(listening);
  EXPECT_THAT(listening.error().message, HasSubstr("0.0.0.0:7000"));
  EXPECT_THAT(refused.addresses(), IsEmpty()) << "all or nothing";
}

}  // namespace
}  // namespace conclave::frontend::chubby
