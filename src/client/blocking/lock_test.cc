#include "client/blocking/lock.h"

#include <thread>
#include <vector>

#include "client/blocking/on_loop.h"
#include "client/blocking/testing_blocking.h"
#include "client/chubby/recipe_barrier.h"
#include "client/chubby/recipe_config_set.h"
#include "client/chubby/recipe_election.h"
#include "client/chubby/recipe_mutex.h"
#include "client/chubby/recipe_numbers.h"
#include "client/chubby/recipe_semaphore.h"

namespace conclave::blocking {
namespace {

using namespace chubby;
using LockTest = BlockingTest;
using OnLoopTest = BlockingTest;

TEST_F(LockTest, One_holder_among_threads_and_sessions) {
  int inside = 0;
  int total = 0;
  const auto work = [&](Client& client) {
    for (int i = 0; i < 25; ++i) {
      const auto lock = Lock::acquire(client, "/lock");
      EXPECT_TRUE(lock);
      EXPECT_EQ(++inside, 1);
      ++total;
      --inside;
    }
  };
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 6; ++thread) threads.emplace_back(work, std::ref(thread % 2 == 0 ? *a : *b));
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(total, 150);
}

TEST_F(LockTest, CH_37_Sequencers_of_holders_grow) {
  Lock first = Lock::acquire(*a, "/lock").value();
  EXPECT_TRUE(b->check_sequencer(first.sequencer()).value());
  EXPECT_EQ(code(Lock::acquire(*b, "/lock", {.wait = false})), "the lock is held");
  EXPECT_EQ(code(Lock::acquire(*b, "/lock", {.mode = LockMode::shared}, {.timeout = Duration::millis(1)})),
            "deadline exceeded");
  const uint64_t generation = first.generation();
  EXPECT_EQ(code(first.release()), "ok");
  EXPECT_EQ(code(first.release()), "the lock is not held");
  EXPECT_TRUE(first.lost());
  const Lock second = Lock::acquire(*b, "/lock", {.wait = false}).value();
  EXPECT_GT(second.generation(), generation);
}

TEST_F(LockTest, CH_35_Readers_share) {
  const Lock one = Lock::acquire(*a, "/lock", {.mode = LockMode::shared}).value();
  const Lock two = Lock::acquire(*a, "/lock", {.mode = LockMode::shared}).value();
  const Lock three = Lock::acquire(*b, "/lock", {.mode = LockMode::shared}).value();
  EXPECT_EQ(code(Lock::acquire(*b, "/lock", {.wait = false})), "the lock is held");
}

TEST_F(LockTest, A_lock_whose_file_is_removed_is_lost) {
  std::promise<void> told;
  Lock lock = Lock::acquire(*a, "/lock", {.on_lost = [&] { told.set_value(); }}).value();
  EXPECT_FALSE(lock.wait_lost(Duration::micros(1)));
  EXPECT_EQ(code(open(*b, "/lock").remove()), "ok");
  told.get_future().get();
  EXPECT_TRUE(lock.wait_lost(Duration::seconds(60)));
  EXPECT_TRUE(lock.lost());
  EXPECT_EQ(code(lock.release()), "the lock is not held");
}

TEST_F(LockTest, CH_73_A_lock_of_an_expired_session_is_lost) {
  const Lock lock = Lock::acquire(*a, "/lock").value();
  std::thread waits([&] { EXPECT_TRUE(lock.wait_lost(Duration::seconds(60))); });
  on_loop([&] { fake_a->jeopardize(); });
  settle();
  EXPECT_FALSE(lock.lost());
  on_loop([&] { fake_a->expire(); });
  waits.join();
  const Lock theirs = Lock::acquire(*b, "/lock", {.wait = false}).value();
  EXPECT_FALSE(theirs.lost());
}

TEST_F(LockTest, Nobody_is_told_of_the_loss_of_a_released_lock) {
  bool told = false;
  {
    Lock lock = Lock::acquire(*a, "/lock", {.on_lost = [&] { told = true; }}).value();
    std::thread waits([&] { EXPECT_TRUE(lock.wait_lost(Duration::seconds(60))); });
    EXPECT_EQ(code(lock.release()), "ok");
    waits.join();
    on_loop([&] { fake_b->expire(); });
    EXPECT_EQ(code(open(*a, "/lock").remove()), "ok");
    settle();
    const Lock other = Lock::acquire(*a, "/other", {.on_lost = [&] { told = true; }}).value();
  }
  on_loop([&] { fake_a->expire(); });
  settle();
  EXPECT_FALSE(told);
}

TEST_F(LockTest, Nor_of_one_that_was_never_got) {
  std::promise<void> wanted;
  const Handle holds = a->open("/lock", {.mode = kReadWrite,
                                         .events = {.lock_conflict = true},
                                         .creation = Creation::if_missing,
                                         .on_event = [&](const Event&) { wanted.set_value(); }})
                           .value();
  EXPECT_EQ(code(holds.acquire(LockMode::exclusive)), "ok");
  bool told = false;
  std::thread waits(
      [&] { EXPECT_EQ(code(Lock::acquire(*b, "/lock", {.on_lost = [&] { told = true; }})), "session expired"); });
  wanted.get_future().get();
  on_loop([&] { fake_b->expire(); });
  waits.join();
  EXPECT_FALSE(told);
}

TEST_F(LockTest, A_lock_moves) {
  Lock one = Lock::acquire(*a, "/1").value();
  Lock other = Lock::acquire(*a, "/2", {.identity = "other"}).value();
  other = std::move(one);
  EXPECT_FALSE(other.lost());
  EXPECT_EQ(code(Lock::acquire(*b, "/1", {.wait = false})), "the lock is held");
  EXPECT_EQ(code(Lock::acquire(*b, "/2", {.wait = false})), "ok");
  EXPECT_EQ(open(*b, "/2").get_contents()->contents, "");
}

TEST_F(LockTest, Creates_its_file_only_if_it_may) {
  EXPECT_EQ(code(Lock::acquire(*a, "/lock", {.creation = Creation::never})), "no such node");
}

// CH-53: the primary's name is in the file as long as it is the primary, and an Election sees it.
TEST_F(LockTest, CH_53_A_primary_and_its_observers) {
  std::vector<std::string> seen;
  const OnLoop<Election> observer(*b, "/leader",
                                  [&](const Election::Primary& primary) { seen.push_back(primary.identity); });
  {
    const Lock primary = Lock::acquire(*a, "/leader", {.identity = "one"}).value();
    EXPECT_EQ(primary.handle().get_contents()->contents, "one");
    observer.run([](Election& election) { election.observe(); });
    settle();
  }
  const Lock next = Lock::acquire(*b, "/leader", {.identity = "two"}).value();
  settle();
  on_loop([&] { EXPECT_THAT(seen, testing::ElementsAre("one", "", "two")); });
}

TEST_F(LockTest, Whose_name_cannot_be_written_is_not_the_primary) {
  EXPECT_EQ(code(Lock::acquire(*a, "/", {.identity = "one"})), "not a file");
  EXPECT_EQ(code(Lock::acquire(*b, "/", {.wait = false})), "ok");
}

TEST_F(OnLoopTest, AP_05_Numbers_for_many_threads) {
  const OnLoop<NumberBlocks> numbers(*a, "/ids", uint64_t{10});
  std::vector<std::vector<uint64_t>> got(4);
  std::vector<std::thread> threads;
  for (auto& mine : got) {
    threads.emplace_back([&] {
      for (int i = 0; i < 25; ++i) {
        mine.push_back(numbers.call<uint64_t>([](auto& blocks, auto done) { blocks.next(std::move(done)); }).value());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::vector<uint64_t> all;
  for (const auto& mine : got) all.insert(all.end(), mine.begin(), mine.end());
  std::ranges::sort(all);
  for (uint64_t i = 0; i < 100; ++i) EXPECT_EQ(all.at(i), i + 1);
}

TEST_F(OnLoopTest, A_barrier_and_a_semaphore_for_threads) {
  std::vector<std::thread> threads;
  for (const std::string name : {"x", "y", "z"}) {
    threads.emplace_back([&, name] {
      OnLoop<Barrier> barrier(name == "x" ? *a : *b, "/barrier", size_t{3});
      EXPECT_EQ(code(barrier.call<void>([&](Barrier& at, auto done) { at.wait(name, std::move(done)); })), "ok");
    });
  }
  for (std::thread& thread : threads) thread.join();

  const auto acquire = [](Semaphore& at, Completion<std::string> done) { at.acquire(std::move(done)); };
  OnLoop<Semaphore> one(*a, "/permit", size_t{1}, uint64_t{0});
  EXPECT_EQ(code(one.call<std::string>(acquire)), "ok");
  {
    OnLoop<Semaphore> two(*b, "/permit", size_t{1}, uint64_t{0});
    EXPECT_EQ(code(two.call<std::string>(acquire, {.timeout = Duration::millis(1)})), "deadline exceeded");
  }  // gives up for good
  EXPECT_EQ(code(one.call<void>([](Semaphore& at, auto done) { at.release(std::move(done)); })), "ok");
  OnLoop<Semaphore> three(*b, "/permit", size_t{1}, uint64_t{0});
  EXPECT_EQ(code(three.call<std::string>(acquire)), "ok");
}

TEST_F(OnLoopTest, A_configuration_of_several_files) {
  const Handle directory = a->open("/config", {.creation = Creation::if_missing, .directory = true}).value();
  OnLoop<ConfigSet> config(*a, "/config");
  const auto publish = [](uint64_t expected) {
    return [expected](ConfigSet& set, Completion<uint64_t> done) {
      set.publish(expected, {{"routes", "r"}, {"limits", "l"}}, std::move(done));
    };
  };
  EXPECT_EQ(config.call<uint64_t>(publish(0)).value(), 1u);
  EXPECT_EQ(code(config.call<uint64_t>(publish(0))), "another generation");
  const auto read = config.call<ConfigSet::Version>([](auto& set, auto done) { set.read(std::move(done)); });
  EXPECT_EQ(read.value().files.at("routes"), "r");
}

TEST_F(OnLoopTest, A_recipe_goes_with_its_client) {
  const OnLoop<Mutex> holds(*a, "/mutex");
  const OnLoop<Mutex> waits(*b, "/mutex");
  const auto lock = [](Mutex& mutex, Completion<std::string> done) { mutex.lock(std::move(done)); };
  EXPECT_EQ(code(holds.call<std::string>(lock)), "ok");
  std::thread waiting([&] { EXPECT_EQ(code(waits.call<std::string>(lock)), "cancelled"); });
  settle();
  b.reset();
  waiting.join();
  EXPECT_EQ(code(waits.call<std::string>(lock)), "cancelled");
  EXPECT_FALSE(waits.run([](Mutex&) {}));
  on_loop([&] { EXPECT_EQ(code(holds.call<std::string>(lock)), "would deadlock"); });
}

}  // namespace
}  // namespace conclave::blocking
