// The virtual world: that it is one function of its seed, and that its crashes and cuts are those it promises.
#include "sim/world/world.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <set>
#include <string>
#include <vector>

namespace conclave::sim {
namespace {

// Sends a numbered frame to every peer each 10 ms and writes down all it hears.
class Chatter final : public env::PeerReceiver {
 public:
  explicit Chatter(const env::World& world) : world_(world) {
    world_.peers.set_peers({.version = 1, .replicas = {{ReplicaId(1), {}}, {ReplicaId(2), {}}, {ReplicaId(3), {}}}});
    world_.peers.start(this);
    tick();
  }
  void on_peer_frame(ReplicaId from, BytesView frame) override {
    frames.push_back(to_string(from) + ":" + std::string(frame));
    EXPECT_GT(std::stoi(std::string(frame)), last[from]) << "order of one connection";
    last[from] = std::stoi(std::string(frame));
  }
  void on_peer_up(ReplicaId peer) override {
    EXPECT_FALSE(up[peer]) << "up twice";
    up[peer] = true;
    last.erase(peer);
    ++ups;
  }
  void on_peer_down(ReplicaId peer) override {
    EXPECT_TRUE(up[peer]) << "down without up";
    up[peer] = false;
    ++downs;
  }
  void tick() {
    for (uint8_t peer = 1; peer <= 3; ++peer) world_.peers.send(ReplicaId(peer), std::to_string(++sent));
    world_.executor.schedule(Duration::millis(10), [this] { tick(); });
  }
  bool connected(uint8_t peer) { return up[ReplicaId(peer)]; }

  std::vector<std::string> frames;
  std::map<ReplicaId, bool> up;
  std::map<ReplicaId, int> last;
  int ups = 0, downs = 0, sent = 0;

