// Datagrams of the virtual network: the contract of env::DatagramSocket between hosts, and all that may befall them.
#include "sim/world/datagrams.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <map>
#include <string>
#include <vector>

#include "sim/world/world.h"

namespace conclave::sim {
namespace {

constexpr uint16_t kPort = 7;

// A process with one socket, that writes down what it receives.
struct Ear {
  explicit Ear(const env::World& env, const env::Address& local = {.host = "", .port = kPort}) : world(env) {
    auto opened = world.network.open_datagrams(local, [this](const env::Address& from, BytesView bytes) {
      heard.push_back(std::stoi(std::string(bytes)));
      senders.push_back(to_string(from));
      if (on_datagram) on_datagram(from);
    });
    if (opened) socket = std::move(*opened);
    if (!opened) error = opened.error().message;
  }
  std::string send(const env::Address& to, int number) { return send(to, std::to_string(number)); }
  std::string send(const env::Address& to, const std::string& bytes) {
    const auto sent = socket->send(to, bytes);
    return sent ? "sent" : sent.error().message;
  }

  env::World world;
  std::unique_ptr<env::DatagramSocket> socket;
  std::string error;
  std::vector<int> heard;
  std::vector<std::string> senders;
  std::function<void(const env::Address& from)> on_datagram;
};

class DatagramsTest : public testing::Test {
 protected:
  void boot(World& world) {
    for (const uint32_t id : {1, 2}) {
      world.host(id).boot([](const env::World& env) { return std::make_shared<Ear>(env); });
    }
  }
  void SetUp() override { boot(world_); }
  Ear& at(uint32_t id) { return world_.host(id).process<Ear>(); }
  void send(int first, int last) {
    for (int i = first; i <= last; ++i) EXPECT_EQ(at(1).send(World::address(2, kPort), i), "sent");
  }
  // How often each number was heard by host 2.
  std::map<int, int> count() {
    std::map<int, int> times;
    for (const int i : at(2).heard) ++times[i];
    return times;
  }

