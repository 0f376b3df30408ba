// The recipes, over the fake.
#include <memory>

#include "client/chubby/recipe_barrier.h"
#include "client/chubby/recipe_config_set.h"
#include "client/chubby/recipe_election.h"
#include "client/chubby/recipe_mutex.h"
#include "client/chubby/recipe_numbers.h"
#include "client/chubby/recipe_presence.h"
#include "client/chubby/recipe_semaphore.h"
#include "client/chubby/testing_fake.h"
#include "wire/chubby/sequencer.h"

namespace conclave::chubby {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class RecipesTest : public FakeTest {
 protected:
  Election::Listener see(std::string who) {
    return [this, who = std::move(who)](const Election::Primary& primary) {
      log.push_back(fmt::format("{}: {}{}", who, primary.identity, primary.self ? " (self)" : ""));
    };
  }
};

TEST_F(RecipesTest, ElectionHandsOver) {  // CH-53
  Fake observing(cell, executor);
  Election mine(a, "/leader", see("a"));
  Election theirs(b, "/leader", see("b"));
  Election observer(observing, "/leader", see("o"));
  mine.run("host-a", nullptr);
  settle();
  theirs.run("host-b", nullptr);
  observer.observe();
  settle();
  EXPECT_THAT(log, ElementsAre("a: ", "a: host-a (self)", "b: host-a", "o: host-a"));
  const std::string first = mine.primary().sequencer;
  log.clear();
  mine.resign(record<void>("resigned"));
  settle();
  EXPECT_TRUE(theirs.elected());
  EXPECT_EQ(cell.contents("/leader"), "host-b");
  EXPECT_THAT(log, testing::IsSupersetOf({"resigned: ok", "b: host-b (self)", "o: host-b", "a: host-b"}));
  const std::string second = theirs.primary().sequencer;
  theirs.resign(nullptr);
  settle();
  EXPECT_EQ(cell.contents("/leader"), "");
  SequencerVerifier verifier;  // CH-38: the former primary is refused
  EXPECT_TRUE(verifier.accept(second, "/leader"));
  EXPECT_FALSE(verifier.accept(first, "/leader"));
}

TEST_F(RecipesTest, ElectionAfterTheDeathOfThePrimary) {  // CH-53
  Election mine(a, "/leader", nullptr);
  Election theirs(b, "/leader", see("b"));
  mine.run("host-a", [&](const CallError&) { log.emplace_back("failed"); });
  settle();
  theirs.run("host-b", nullptr);
  settle();
  a.expire();
  settle();
  EXPECT_THAT(log, ElementsAre("b: host-a", "a: expired", "b: host-b (self)"));
}

TEST_F(RecipesTest, APrimaryWhoseFileIsRemovedIsToldThatItIsNoMore) {
  Election mine(a, "/leader", see("a"));
  mine.run("host-a", nullptr);
  settle();
  const auto other = open(b, "/leader", {.mode = kReadWrite});
  b.remove(other->handle, nullptr);
  settle();
  EXPECT_THAT(log, ElementsAre("a: ", "a: host-a (self)", "a: "));
  EXPECT_FALSE(mine.elected());
}

TEST_F(RecipesTest, ACandidateResigns) {  // CH-53, CH-98
  Election mine(a, "/leader", nullptr);
  auto theirs = std::make_unique<Election>(b, "/leader", nullptr);
  mine.run("host-a", nullptr);
  settle();
  theirs->run("host-b", [&](const CallError& why) { log.emplace_back(to_string(why.code)); });
  settle();
  theirs->resign(record<void>("resigned"));
  settle();
  mine.resign(nullptr);
  settle();
  EXPECT_FALSE(theirs->elected());
  EXPECT_THAT(log, testing::UnorderedElementsAre("cancelled", "resigned: ok"));
  theirs->run("host-b", nullptr);
  theirs.reset();  // before anything is answered
  settle();
}

TEST_F(RecipesTest, Mutex) {  // CH-37
  Mutex mine(a, "/mutex");
  Mutex theirs(b, "/mutex");
  mine.lock(record<std::string>("a"));
  settle();
  theirs.lock(record<std::string>("b"));
  settle();
  ASSERT_EQ(log.size(), 1u);
  mine.unlock(record<void>("unlock"));
  settle();
  ASSERT_EQ(log.size(), 3u);
  SequencerVerifier verifier;
  EXPECT_TRUE(verifier.accept(log[1].substr(3), "/mutex")) << log[1];
  EXPECT_FALSE(verifier.accept(log[0].substr(3), "/mutex")) << log[0];
  mine.lock(record<std::string>("again"));
  settle();
  EXPECT_TRUE(mine.cancel());
  settle();
  EXPECT_EQ(log.back(), "again: cancelled");
}

TEST_F(RecipesTest, AMutexThatIsDestroyedIsFree) {
  auto mine = std::make_unique<Mutex>(a, "/mutex");
  Mutex theirs(b, "/mutex");
  mine->lock(nullptr);
  settle();
  theirs.lock(record<std::string>("b"));
  settle();
  EXPECT_THAT(log, IsEmpty());
  mine.reset();
  settle();
  EXPECT_EQ(log.size(), 1u);
}

TEST_F(RecipesTest, AMutexGoesOnInTheNextSession) {  // CH-73
  Mutex mine(a, "/mutex");
  mine.lock(nullptr);
  settle();
  a.expire();
  mine.lock(record<std::string>("expired"));
  settle();
  a.restart();
  mine.lock(record<std::string>("restarted"));
  settle();
  ASSERT_EQ(log.size(), 3u);
  EXPECT_EQ(log[1], "expired: session expired");
  EXPECT_THAT(log[2], testing::StartsWith("restarted: conclave-lock/1 x "));
}

TEST_F(RecipesTest, NumbersAreGivenOutOnce) {  // AP-05
  NumberBlocks mine(a, "/numbers", 3);
  NumberBlocks theirs(b, "/numbers", 2);
  std::vector<uint64_t> given;
  const auto take = [&](Outcome<uint64_t> number) { given.push_back(number.value()); };
  for (int i = 0; i < 4; ++i) {
    mine.next(take);
    theirs.next(take);
  }
  settle();
  EXPECT_EQ(given.size(), 8u);
  std::ranges::sort(given);
  EXPECT_EQ(std::ranges::adjacent_find(given), given.end()) << "twice";
  EXPECT_EQ(cell.contents("/numbers"), "11");  // two blocks of 3, two of 2
}

TEST_F(RecipesTest, AFileThatHoldsNoNumber) {  // AP-05
  open(a, "/numbers", {.creation = Creation::must, .contents = "many"});
  NumberBlocks mine(a, "/numbers", 3);
  mine.next(record<uint64_t>("next"));
  settle();
  EXPECT_THAT(log, ElementsAre("next: bad argument"));
}

TEST_F(RecipesTest, Presence) {  // CH-23
  Presence mine(a, "/members");
  Presence theirs(b, "/members", [&](const std::vector<std::string>& names) {
    log.push_back(fmt::format("{}", fmt::join(names, " ")));
  });
  theirs.watch();
  settle();
  mine.join("a", "", record<void>("join"));
  settle();
  theirs.join("b", "", nullptr);
  theirs.join("a", "", record<void>("taken"));
  settle();
  a.expire();
  settle();
  EXPECT_THAT(log, ElementsAre("", "join: ok", "a", "taken: the node exists", "a b", "a: expired", "b"));
}

TEST_F(RecipesTest, WhoLeavesWhileJoiningIsNotThere) {  // CH-23
  auto mine = std::make_unique<Presence>(a, "/members");
  mine->join("a", "", nullptr);
  world.run_until([&] { return cell.contents("/members/a").has_value(); }, Duration::millis(1));
  mine.reset();
  settle();
  EXPECT_EQ(cell.contents("/members/a"), std::nullopt);
}

TEST_F(RecipesTest, Barrier) {
  Barrier first(a, "/barrier", 2);
  auto second = std::make_unique<Barrier>(b, "/barrier", 2);
  first.wait("a", record<void>("a"));
  settle();
  EXPECT_THAT(log, IsEmpty());
  second->wait("b", [&](const Outcome<void>&) {
    log.emplace_back("b");
    second.reset();
  });
  settle();
  EXPECT_THAT(log, testing::UnorderedElementsAre("a: ok", "b"));
  Barrier late(b, "/barrier", 2);  // it is open, although the others may have gone
  late.wait("c", record<void>("late"));
  settle();
  EXPECT_EQ(log.back(), "late: ok");
}

TEST_F(RecipesTest, Semaphore) {
  Fake third(cell, executor);
  Semaphore one(a, "/permit", 2, 0);
  Semaphore two(b, "/permit", 2, 0);
  Semaphore three(third, "/permit", 2, 0);
  one.acquire(record<std::string>("one"));
  two.acquire(record<std::string>("two"));
  settle();
  three.acquire(record<std::string>("three"));
  settle();
  EXPECT_EQ(log.size(), 2u);
  one.release(nullptr);
  settle();
  ASSERT_EQ(log.size(), 3u);
  EXPECT_THAT(log[2], testing::StartsWith("three: "));
  one.release(record<void>("twice"));
  EXPECT_EQ(log.back(), "twice: the lock is not held");
}

class ConfigSetTest : public RecipesTest {
 protected:
  using Files = std::map<std::string, Bytes>;

