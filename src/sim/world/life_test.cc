// Processes that stand still, are slow, or crash where it hurts.
#include "sim/world/life.h"

#include <gtest/gtest.h>
#include <string>

#include "sim/world/world.h"

namespace conclave::sim::life_test {
namespace {

using Open = env::Files::Open;

class LifeTest : public testing::Test {
 protected:
  Host& host() { return world_.host(1); }
  env::World env() { return host().env(); }

  World world_{1};
  std::string order_;
};

TEST_F(LifeTest, APausedProcessRunsNothingAndThenEverythingInOrder) {
  env().executor.schedule(Duration::millis(2), [&] { order_ += 'b'; });
  env().executor.schedule(Duration::millis(3), [&] { order_ += 'c'; });
  const auto cancelled = env().executor.schedule(Duration::millis(4), [&] { order_ += 'x'; });
  env().executor.schedule(Duration::millis(1), [&] {
    order_ += 'a';
    env().executor.cancel(cancelled);  // due as well, but behind this one in the queue
  });
  env().executor.schedule(Duration::millis(20), [&] { order_ += 'd'; });
  host().pause();
  EXPECT_TRUE(host().paused());
  world_.run_for(Duration::millis(10));
  EXPECT_EQ(order_, "");
  host().resume();
  world_.run_for(Duration::millis(1));
  EXPECT_EQ(order_, "abc");
  world_.run_for(Duration::millis(10));
  EXPECT_EQ(order_, "abcd");
}

TEST_F(LifeTest, PauseForEndsByItselfButNotInALaterLife) {
  env().executor.schedule(Duration::millis(1), [&] { order_ += 'a'; });
  host().pause_for(Duration::millis(5));
  world_.run_for(Duration::millis(4));
  EXPECT_EQ(order_, "");
  world_.run_for(Duration::millis(2));
  EXPECT_EQ(order_, "a");
  host().pause_for(Duration::millis(5));
  host().crash();
  host().restart();
  EXPECT_FALSE(host().paused()) << "a crash ends it";
  host().pause();
  world_.run_for(Duration::millis(10));
  EXPECT_TRUE(host().paused());
}

TEST_F(LifeTest, AJobUnderWayEndsButIsNotReportedAndNoneBegins) {
  auto file = env().files.open("f", Open::create_new).value();
  const auto write = [&](char c) {
    env().journal_worker.submit([&, c] { ASSERT_TRUE(file->write_at(0, Bytes(1, c)).has_value()); },
                                [&, c] { order_ += c; });
  };
  write('1');
  write('2');
  world_.run_until([&] { return file->size().value() > 0; }, Duration::millis(1));
  host().pause();
  world_.run_for(Duration::seconds(1));
  EXPECT_EQ(order_, "");
  EXPECT_EQ(file->read_at(0, 1).value(), "1");
  host().resume();
  world_.run_for(Duration::millis(1));
  EXPECT_EQ(order_, "12");
}

TEST_F(LifeTest, ASlowProcessIsBusyAfterEachTurnAndCatchesUp) {
  host().set_slow(Duration::millis(10), Duration::millis(10));
  std::vector<int64_t> at;
  for (int i = 1; i <= 5; ++i) env().executor.schedule(Duration::millis(i), [&] { at.push_back(world_.now().us); });
  world_.run_for(Duration::millis(50));
  EXPECT_EQ(at, (std::vector<int64_t>{1000, 11'000, 11'000, 11'000, 11'000})) << "what waits is one turn";
  host().crash();
  host().restart();
  at.clear();
  const auto start = world_.now();
  for (int i = 1; i <= 2; ++i) env().executor.schedule(Duration::millis(i), [&] { at.push_back(world_.now().us); });
  world_.run_for(Duration::millis(20));
  EXPECT_EQ(at.at(1) - start.us, 11'000) << "the machine is slow, not the process";
  host().set_slow(Duration{0}, Duration{0});
}

TEST_F(LifeTest, APausedProcessIsStillConnectedToByItsKernel) {
  std::unique_ptr<env::Stream> accepted, connected;
  const auto listener = env().network.listen({.host = "", .port = 1}, [&](auto s) { accepted = std::move(s); });
  host().pause();
  const auto client = world_.client(1).env();
  client.network.connect(World::address(1, 1), Duration::seconds(1), [&](auto s) { connected = std::move(s.value()); });
  world_.run_for(Duration::millis(10));
  EXPECT_NE(connected, nullptr);
  EXPECT_EQ(accepted, nullptr);
  host().resume();
  world_.run_for(Duration::millis(1));
  EXPECT_NE(accepted, nullptr);
}

TEST_F(LifeTest, AListenerClosedMeanwhileAcceptsNothing) {
  auto listener = env().network.listen({.host = "", .port = 1}, [&](auto) { ADD_FAILURE() << "closed"; });
  host().pause();
  std::unique_ptr<env::Stream> connected;
  world_.client(1).env().network.connect(World::address(1, 1), Duration::seconds(1),
                                         [&](auto s) { connected = std::move(s.value()); });
  world_.run_for(Duration::millis(10));
  listener->reset();
  host().resume();
  world_.run_for(Duration::millis(10));
}

TEST_F(LifeTest, CrashAfterEventsStopsBetweenTwoTasksOfATurn) {
  for (const char c : std::string("abcd")) env().executor.post([&, c] { order_ += c; });
  host().crash_after_events(2, Crash::kill);
  world_.run_for(Duration::millis(1));
  EXPECT_EQ(order_, "ab");
  EXPECT_FALSE(host().running());
  host().restart();
  for (const char c : std::string("ef")) env().executor.post([&, c] { order_ += c; });
  world_.run_for(Duration::millis(1));
  EXPECT_EQ(order_, "abef") << "a plan ends with the life";
}

TEST_F(LifeTest, CrashAfterEventsReachesEveryPlaceOfAWorkersJob) {
  const auto run = [](uint64_t events) {
    World world(1);
    std::string order;
    world.host(1).crash_after_events(events);  // made while nothing runs: for the life to come
    auto env = world.host(1).env();
    env.executor.post([&order, env] {
      order += 't';
      env.journal_worker.submit([&order] { order += 'w'; }, [&order] { order += 'd'; });
    });
    world.run_for(Duration::millis(10));
    return order + (world.host(1).running() ? "" : "!");
  };
  EXPECT_EQ(run(1), "t!");
  EXPECT_EQ(run(2), "tw!") << "done, and never reported";
  EXPECT_EQ(run(3), "tw!") << "reported, and never heard";
  EXPECT_EQ(run(4), "twd!");
  EXPECT_EQ(run(5), "twd");
}

TEST_F(LifeTest, CrashAtADiskCallIsInTheMiddleOfAJob) {
  bool before = false, after = false, half = false;
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    World world(seed);
    auto env = world.host(1).env();
    std::string order;
    std::shared_ptr<env::File> file = env.files.open("vote", Open::create_new).value();
    world.host(1).crash_at_disk_operation(2, Crash::kill);
    env.journal_worker.submit(
        [&] {
          order += file->write_at(0, "1").has_value() ? '1' : '-';
          const auto second = file->write_at(1, Bytes(1024, '2'));
          EXPECT_EQ(second.error().message, "write vote: the process is gone");
          order += file->write_at(1025, "3").error().kind == ErrorKind::closed ? '.' : '3';
        },
        [&] { order += 'd'; });
    world.run_for(Duration::millis(10));
    EXPECT_EQ(order, "1.");
    EXPECT_FALSE(world.host(1).running());
    world.host(1).restart();
    const auto size = world.host(1).env().files.open("vote", Open::read_only).value()->size().value();
    (size == 1 ? before : size == 1025 ? after : half) = true;
  }
  EXPECT_TRUE(before);
  EXPECT_TRUE(after);
  EXPECT_TRUE(half);
}

TEST_F(LifeTest, APowerCutInASyncMayOrMayNotHaveMadeItDurable) {
  bool durable = false, lost = false;
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    World world(seed);
    auto env = world.host(1).env();
    auto file = env.files.open("f", Open::create_new).value();
    ASSERT_TRUE(env.files.sync_directory("").has_value());
    ASSERT_TRUE(file->write_at(0, "x").has_value());
    world.host(1).crash_at_disk_operation(1);
    EXPECT_EQ(file->sync().error().kind, ErrorKind::closed);
    world.host(1).restart();
    const auto content = world.host(1).env().files.open("f", Open::read_only).value()->read_at(0, 1).value();
    (content == "x" ? durable : lost) = true;
  }
  EXPECT_TRUE(durable);
  EXPECT_TRUE(lost);
}

TEST_F(LifeTest, AFactoryThatCrashesItsHostLeavesNoProcess) {
  struct Process {
    Process(const env::World& env, int& count) : alive(count) {
      made = env.files.make_directory("d").has_value();
      ++alive;
    }
    ~Process() { --alive; }
    int& alive;
    bool made;
  };
  int alive = 0;
  World world(1);  // goes before what its process counts in
  Host& own = world.host(1);
  own.crash_at_disk_operation(1, Crash::kill);
  own.boot([&](const env::World& env) { return std::make_shared<Process>(env, alive); });
  EXPECT_FALSE(own.running());
  world.run_for(Duration::millis(1));
  EXPECT_EQ(alive, 0);
  own.restart();
  EXPECT_EQ(alive, 1);
  EXPECT_TRUE(own.process<Process>().made);
}

}  // namespace
}  // namespace conclave::sim::life_test
