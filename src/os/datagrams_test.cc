// Datagrams over real loopback sockets, and look-ups: their part of the contract of env::Network.
#include "os/datagrams.h"

#include <algorithm>
#include <atomic>
#include <gtest/gtest.h>
#include <string>
#include <utility>
#include <vector>

#include "os/network.h"
#include "os/test_world.h"

namespace conclave::os {
namespace {

constexpr size_t kBytesMax = env::DatagramSocket::kBytesMax;

// A socket and what it received.
struct Party {
  std::unique_ptr<env::DatagramSocket> socket;
  std::vector<std::string> heard;
  std::vector<env::Address> from;
  std::function<void()> on_datagram;
};

class DatagramsTest : public testing::Test {
 protected:
  Result<> open(Party& party, const env::Address& local = {.host = "127.0.0.1", .port = 0}) {
    auto socket = network_.open_datagrams(local, [this, &party](const env::Address& from, BytesView bytes) {
      EXPECT_FALSE(inside_call_) << "never from inside a call";
      party.heard.emplace_back(bytes);
      party.from.push_back(from);
      if (party.on_datagram) party.on_datagram();
    });
    if (!socket) return std::unexpected(socket.error());
    party.socket = std::move(*socket);
    return {};
  }
  std::string send(Party& party, const env::Address& to, BytesView bytes) {
    inside_call_ = true;
    const auto sent = party.socket->send(to, bytes);
    inside_call_ = false;
    return sent ? "sent" : sent.error().message;
  }
  bool has_ipv6() {
    Party party;
    return open(party, {.host = "::1", .port = 0}).has_value();
  }