  // After some turns of the loop.
  void later(int turns, std::function<void()> what) {
    if (turns == 0) return what();
    executor.post([this, turns, what = std::move(what)]() mutable { later(turns - 1, std::move(what)); });
  }
  Completion<ConfigSet::Version> read_into(ConfigSet::Version* out) {
    return [out](Outcome<ConfigSet::Version> read) { *out = std::move(read.value()); };
  }
};

TEST_F(ConfigSetTest, WhatIsPublishedIsReadWhole) {  // CH-48
  ConfigSet mine(a, "/config");
  ConfigSet theirs(b, "/config", [&] { log.emplace_back("changed"); });
  ConfigSet::Version version;
  theirs.read(read_into(&version));
  settle();
  EXPECT_EQ(version.number, 0u);
  mine.publish(0, {{"routes", "r1"}, {"limits", "l1"}}, record<uint64_t>("publish"));
  settle();
  EXPECT_THAT(log, ElementsAre("changed", "publish: 1"));
  theirs.read(read_into(&version));
  settle();
  EXPECT_EQ(version.number, 1u);
  EXPECT_EQ(version.files, (Files{{"routes", "r1"}, {"limits", "l1"}}));
  mine.publish(1, {{"routes", "r2"}}, nullptr);
  settle();
  theirs.read(read_into(&version));
  settle();
  EXPECT_EQ(version.files, (Files{{"routes", "r2"}}));
  EXPECT_EQ(cell.contents("/config/1/routes"), std::nullopt) << "the former version is removed";
  EXPECT_EQ(open(a, "/config/1", {}).error().code, CallCode::no_node);
}

TEST_F(ConfigSetTest, OneOfTwoPublishersWins) {  // CH-48
  ConfigSet mine(a, "/config");
  ConfigSet theirs(b, "/config");
  mine.publish(0, {{"f", "mine"}}, record<uint64_t>("publish"));
  theirs.publish(0, {{"f", "theirs"}}, record<uint64_t>("publish"));
  settle();
  EXPECT_THAT(log,
              testing::UnorderedElementsAre(testing::AnyOf("publish: 1", "publish: 2"), "publish: another generation"));
  const std::string winner = cell.contents("/config/current").value();
  EXPECT_TRUE(cell.contents("/config/" + winner + "/f"));
  EXPECT_FALSE(cell.contents(winner == "1" ? "/config/2/f" : "/config/1/f"));
  mine.publish(0, {}, record<uint64_t>("late"));
  settle();
  EXPECT_EQ(log.back(), "late: another generation");
}

// Each reader that starts while versions are replaced sees one of them, never parts of two.
TEST_F(ConfigSetTest, ReadersSeeOneVersion) {  // CH-48
  ConfigSet mine(a, "/config");
  ConfigSet theirs(b, "/config");
  uint64_t published = 0;
  std::function<void()> publish = [&] {
    const std::string text = std::to_string(published + 1);
    mine.publish(published, {{"x", text}, {"y", text}, {"z", text}}, [&](Outcome<uint64_t> done) {
      published = done.value();
      if (published < 20) later(3 * static_cast<int>(published), publish);
    });
  };
  size_t reads = 0;
  std::function<void()> read = [&] {
    theirs.read([&](Outcome<ConfigSet::Version> version) {
      if (version && version->number != 0) {
        ++reads;
        EXPECT_EQ(version->files.size(), 3u);
        for (const auto& [name, text] : version->files) EXPECT_EQ(text, std::to_string(version->number));
      }
      if (published < 20) read();
    });
  };
  publish();
  read();
  settle();
  EXPECT_EQ(published, 20u);
  EXPECT_GT(reads, 5u);
}

}  // namespace
}  // namespace conclave::chubby