  World world_{1};
};

TEST_F(DatagramsTest, GoThereAndAreAnswered) {
  at(2).on_datagram = [&](const env::Address& from) { EXPECT_EQ(at(2).send(from, 2), "sent"); };
  send(1, 1);
  EXPECT_TRUE(at(2).heard.empty()) << "never from inside the call";
  world_.run_for(Duration::millis(1));
  EXPECT_EQ(at(2).senders, (std::vector<std::string>{"host-1:7"}));
  EXPECT_EQ(at(1).heard, (std::vector<int>{2}));
  EXPECT_EQ(to_string(at(1).socket->local()), "host-1:7");
  EXPECT_EQ(at(1).send({.host = "localhost", .port = kPort}, 3), "sent");
  world_.run_for(Duration::millis(1));
  EXPECT_EQ(at(1).heard.back(), 3) << "to itself";
}

TEST_F(DatagramsTest, EachTakesItsOwnTimeOverTheLink) {
  world_.set_link(1, 2, {.latency_min = Duration::millis(70), .latency_max = Duration::millis(90)});
  send(1, 100);
  world_.run_for(Duration::millis(69));
  EXPECT_TRUE(at(2).heard.empty());
  world_.run_for(Duration::millis(21));
  EXPECT_EQ(count().size(), 100u);
  EXPECT_EQ(at(2).heard.size(), 100u);
  EXPECT_FALSE(std::ranges::is_sorted(at(2).heard));
}

TEST_F(DatagramsTest, WhatCanNeverBeSentIsRefused) {
  const env::Address to = World::address(2, kPort);
  EXPECT_EQ(at(1).send(to, std::string(env::DatagramSocket::kBytesMax, '1')), "sent");
  EXPECT_EQ(at(1).send(to, std::string(env::DatagramSocket::kBytesMax + 1, '1')),
            "send to host-2:7: 1201 bytes are too many for a datagram");
  EXPECT_EQ(at(1).send(World::address(2, 0), 1), "send to host-2:0: no port");
  EXPECT_EQ(at(1).send({.host = "nowhere", .port = 1}, 1), "send to nowhere:1: not a literal address");
}

TEST_F(DatagramsTest, OpenErrorsAndFreePorts) {
  const auto env = world_.host(1).env();
  EXPECT_EQ(Ear(env).error, "receive datagrams at :7: Address already in use");
  EXPECT_EQ(Ear(env, World::address(2, 1)).error, "receive datagrams at host-2:1: Cannot assign requested address");
  EXPECT_TRUE(env.network.listen({.host = "", .port = kPort}, [](auto) {}).has_value()) << "ports of their own";
  Ear first(env, {.host = "localhost", .port = 0});
  Ear second(env, {.host = "localhost", .port = 0});
  EXPECT_NE(first.socket->local().port, second.socket->local().port);
  const env::Address again = first.socket->local();
  first.socket.reset();
  EXPECT_EQ(Ear(env, again).error, "") << "the port is free again";
}

TEST_F(DatagramsTest, NamesAreResolvedInATurnOfTheLoop) {
  std::string outcome;
  const auto resolve = [&](const std::string& host) {
    outcome.clear();
    at(1).world.network.resolve({.host = host, .port = 3}, Duration::seconds(1), [&](auto found) {
      outcome = found ? to_string(found->front()) : found.error().message;
    });
    EXPECT_EQ(outcome, "") << "never from inside the call";
    world_.run_for(Duration::millis(1));
    return outcome;
  };
  EXPECT_EQ(resolve("host-2"), "host-2:3");
  EXPECT_EQ(resolve("localhost"), "host-1:3");
  EXPECT_EQ(resolve("host-77"), "resolve host-77: unknown host");
  world_.host(1).pause();
  EXPECT_EQ(resolve("host-2"), "");
  world_.host(1).resume();
  world_.run_for(Duration::millis(1));
  EXPECT_EQ(outcome, "host-2:3");
}

TEST_F(DatagramsTest, ALossyLinkLosesSome) {
  world_.set_link(1, 2, {.datagram_loss_per_million = 300'000});
  send(1, 1000);
  world_.run_for(Duration::millis(1));
  EXPECT_GT(at(2).heard.size(), 600u);
  EXPECT_LT(at(2).heard.size(), 800u);
}

TEST_F(DatagramsTest, DoubledOnesComeOnceMoreLater) {
  world_.set_link(1, 2, {.datagram_duplicate_per_million = 500'000});
  send(1, 100);
  world_.run_for(Duration::micros(250));
  EXPECT_EQ(count().size(), 100u) << "none is late itself";
  EXPECT_LT(at(2).heard.size(), 110u);
  world_.run_for(Duration::millis(501));
  const auto twice = std::ranges::count_if(count(), [](const auto& it) { return it.second == 2; });
  EXPECT_GT(twice, 30);
  EXPECT_LT(twice, 70);
  EXPECT_EQ(std::ssize(at(2).heard), 100 + twice);
}

TEST_F(DatagramsTest, ACutLosesWhatIsSentAndWhatIsUnderWay) {
  world_.set_link(1, 2, {.latency_min = Duration::millis(10), .latency_max = Duration::millis(10)});
  send(1, 3);
  world_.run_for(Duration::millis(5));
  world_.cut(1, 2);
  send(4, 6);
  EXPECT_EQ(at(2).send(World::address(1, kPort), 9), "sent");
  world_.run_for(Duration::millis(6));
  EXPECT_EQ(at(1).heard, (std::vector<int>{9})) << "one way";
  world_.heal(1, 2);
  world_.run_for(Duration::millis(20));
  EXPECT_TRUE(at(2).heard.empty());
  world_.cut(1, 2);
  send(7, 7);
  world_.heal(1, 2);
  send(8, 8);
  world_.run_for(Duration::millis(20));
  EXPECT_EQ(at(2).heard, (std::vector<int>{8})) << "what was sent over the cut is lost even if that was short";
}

TEST_F(DatagramsTest, AClogHoldsBackAndReleasesAtOnce) {
  world_.clog(1, 2, Duration::seconds(2));
  world_.clog(1, 2, Duration::seconds(3));
  send(1, 20);
  world_.run_for(Duration::millis(2999));
  EXPECT_TRUE(at(2).heard.empty());
  world_.run_for(Duration::millis(1));
  EXPECT_EQ(count().size(), 20u);
  world_.clog(1, 2, Duration::seconds(20));
  send(21, 21);
  world_.run_for(Duration::seconds(1));
  EXPECT_EQ(at(2).heard.size(), 20u);
  world_.heal_all();
  world_.run_for(Duration::millis(1));
  EXPECT_EQ(at(2).heard.back(), 21);
  world_.clog(1, 2, Duration::seconds(1));
  send(22, 22);
  world_.run_for(Duration::millis(1));
  world_.cut(1, 2);
  world_.run_for(Duration::seconds(2));
  world_.heal_all();
  world_.run_for(Duration::seconds(1));
  EXPECT_EQ(at(2).heard.size(), 21u) << "what a clog lets go over a cut is lost";
}

TEST_F(DatagramsTest, TheSocketOfAPausedProcessHoldsSoMany) {
  world_.host(2).pause();
  send(1, 1000);
  world_.run_for(Duration::seconds(1));
  EXPECT_TRUE(at(2).heard.empty());
  world_.host(2).resume();
  world_.run_for(Duration::millis(1));
  EXPECT_EQ(at(2).heard.size(), DatagramNet::kReceivedMax);
  send(1001, 1001);
  world_.run_for(Duration::millis(1));
  EXPECT_EQ(at(2).heard.back(), 1001) << "there is room again";
}

TEST_F(DatagramsTest, ASlowProcessLosesWhatItsSocketCannotHold) {
  world_.host(2).set_slow(Duration::millis(10), Duration::millis(10));
  for (int i = 1; i <= 10; ++i) {
    send(1, 100);
    world_.run_for(Duration::millis(2));
  }
  world_.run_for(Duration::millis(20));
  EXPECT_GT(at(2).heard.size(), DatagramNet::kReceivedMax);
  EXPECT_LT(at(2).heard.size(), 1000u);
}

TEST_F(DatagramsTest, NobodyHearsThemOnACrashedHost) {
  for (const Crash how : {Crash::kill, Crash::power_cut}) {
    send(1, 3);
    world_.host(2).crash(how);
    world_.run_for(Duration::millis(10));
    world_.host(2).restart();
    send(4, 4);
    world_.run_for(Duration::millis(10));
    EXPECT_EQ(at(2).heard, (std::vector<int>{4}));
  }
}

TEST_F(DatagramsTest, TheyOutliveTheirSenderAndReachALaterLife) {
  world_.set_link(1, 2, {.latency_min = Duration::millis(10), .latency_max = Duration::millis(10)});
  send(1, 1);
  world_.host(1).crash(Crash::power_cut);
  world_.host(2).crash(Crash::kill);
  world_.host(2).restart();
  world_.run_for(Duration::millis(10));
  EXPECT_EQ(at(2).heard, (std::vector<int>{1}));
}

TEST_F(DatagramsTest, ASocketOfADeadLifeIsDeafAndMute) {
  auto env = world_.client(1).env();
  Ear own(env);
  world_.client(1).crash(Crash::kill);
  EXPECT_EQ(own.send(World::address(2, kPort), 1), "send to host-2:7: the process is gone");
  EXPECT_EQ(Ear(env, {.host = "", .port = 8}).error, "receive datagrams at :8: the process is gone");
  world_.client(1).restart();
  Ear later(world_.client(1).env());
  own.socket.reset();
  EXPECT_EQ(at(2).send(World::address(World::kFirstClient + 1, kPort), 2), "sent");
  world_.run_for(Duration::millis(1));
  EXPECT_EQ(later.heard, (std::vector<int>{2})) << "the port is that of the later life";
  later.socket.reset();
}

TEST_F(DatagramsTest, ASocketMayBeDestroyedInsideItsOwnCallback) {
  at(2).on_datagram = [&](const env::Address&) { at(2).socket.reset(); };
  send(1, 5);
  world_.run_for(Duration::millis(1));
  EXPECT_EQ(at(2).heard.size(), 1u);
}

TEST_F(DatagramsTest, ASocketDestroyedWhileDatagramsWaitHearsNone) {
  world_.host(2).pause();
  send(1, 5);
  world_.run_for(Duration::millis(1));
  at(2).socket.reset();
  world_.host(2).resume();
  world_.run_for(Duration::millis(1));
  EXPECT_TRUE(at(2).heard.empty());
}

TEST_F(DatagramsTest, SameSeedSameTrace) {
  const auto run = [this](uint64_t seed) {
    World world(seed);
    boot(world);
    world.set_all_links(
        {.spike_per_million = 50'000, .datagram_loss_per_million = 100'000, .datagram_duplicate_per_million = 100'000});
    for (int i = 0; i < 200; ++i) {
      world.host(1).process<Ear>().send(World::address(2, kPort), i);
      if (i == 50) world.clog(1, 2, Duration::millis(20));
      if (i == 100) world.host(2).pause_for(Duration::millis(20));
      world.run_for(Duration::millis(1));
    }
    return world.trace_hash();
  };
  EXPECT_EQ(run(7), run(7));
  EXPECT_NE(run(7), run(8));
}

// What streams and frames meet stays the same when datagrams are sent beside them.
TEST_F(DatagramsTest, TheyDrawNoNumbersOfOthers) {
  const auto run = [this](int datagrams) {
    World world(3);
    boot(world);
    world.set_all_links({.spike_per_million = 200'000, .datagram_loss_per_million = 500'000});
    std::vector<int64_t> connected;
    const auto listener = world.host(2).env().network.listen({.host = "", .port = 1}, [](auto) {});
    for (int i = 0; i < 20; ++i) {
      for (int k = 0; k < datagrams; ++k) world.host(1).process<Ear>().send(World::address(2, kPort), k);
      world.host(1).env().network.connect(World::address(2, 1), Duration::seconds(1),
                                          [&](auto) { connected.push_back(world.now().us); });
      world.run_for(Duration::seconds(1));
    }
    return connected;
  };
  EXPECT_EQ(run(0), run(5));
  EXPECT_EQ(run(0).size(), 20u);
}

}  // namespace
}  // namespace conclave::sim