  Loop loop_;
  Network network_{loop_};
  Party a_, b_;
  bool inside_call_ = false;
};

TEST_F(DatagramsTest, GoThereAndAreAnswered) {
  ASSERT_TRUE(open(a_).has_value());
  ASSERT_TRUE(open(b_).has_value());
  EXPECT_NE(a_.socket->local().port, 0);
  b_.on_datagram = [&] { send(b_, b_.from.back(), "re: " + b_.heard.back()); };
  const std::string full(kBytesMax, 'x');
  EXPECT_EQ(send(a_, b_.socket->local(), "one"), "sent");
  EXPECT_EQ(send(a_, b_.socket->local(), ""), "sent");
  EXPECT_EQ(send(a_, b_.socket->local(), full), "sent");
  ASSERT_TRUE(run_until(loop_, [&] { return b_.heard.size() == 3; }));
  EXPECT_EQ(b_.heard, (std::vector<std::string>{"one", "", full}));
  EXPECT_EQ(b_.from.front(), a_.socket->local());
  ASSERT_TRUE(run_until(loop_, [&] { return a_.heard.size() == 2; }));
  EXPECT_EQ(a_.heard, (std::vector<std::string>{"re: one", "re: "})) << "the third answer would be too large";
  EXPECT_EQ(a_.from.front(), b_.socket->local());
  EXPECT_EQ(a_.socket->dropped(), 0u);
}

TEST_F(DatagramsTest, WhatCanNeverBeSentIsRefused) {
  ASSERT_TRUE(open(a_).has_value());
  const std::string own = to_string(a_.socket->local());
  EXPECT_EQ(send(a_, a_.socket->local(), std::string(kBytesMax + 1, 'x')),
            "send to " + own + ": 1201 bytes are too many for a datagram");
  EXPECT_EQ(send(a_, {.host = "replica.example", .port = 1}, "x"), "send to replica.example:1: not a literal address");
  EXPECT_EQ(send(a_, {.host = "", .port = 1}, "x"), "send to :1: not a literal address");
  EXPECT_EQ(send(a_, {.host = "127.0.0.1", .port = 0}, "x"), "send to 127.0.0.1:0: no port");
  EXPECT_EQ(send(a_, {.host = "::1", .port = 1}, "x"), "send to [::1]:1: the socket at " + own + " has IPv4 only");
  EXPECT_EQ(a_.socket->dropped(), 0u);
}

TEST_F(DatagramsTest, WhatTheSystemDoesNotTakeIsLostAndCounted) {
  ASSERT_TRUE(open(a_).has_value());
  EXPECT_EQ(send(a_, {.host = "255.255.255.255", .port = 1}, "to all, which needs a permission"), "sent");
  EXPECT_EQ(a_.socket->dropped(), 1u);
  Party nobody;
  ASSERT_TRUE(open(nobody).has_value());
  const env::Address gone = nobody.socket->local();
  nobody.socket.reset();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(send(a_, gone, "unheard"), "sent");
  ASSERT_TRUE(open(b_).has_value());
  EXPECT_EQ(send(a_, b_.socket->local(), "heard"), "sent") << "what became of others is no error of this one";
  ASSERT_TRUE(run_until(loop_, [&] { return !b_.heard.empty(); }));
  EXPECT_EQ(b_.heard.front(), "heard");
}

TEST_F(DatagramsTest, AFloodIsReadInPartsAndItsRestIsLost) {
  constexpr size_t kSent = 5000;
  ASSERT_TRUE(open(a_).has_value());
  ASSERT_TRUE(open(b_).has_value());
  const std::string full(kBytesMax, 'x');
  for (size_t i = 0; i < kSent; ++i) ASSERT_EQ(send(a_, b_.socket->local(), full), "sent");
  size_t before = 0, most = 0, quiet_turns = 0;
  std::function<void()> each_turn = [&] {
    const size_t now = b_.heard.size() - std::exchange(before, b_.heard.size());
    most = std::max(most, now);
    quiet_turns = now == 0 ? quiet_turns + 1 : 0;
    loop_.post([&] { each_turn(); });
  };
  each_turn();
  ASSERT_TRUE(run_until(loop_, [&] { return quiet_turns > 10; }));
  EXPECT_EQ(most, UdpSocket::kPerTurnMax);
  EXPECT_GT(b_.heard.size(), UdpSocket::kPerTurnMax);
  EXPECT_LT(b_.heard.size(), kSent);
  EXPECT_EQ(send(a_, b_.socket->local(), "last"), "sent");
  ASSERT_TRUE(run_until(loop_, [&] { return b_.heard.back() == "last"; })) << "there is room again";
}

TEST_F(DatagramsTest, LargerOnesOfOthersAreDropped) {
  ASSERT_TRUE(open(b_).has_value());
  const Fd stranger(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const SocketAddress to = resolve_literal(b_.socket->local()).front();
  for (const size_t size : {size_t{60'000}, kBytesMax + 1, kBytesMax}) {
    const std::string bytes(size, 'x');
    ASSERT_EQ(sendto(stranger.get(), bytes.data(), size, 0, to.get(), to.size), static_cast<ssize_t>(size));
  }
  ASSERT_TRUE(run_until(loop_, [&] { return !b_.heard.empty(); }));
  EXPECT_EQ(b_.heard.size(), 1u);
  EXPECT_EQ(b_.heard.front().size(), kBytesMax);
}

TEST_F(DatagramsTest, ASocketMayBeDestroyedInsideItsOwnCallback) {
  ASSERT_TRUE(open(a_).has_value());
  int calls = 0;
  std::string kept;
  b_.socket = network_
                  .open_datagrams({.host = "127.0.0.1", .port = 0},
                                  [&, own = std::string("what the callback holds stays until it returns")](
                                      const env::Address&, BytesView) {
                                    ++calls;
                                    b_.socket.reset();
                                    kept = own;
                                  })
                  .value();
  const env::Address to = b_.socket->local();
  for (int i = 0; i < 3; ++i) send(a_, to, "x");
  ASSERT_TRUE(run_until(loop_, [&] { return calls > 0; }));
  ASSERT_TRUE(open(b_, to).has_value());
  send(a_, to, "of the next");
  ASSERT_TRUE(run_until(loop_, [&] { return !b_.heard.empty(); }));
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(kept, "what the callback holds stays until it returns");
  EXPECT_EQ(b_.heard.size(), 1u);
}

TEST_F(DatagramsTest, DestroyingEndsAll) {
  ASSERT_TRUE(open(a_).has_value());
  ASSERT_TRUE(open(b_).has_value());
  const env::Address to = b_.socket->local();
  send(a_, to, "waits in the socket");
  b_.socket.reset();
  ASSERT_TRUE(open(b_, to).has_value()) << "the port is free again";
  send(a_, to, "new");
  ASSERT_TRUE(run_until(loop_, [&] { return !b_.heard.empty(); }));
  EXPECT_EQ(b_.heard, (std::vector<std::string>{"new"}));
}

TEST_F(DatagramsTest, OpenErrorsSayWhat) {
  ASSERT_TRUE(open(a_).has_value());
  const auto taken = open(b_, a_.socket->local());
  ASSERT_FALSE(taken.has_value());
  EXPECT_EQ(taken.error().message,
            "receive datagrams at " + to_string(a_.socket->local()) + ": Address already in use");
  EXPECT_EQ(taken.error().kind, ErrorKind::already_exists);
  EXPECT_FALSE(open(b_, {.host = "192.0.2.1", .port = 0}).has_value()) << "not ours";
  EXPECT_TRUE(network_.listen(a_.socket->local(), [](auto) {}).has_value()) << "streams have ports of their own";
}

TEST_F(DatagramsTest, EmptyHostTakesIPv4AndIPv6) {
  ASSERT_TRUE(open(b_, {.host = "", .port = 0}).has_value());
  ASSERT_TRUE(open(a_).has_value());
  const uint16_t port = b_.socket->local().port;
  b_.on_datagram = [&] { EXPECT_TRUE(b_.socket->send(b_.from.back(), "answer").has_value()); };
  EXPECT_EQ(send(a_, {.host = "127.0.0.1", .port = port}, "x"), "sent");
  ASSERT_TRUE(run_until(loop_, [&] { return a_.heard.size() == 1; }));
  EXPECT_EQ(b_.from.back(), a_.socket->local()) << "shown as IPv4";
  if (!has_ipv6()) return;
  Party c;
  ASSERT_TRUE(open(c, {.host = "::1", .port = 0}).has_value());
  EXPECT_EQ(send(c, {.host = "::1", .port = port}, "x"), "sent");
  ASSERT_TRUE(run_until(loop_, [&] { return c.heard.size() == 1; }));
  EXPECT_EQ(b_.from.back(), c.socket->local());
}

TEST_F(DatagramsTest, IPv6AloneDoesNotReachIPv4) {
  if (!has_ipv6()) GTEST_SKIP() << "no IPv6 on this machine";
  ASSERT_TRUE(open(a_, {.host = "::1", .port = 0}).has_value());
  ASSERT_TRUE(open(b_, {.host = "::1", .port = 0}).has_value());
  EXPECT_EQ(send(a_, b_.socket->local(), "x"), "sent");
  ASSERT_TRUE(run_until(loop_, [&] { return b_.heard.size() == 1; }));
  EXPECT_EQ(b_.from.front(), a_.socket->local());
  EXPECT_EQ(send(a_, {.host = "127.0.0.1", .port = 1}, "x"),
            "send to 127.0.0.1:1: the socket at " + to_string(a_.socket->local()) + " has IPv6 only");
}

class ResolveTest : public testing::Test {
 protected:
  // Names end in ".example"; those that begin with "silent" are not answered until `release_`.
  Result<std::vector<SocketAddress>> look_up(const env::Address& address) {
    if (address.host == "silent.example") release_.wait(false);
    if (address.host == "none.example") return fail(ErrorKind::not_found, "resolve none.example: unknown");
    auto both = resolve_literal({.host = "127.0.0.1", .port = address.port});
    for (const auto& one : resolve_literal({.host = "::1", .port = address.port})) both.push_back(one);
    return both;
  }
  std::unique_ptr<Network> network() {
    return std::make_unique<Network>(
        loop_, std::make_unique<Resolver>(loop_, [this](const env::Address& address) { return look_up(address); }));
  }
  std::string resolve(Network& network, const env::Address& address, Duration timeout = Duration::seconds(5)) {
    std::string outcome;
    network.resolve(address, timeout, [&](Result<std::vector<env::Address>> found) {
      EXPECT_EQ(outcome, "") << "once";
      if (!found) outcome = found.error().message;
      if (!found) return;
      for (const env::Address& one : *found) outcome += to_string(one) + " ";
    });
    EXPECT_EQ(outcome, "") << "never from inside the call";
    EXPECT_TRUE(run_until(loop_, [&] { return !outcome.empty(); }));
    return outcome;
  }
  void release() {
    release_ = true;
    release_.notify_all();
  }

  Loop loop_;
  std::atomic<bool> release_ = false;
};

TEST_F(ResolveTest, NamesGiveTheirAddressesAndAddressesThemselves) {
  const auto network = this->network();
  EXPECT_EQ(resolve(*network, {.host = "replica.example", .port = 7}), "127.0.0.1:7 [::1]:7 ");
  EXPECT_EQ(resolve(*network, {.host = "192.0.2.1", .port = 7}), "192.0.2.1:7 ");
  EXPECT_EQ(resolve(*network, {.host = "2001:db8::1", .port = 7}), "[2001:db8::1]:7 ");
  EXPECT_EQ(resolve(*network, {.host = "none.example", .port = 7}), "resolve none.example: unknown");
}

TEST_F(ResolveTest, SilentDnsDelaysNobodyElseAndTimesOut) {
  const auto network = this->network();
  EXPECT_EQ(resolve(*network, {.host = "silent.example", .port = 7}, Duration::millis(20)),
            "resolve silent.example: timed out");
  EXPECT_EQ(resolve(*network, {.host = "replica.example", .port = 7}), "127.0.0.1:7 [::1]:7 ");
  EXPECT_EQ(network->lookups_waiting(), 1u);
  release();
  ASSERT_TRUE(run_until(loop_, [&] { return network->lookups_waiting() == 0; }));
}

TEST_F(ResolveTest, LookUpsOfADestroyedNetworkAreDropped) {
  auto network = this->network();
  const auto never = [](auto) { ADD_FAILURE() << "the network is gone"; };
  network->resolve({.host = "127.0.0.1", .port = 7}, Duration::seconds(5), never);
  network->resolve({.host = "replica.example", .port = 7}, Duration::millis(1), never);
  network.reset();
  bool waited = false;
  loop_.schedule(Duration::millis(20), [&] { waited = true; });
  ASSERT_TRUE(run_until(loop_, [&] { return waited; }));
}

}  // namespace
}  // namespace conclave::os
