// What links do to connections, to frames between replicas and to streams of clients.
#include <algorithm>
#include <gtest/gtest.h>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "sim/world/world.h"

namespace conclave::sim::link_faults_test {
namespace {

// Hears frames of peers; sends when told to.
class Ear final : public env::PeerReceiver {
 public:
  explicit Ear(const env::World& env) : world(env) {
    world.peers.set_peers({.version = 1, .replicas = {{ReplicaId(1), {}}, {ReplicaId(2), {}}, {ReplicaId(3), {}}}});
    world.peers.start(this);
  }
  void on_peer_frame(ReplicaId from, BytesView frame) override {
    turns.insert(world.clock.now());
    EXPECT_TRUE(world.peers.connected(from)) << "never before the connection or after it";
    heard.push_back(std::stoi(std::string(frame)));
  }
  void on_peer_up(ReplicaId peer) override {
    turns.insert(world.clock.now());
    EXPECT_TRUE(up.insert(peer.value).second);
  }
  void on_peer_down(ReplicaId peer) override {
    EXPECT_EQ(up.erase(peer.value), 1u);
    ++downs;
  }

  env::World world;
  std::vector<int> heard;
  std::set<Instant> turns;  // when it heard of frames and connections
  std::set<int> up;
  int downs = 0;
};

class LinkFaultsTest : public testing::Test {
 protected:
  void boot(uint32_t hosts) {
    for (uint32_t id = 1; id <= hosts; ++id) {
      world_.host(id).boot([](const env::World& env) { return std::make_shared<Ear>(env); });
    }
    world_.run_for(Duration::millis(100));
  }
  Ear& at(uint32_t id) { return world_.host(id).process<Ear>(); }
  void send(uint32_t from, uint8_t to, int first, int last) {
    for (int i = first; i <= last; ++i) at(from).world.peers.send(ReplicaId(to), std::to_string(i));
  }
  std::map<int, int> count(const std::vector<int>& heard) {
    std::map<int, int> times;
    for (const int i : heard) ++times[i];
    return times;
  }
  // Which hosts, of `hosts`, each sees both ways.
  std::string sees(uint32_t host, const std::vector<uint32_t>& hosts) {
    std::string seen;
    for (const uint32_t other : hosts) {
      if (!world_.is_cut(host, other) && !world_.is_cut(other, host)) seen += std::to_string(other);
    }
    return seen;
  }