 private:
  env::World world_;
};

class PeersTest : public testing::Test {
 protected:
  void boot(World& world) {
    for (uint32_t id = 1; id <= 3; ++id) {
      world.host(id).boot([](const env::World& env) { return std::make_shared<Chatter>(env); });
    }
  }
  Chatter& at(World& world, uint32_t id) { return world.host(id).process<Chatter>(); }
  void expect_all_up(World& world) {
    for (uint32_t a = 1; a <= 3; ++a) {
      for (uint8_t b = 1; b <= 3; ++b) {
        EXPECT_EQ(at(world, a).connected(b), a != b) << a << " to " << int{b};
      }
    }
  }
};

TEST_F(PeersTest, SameSeedSameTrace) {
  const auto run = [this](uint64_t seed) {
    World world(seed);
    boot(world);
    world.run_for(Duration::millis(300));
    world.isolate(2);
    world.run_for(Duration::seconds(7));
    world.host(3).crash();
    world.heal_all();
    world.run_for(Duration::millis(500));
    world.host(3).restart();
    world.run_for(Duration::seconds(1));
    return world.trace_hash();
  };
  EXPECT_EQ(run(7), run(7));
  EXPECT_NE(run(7), run(8));
}

TEST_F(PeersTest, AllConnectAndFramesFlow) {
  World world(1);
  boot(world);
  world.run_for(Duration::millis(200));
  expect_all_up(world);
  EXPECT_FALSE(at(world, 1).connected(1)) << "never to itself";
  EXPECT_GT(at(world, 1).frames.size(), 10u);
}

TEST_F(PeersTest, ShortCutDelaysButLosesNothing) {
  World world(2);
  boot(world);
  world.run_for(Duration::millis(100));
  world.cut(1, 2);
  const auto before = at(world, 2).last[ReplicaId(1)];
  const auto reverse = at(world, 1).last[ReplicaId(2)];
  world.run_for(Duration::seconds(1));
  EXPECT_LE(at(world, 2).last[ReplicaId(1)], before + 3) << "only what had arrived in the same instant";
  EXPECT_GT(at(world, 1).last[ReplicaId(2)], reverse) << "a cut is one way";
  world.heal(1, 2);
  world.run_for(Duration::millis(50));
  EXPECT_GT(at(world, 2).last[ReplicaId(1)], before + 100);
  EXPECT_EQ(at(world, 2).downs, 0);
}

TEST_F(PeersTest, LongOneWayCutBreaksBothWaysAndHealsAgain) {
  World world(3);
  boot(world);
  world.run_for(Duration::millis(100));
  world.cut(1, 2);
  world.run_for(Duration::seconds(6));
  EXPECT_FALSE(at(world, 1).connected(2));
  EXPECT_FALSE(at(world, 2).connected(1));
  EXPECT_TRUE(at(world, 1).connected(3));
  EXPECT_TRUE(at(world, 3).connected(2));
  world.run_for(Duration::seconds(5));
  EXPECT_FALSE(at(world, 1).connected(2)) << "no connection over a half-cut pair";
  world.heal(1, 2);
  world.run_for(Duration::millis(100));
  expect_all_up(world);
}

TEST_F(PeersTest, KilledProcessIsNoticedAtOnce) {
  World world(4);
  boot(world);
  world.run_for(Duration::millis(100));
  world.host(1).crash(Crash::kill);
  world.run_for(Duration::millis(2));
  EXPECT_FALSE(at(world, 2).connected(1));
  EXPECT_FALSE(at(world, 3).connected(1));
  world.host(1).restart();
  world.run_for(Duration::millis(100));
  expect_all_up(world);
}

TEST_F(PeersTest, PowerCutIsSilentUntilTimeoutOrReturn) {
  World world(5);
  boot(world);
  world.run_for(Duration::millis(100));
  world.host(1).crash(Crash::power_cut);
  world.run_for(Duration::seconds(1));
  EXPECT_TRUE(at(world, 2).connected(1)) << "half-open";
  world.host(1).restart();
  world.run_for(Duration::millis(100));
  expect_all_up(world);
  EXPECT_EQ(at(world, 2).ups, 3);  // 1, 3, and 1 again
  EXPECT_EQ(at(world, 2).downs, 1);
  world.host(1).crash(Crash::power_cut);
  world.run_for(Duration::seconds(6));
  EXPECT_FALSE(at(world, 2).connected(1));
}

TEST_F(PeersTest, WhoListensHearsEveryFrameThatIsSent) {
  World world(7);
  std::vector<std::string> sent;
  world.listen_to_peers([&](ReplicaId from, ReplicaId to, BytesView frame) {
    if (to == ReplicaId(2)) sent.push_back(to_string(from) + ":" + std::string(frame));
  });
  boot(world);
  world.run_for(Duration::millis(200));
  world.set_link(1, 2, {.frame_loss_per_million = 1'000'000});
  const size_t heard = at(world, 2).frames.size();
  ASSERT_GE(sent.size(), heard);
  EXPECT_EQ(std::set(sent.begin(), sent.end()).size(), sent.size()) << "each once";
  for (const std::string& frame : at(world, 2).frames) EXPECT_EQ(std::ranges::count(sent, frame), 1) << frame;
  world.run_for(Duration::millis(100));
  EXPECT_GE(sent.size(), heard + 18) << "what the link loses, too";
}

TEST_F(PeersTest, FrameLossLosesSome) {
  World world(6);
  boot(world);
  world.run_for(Duration::millis(100));
  world.set_link(1, 2, {.frame_loss_per_million = 500'000});
  const size_t before = at(world, 2).frames.size();
  world.run_for(Duration::seconds(2));
  const size_t heard = at(world, 2).frames.size() - before;  // of about 200 from each of two peers
  EXPECT_GT(heard, 220u);
  EXPECT_LT(heard, 380u);
  EXPECT_EQ(at(world, 2).downs, 0);
}

TEST(World, TasksAndTimersOfACrashedHostAreDropped) {
  World world(1);
  auto env = world.host(1).env();
  int ran = 0;
  env.executor.post([&] { ++ran; });
  env.executor.schedule(Duration::millis(1), [&] { ++ran; });
  env.journal_worker.submit([&] { ++ran; }, [&] { ++ran; });
  world.host(1).crash();
  env.executor.post([&] { ++ran; });
  env.executor.schedule(Duration::millis(1), [&] { ++ran; });
  world.run_for(Duration::seconds(1));
  EXPECT_EQ(ran, 0);
}

TEST(World, PostsRunInOrderAndTimersCancel) {
  World world(1);
  auto env = world.host(1).env();
  std::string order;
  env.executor.post([&] {
    order += 'a';
    env.executor.post([&] { order += 'c'; });
  });
  env.executor.post([&] { order += 'b'; });
  const auto timer = env.executor.schedule(Duration::millis(1), [&] { order += 'x'; });
  EXPECT_NE(timer, 0u);
  env.executor.schedule(Duration::millis(2), [&] { order += 'd'; });
  env.executor.cancel(timer);
  env.executor.cancel(timer);
  env.executor.cancel(12345);
  world.run_for(Duration::millis(2));
  EXPECT_EQ(order, "abcd");
}

TEST(World, RunUntilStopsAtThePredicateOrTheLimit) {
  World world(1);
  auto env = world.host(1).env();
  bool done = false;
  env.executor.schedule(Duration::millis(5), [&] { done = true; });
  EXPECT_FALSE(world.run_until([&] { return done; }, Duration::millis(4)));
  EXPECT_EQ(world.now().us, 4000);
  EXPECT_TRUE(world.run_until([&] { return done; }, Duration::seconds(10)));
  EXPECT_EQ(world.now().us, 5000);
}

TEST(World, WorkerTakesTheTimeOfItsDiskCalls) {
  World world(1, {.disk = {.sync_time_min = Duration::millis(3), .sync_time_max = Duration::millis(3)}});
  auto env = world.host(1).env();
  std::string order;
  env.journal_worker.submit(
      [&] {
        auto file = env.files.open("a", env::Files::Open::create_new);
        ASSERT_TRUE((*file)->sync().has_value());
        order += '1';
      },
      [&] { order += '2'; });
  env.journal_worker.submit([&] { order += '3'; }, [&] { order += '4'; });
  world.run_for(Duration::millis(2));
  EXPECT_EQ(order, "1");
  world.run_for(Duration::millis(2));
  EXPECT_EQ(order, "1234") << "one at a time, in order";
}

TEST(World, ProcessMayCrashItsOwnHost) {
  World world(1);
  struct Process {
    Process(World& w, const env::World& env) {
      env.executor.post([this, &w] {
        w.host(1).crash();
        value = 2;  // still there: it goes after its frames
      });
    }
    int value = 1;
  };
  world.host(1).boot([&](const env::World& env) { return std::make_shared<Process>(world, env); });
  world.run_for(Duration::millis(1));
  EXPECT_FALSE(world.host(1).running());
  EXPECT_EQ(world.host(1).lives(), 1u);
}

TEST(World, EntropyDiffersByHostLifeAndSeed) {
  World world(1), other(2);
  auto a = world.host(1).env().entropy.bytes(16);
  EXPECT_EQ(a.size(), 16u);
  EXPECT_NE(a, world.host(2).env().entropy.bytes(16));
  EXPECT_NE(a, other.host(1).env().entropy.bytes(16));
  world.host(1).crash();
  world.host(1).restart();
  EXPECT_NE(a, world.host(1).env().entropy.bytes(16));
}

}  // namespace
}  // namespace conclave::sim