  World world_{1};
};

TEST_F(LinkFaultsTest, AClogHoldsAndThenReleasesInOrder) {
  boot(2);
  world_.clog(1, 2, Duration::seconds(20));  // longer than connections outlast a cut
  send(1, 2, 1, 50);
  send(2, 1, 1, 1);
  world_.run_for(Duration::seconds(19));
  EXPECT_TRUE(at(2).heard.empty());
  EXPECT_EQ(at(1).heard.size(), 1u) << "one way";
  world_.run_for(Duration::seconds(1));
  EXPECT_EQ(at(2).heard.size(), 50u);
  EXPECT_TRUE(std::ranges::is_sorted(at(2).heard));
  EXPECT_EQ(at(2).downs, 0);
}

TEST_F(LinkFaultsTest, AClogEndsEarlyWhenAllIsHealedAndOutlastsAShorterOne) {
  boot(2);
  world_.clog(1, 2, Duration::seconds(20));
  world_.clog(1, 2, Duration::seconds(1));
  send(1, 2, 1, 5);
  world_.run_for(Duration::seconds(2));
  EXPECT_TRUE(at(2).heard.empty());
  world_.heal_all();
  world_.run_for(Duration::millis(1));
  EXPECT_EQ(at(2).heard.size(), 5u);
}

TEST_F(LinkFaultsTest, SpikesDelayAndKeepOrder) {
  boot(2);
  world_.set_link(1, 2, {.spike_per_million = 100'000, .spike_max = Duration::seconds(1)});
  send(1, 2, 1, 100);
  world_.run_for(Duration::millis(1));
  EXPECT_LT(at(2).heard.size(), 100u);
  world_.run_for(Duration::seconds(1));
  EXPECT_EQ(at(2).heard.size(), 100u);
  EXPECT_TRUE(std::ranges::is_sorted(at(2).heard));
}

TEST_F(LinkFaultsTest, AllLinksAtOnceThoseToComeToo) {
  boot(2);
  world_.set_all_links({.latency_min = Duration::millis(70), .latency_max = Duration::millis(70)});
  EXPECT_EQ(world_.link(2, 1).latency_min, Duration::millis(70));
  EXPECT_EQ(world_.link(7, 8).latency_max, Duration::millis(70));
  send(1, 2, 1, 1);
  world_.run_for(Duration::millis(69));
  EXPECT_TRUE(at(2).heard.empty());
  world_.run_for(Duration::millis(1));
  EXPECT_EQ(at(2).heard.size(), 1u);
  world_.end_faults();
  EXPECT_EQ(world_.link(1, 2).latency_max, LinkOptions().latency_max);
}

TEST_F(LinkFaultsTest, DoubledFramesComeTwice) {
  boot(2);
  world_.set_link(1, 2, {.frame_duplicate_per_million = 500'000});
  send(1, 2, 1, 100);
  world_.run_for(Duration::seconds(2));
  const auto times = count(at(2).heard);
  EXPECT_EQ(times.size(), 100u);
  const auto twice = std::ranges::count_if(times, [](const auto& it) { return it.second == 2; });
  EXPECT_GT(twice, 30);
  EXPECT_LT(twice, 70);
  EXPECT_EQ(static_cast<long>(at(2).heard.size()), 100 + twice);
}

TEST_F(LinkFaultsTest, ReorderedFramesComeOnceAndOutOfOrder) {
  boot(2);
  world_.set_link(1, 2, {.frame_reorder_per_million = 200'000, .frame_late_max = Duration::millis(10)});
  for (int i = 1; i <= 100; ++i) {
    send(1, 2, i, i);
    world_.run_for(Duration::millis(1));
  }
  world_.run_for(Duration::millis(20));
  EXPECT_EQ(at(2).heard.size(), 100u);
  EXPECT_EQ(count(at(2).heard).size(), 100u);
  EXPECT_FALSE(std::ranges::is_sorted(at(2).heard));
}

TEST_F(LinkFaultsTest, ReplayedFramesReachALaterLife) {
  boot(2);
  world_.set_link(1, 2, {.frame_replay_per_million = 500'000, .frame_late_max = Duration::millis(10)});
  send(1, 2, 1, 50);
  world_.run_for(Duration::millis(100));
  const size_t before = at(2).heard.size();
  EXPECT_GT(before, 60u);
  EXPECT_EQ(count(at(2).heard).size(), 50u);
  world_.host(1).crash(Crash::kill);
  world_.host(1).restart();
  world_.host(2).crash(Crash::kill);
  world_.host(2).restart();
  world_.run_for(Duration::millis(100));
  send(1, 2, 1001, 1100);
  world_.run_for(Duration::millis(100));
  const auto old = std::ranges::count_if(at(2).heard, [](int frame) { return frame <= 50; });
  EXPECT_GT(old, 3) << "of the sender's earlier life, and not its last alone";
  EXPECT_EQ(at(2).downs, 0);
}

TEST_F(LinkFaultsTest, StrayFramesAreLostWithoutAConnectionAndOverACut) {
  boot(2);
  world_.set_link(1, 2, {.frame_reorder_per_million = 1'000'000, .frame_late_max = Duration::millis(10)});
  send(1, 2, 1, 20);
  world_.cut(1, 2);
  world_.run_for(Duration::millis(20));
  world_.heal_all();
  world_.run_for(Duration::millis(20));
  EXPECT_TRUE(at(2).heard.empty());
  send(1, 2, 1, 20);
  world_.host(1).crash(Crash::kill);
  world_.run_for(Duration::seconds(1));
  EXPECT_LT(at(2).heard.size(), 20u) << "an Ear checks that none came after the connection";
}

TEST_F(LinkFaultsTest, ResetConnectionsBreakForBothAndComeBack) {
  boot(3);
  world_.reset_connections(1, 2);
  world_.run_for(Duration::micros(1));
  EXPECT_EQ(at(1).up, (std::set<int>{3}));
  EXPECT_EQ(at(2).up, (std::set<int>{3}));
  EXPECT_EQ(at(3).downs, 0);
  world_.run_for(Duration::millis(100));
  EXPECT_EQ(at(1).up.size(), 2u);
}

TEST_F(LinkFaultsTest, FramesToAPausedProcessWaitForIt) {
  boot(2);
  world_.host(2).pause();
  send(1, 2, 1, 10);
  world_.run_for(Duration::millis(1));
  world_.reset_connections(1, 2);
  world_.run_for(Duration::seconds(10));
  EXPECT_TRUE(at(2).heard.empty());
  EXPECT_EQ(at(2).downs, 0);
  EXPECT_EQ(at(1).up.size(), 0u) << "no handshake with a process that stands still";
  world_.host(2).resume();
  world_.run_for(Duration::millis(100));
  EXPECT_EQ(at(2).heard.size(), 10u) << "they had arrived before the end";
  EXPECT_EQ(at(2).downs, 1);
  EXPECT_EQ(at(1).up.size(), 1u);
  EXPECT_EQ(at(2).up.size(), 1u);
}

TEST_F(LinkFaultsTest, ASlowProcessHearsOfFramesAndConnectionsInItsTurns) {
  world_.host(2).set_slow(Duration::millis(5), Duration::millis(30));
  boot(2);
  for (int i = 1; i <= 200; ++i) {
    send(1, 2, i, i);
    if (i % 25 == 0) world_.reset_connections(1, 2);
    world_.run_for(Duration::millis(3));
  }
  world_.run_for(Duration::millis(100));
  EXPECT_GT(at(2).heard.size(), 100u);
  EXPECT_TRUE(std::ranges::is_sorted(at(2).heard));
  EXPECT_EQ(at(2).downs, 8);
  Instant last = Instant{0} - Duration::seconds(1);
  for (const Instant turn : at(2).turns) {
    EXPECT_GE(turn - last, Duration::millis(5));
    last = turn;
  }
}

TEST_F(LinkFaultsTest, Partitions) {
  const std::vector<uint32_t> five = {1, 2, 3, 4, 5};
  for (const uint32_t id : five) world_.host(id);
  const auto all = [&] {
    std::string views;
    for (const uint32_t id : five) views += sees(id, five) + " ";
    world_.heal_all();
    return views;
  };
  world_.bridge(3, {1, 2, 3}, {3, 4, 5});
  EXPECT_EQ(all(), "123 123 12345 345 345 ");
  world_.ring(five);
  EXPECT_EQ(all(), "125 123 234 345 145 ");
  world_.majorities_ring(five);
  EXPECT_EQ(all(), "125 123 234 345 145 ");
  world_.isolate(2);
  EXPECT_EQ(all(), "1345 2 1345 1345 1345 ");
  const std::vector<uint32_t> seven = {1, 2, 3, 4, 5, 6, 7};
  world_.ring(seven);
  EXPECT_EQ(sees(1, seven), "127");
  world_.heal_all();
  world_.majorities_ring(seven);
  EXPECT_EQ(sees(1, seven), "12367");
  world_.heal_all();
  world_.mute(1);
  EXPECT_TRUE(world_.is_cut(1, 2));
  EXPECT_FALSE(world_.is_cut(2, 1));
  world_.heal_all();
  world_.deafen(1);
  EXPECT_FALSE(world_.is_cut(1, 2));
  EXPECT_TRUE(world_.is_cut(2, 1));
}

class StreamFaultsTest : public testing::Test {
 protected:
  struct Reader final : env::StreamHandler {
    void on_data(BytesView bytes) override {
      text += bytes;
      ++reads;
    }
    void on_closed(const Error& error) override { reason = error.message; }
    std::string text, reason;
    int reads = 0;
  };
  void SetUp() override {
    listener_ = world_.host(1)
                    .env()
                    .network
                    .listen({.host = "", .port = 1},
                            [this](auto stream) {
                              accepted_ = std::move(stream);
                              accepted_->set_handler(&server_);
                            })
                    .value();
    connect();
  }
  void connect() {
    world_.client(1).env().network.connect(World::address(1, 1), Duration::seconds(10), [this](auto stream) {
      connected_ = std::move(stream.value());
      connected_->set_handler(&client_);
    });
    world_.run_for(Duration::millis(1));
  }

  World world_{1};
  Reader server_, client_;
  std::unique_ptr<env::Listener> listener_;
  std::unique_ptr<env::Stream> accepted_, connected_;
  const uint32_t client_host_ = World::kFirstClient + 1;
};

TEST_F(StreamFaultsTest, ShortReadsHandOutEveryByteInOrder) {
  world_.set_link(client_host_, 1, {.short_read_per_million = 800'000});
  std::string sent;
  for (int i = 0; i < 200; ++i) sent += std::to_string(i) + " ";
  connected_->write(sent);
  connected_->close_after_writes();
  world_.run_for(Duration::millis(10));
  EXPECT_GT(server_.reads, 3);
  EXPECT_EQ(server_.text, sent);
  EXPECT_EQ(server_.reason, "closed by the other side") << "after the last byte";
}

TEST_F(StreamFaultsTest, ResetReachesBothSides) {
  connected_->write("lost");
  world_.reset_connections(1, client_host_);
  world_.run_for(Duration::millis(1));
  EXPECT_EQ(server_.text, "");
  EXPECT_EQ(server_.reason, "connection reset by peer");
  EXPECT_EQ(client_.reason, "connection reset by peer");
}

TEST_F(StreamFaultsTest, HalfOpenIsHeardOfWhenItIsUsed) {
  world_.half_open(1, client_host_);
  world_.run_for(Duration::seconds(60));
  EXPECT_EQ(server_.reason, "connection reset by peer");
  EXPECT_EQ(client_.reason, "");
  connected_->write("anyone?");
  world_.run_for(Duration::millis(1));
  EXPECT_EQ(server_.text, "");
  EXPECT_EQ(client_.reason, "connection reset by peer");
}

TEST_F(StreamFaultsTest, ConnectingOverAClogTakesThatLong) {
  const Instant start = world_.now();
  world_.clog(client_host_, 1, Duration::seconds(3));
  connected_.reset();
  connect();
  EXPECT_EQ(connected_, nullptr);
  ASSERT_TRUE(world_.run_until([&] { return connected_ != nullptr; }, Duration::seconds(10)));
  EXPECT_GE(world_.now() - start, Duration::seconds(3));
  EXPECT_LT(world_.now() - start, Duration::millis(3010));
}

TEST_F(StreamFaultsTest, BytesForAPausedProcessPileUpInItsSocket) {
  world_.host(1).pause();
  connected_->write("one");
  world_.run_for(Duration::millis(10));
  connected_->write("two");
  connected_->close_after_writes();
  world_.run_for(Duration::seconds(10));
  EXPECT_EQ(server_.text, "");
  world_.host(1).resume();
  world_.run_for(Duration::millis(1));
  EXPECT_EQ(server_.text, "onetwo");
  EXPECT_EQ(server_.reads, 1);
  EXPECT_EQ(server_.reason, "closed by the other side");
}

}  // namespace
}  // namespace conclave::sim::link_faults_test
