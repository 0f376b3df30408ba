// Watches as ZooKeeper's watch tables have them (ZK-07): which events fire which watches, what stays, what goes.
#include "frontend/zookeeper/watch_manager.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>
#include <set>

#include "base/random.h"

namespace conclave::frontend::zookeeper {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr auto kData = WatchTable::data;
constexpr auto kChildren = WatchTable::children;

TEST(WatchManagerTest, OneShotWatchesFireOnceOnTheirKindOfEvent) {
  struct Case {
    WatchTable table;
    WatchEvent event;
    bool fires;
  };
  for (const Case& c :
       {Case{kData, WatchEvent::created, true}, Case{kData, WatchEvent::deleted, true},
        Case{kData, WatchEvent::data_changed, true}, Case{kData, WatchEvent::children_changed, false},
        Case{kChildren, WatchEvent::created, false}, Case{kChildren, WatchEvent::deleted, true},
        Case{kChildren, WatchEvent::data_changed, false}, Case{kChildren, WatchEvent::children_changed, true}}) {
    WatchManager watches({});
    ASSERT_TRUE(watches.add(1, "/a", c.table));
    EXPECT_EQ(watches.fire(c.event, "/a").size(), c.fires ? 1u : 0u);
    EXPECT_EQ(watches.watch_count(), c.fires ? 0u : 1u);
    EXPECT_THAT(watches.fire(c.event, "/a"), IsEmpty());
    EXPECT_THAT(watches.fire(c.event, "/a/b"), IsEmpty());
  }
}

TEST(WatchManagerTest, DeletionTellsAWatcherOfBothKindsOnce) {
  WatchManager watches({});
  ASSERT_TRUE(watches.add(1, "/a", kData));
  ASSERT_TRUE(watches.add(1, "/a", kChildren));
  EXPECT_EQ(watches.watch_count(), 1u);
  EXPECT_THAT(watches.fire(WatchEvent::deleted, "/a"), ElementsAre(1));
  EXPECT_EQ(watches.path_count(), 0u);
  EXPECT_EQ(watches.watcher_count(), 0u);
}

TEST(WatchManagerTest, DataEventLeavesTheChildWatch) {
  WatchManager watches({});
  ASSERT_TRUE(watches.add(1, "/a", kData));
  ASSERT_TRUE(watches.add(1, "/a", kChildren));
  EXPECT_THAT(watches.fire(WatchEvent::data_changed, "/a"), ElementsAre(1));
  EXPECT_THAT(watches.fire(WatchEvent::data_changed, "/a"), IsEmpty());
  EXPECT_THAT(watches.fire(WatchEvent::children_changed, "/a"), ElementsAre(1));
}

TEST(WatchManagerTest, PersistentStaysAndSeesBothKindsOfItsNodeOnly) {
  WatchManager watches({});
  ASSERT_TRUE(watches.add_persistent(1, "/a", PersistentMode::persistent));
  for (int round = 0; round < 2; ++round) {
    for (auto event :
         {WatchEvent::created, WatchEvent::data_changed, WatchEvent::children_changed, WatchEvent::deleted}) {
      EXPECT_THAT(watches.fire(event, "/a"), ElementsAre(1));
      EXPECT_THAT(watches.fire(event, "/a/b"), IsEmpty());
      EXPECT_THAT(watches.fire(event, "/"), IsEmpty());
    }
  }
}

TEST(WatchManagerTest, RecursiveSeesTheSubtreeButNoChildrenChanged) {
  WatchManager watches({});
  ASSERT_TRUE(watches.add_persistent(1, "/a", PersistentMode::recursive));
  for (const char* path : {"/a", "/a/b", "/a/b/c"}) {
    for (auto event : {WatchEvent::created, WatchEvent::data_changed, WatchEvent::deleted}) {
      EXPECT_THAT(watches.fire(event, path), ElementsAre(1));
    }
    EXPECT_THAT(watches.fire(WatchEvent::children_changed, path), IsEmpty());
  }
  EXPECT_THAT(watches.fire(WatchEvent::created, "/ab"), IsEmpty());
  EXPECT_THAT(watches.fire(WatchEvent::created, "/b"), IsEmpty());
  ASSERT_TRUE(watches.add_persistent(2, "/", PersistentMode::recursive));
  EXPECT_THAT(watches.fire(WatchEvent::created, "/a/x"), ElementsAre(1, 2));
  EXPECT_THAT(watches.fire(WatchEvent::created, "/"), ElementsAre(2));
}

TEST(WatchManagerTest, ManyWatchesOfOneWatcherTellItOnce) {
  WatchManager watches({});
  ASSERT_TRUE(watches.add_persistent(1, "/", PersistentMode::recursive));
  ASSERT_TRUE(watches.add_persistent(1, "/a", PersistentMode::recursive));
  ASSERT_TRUE(watches.add_persistent(1, "/a/b", PersistentMode::persistent));
  ASSERT_TRUE(watches.add(1, "/a/b", kData));
  EXPECT_THAT(watches.fire(WatchEvent::data_changed, "/a/b"), ElementsAre(1));
  EXPECT_EQ(watches.watch_count(), 3u);
}

TEST(WatchManagerTest, AOneShotWatchDoesNotEndAPersistentOne) {
  WatchManager watches({});
  ASSERT_TRUE(watches.add_persistent(1, "/a", PersistentMode::persistent));
  ASSERT_TRUE(watches.add(1, "/a", kData));
  EXPECT_THAT(watches.fire(WatchEvent::data_changed, "/a"), ElementsAre(1));
  EXPECT_THAT(watches.fire(WatchEvent::data_changed, "/a"), ElementsAre(1));
}

TEST(WatchManagerTest, ContainsAndRemoveByScope) {
  WatchManager watches({});
  ASSERT_TRUE(watches.add(1, "/a", kData));
  EXPECT_TRUE(watches.contains(1, "/a", WatchScope::data));
  EXPECT_TRUE(watches.contains(1, "/a", WatchScope::any));
  EXPECT_FALSE(watches.contains(1, "/a", WatchScope::children));
  EXPECT_FALSE(watches.contains(2, "/a", WatchScope::any));
  EXPECT_FALSE(watches.contains(1, "/b", WatchScope::any));
  EXPECT_FALSE(watches.remove(1, "/a", WatchScope::children));
  EXPECT_FALSE(watches.remove(1, "/b", WatchScope::any));
  EXPECT_TRUE(watches.remove(1, "/a", WatchScope::data));
  EXPECT_FALSE(watches.remove(1, "/a", WatchScope::data));

  ASSERT_TRUE(watches.add(1, "/a", kChildren));
  ASSERT_TRUE(watches.add_persistent(1, "/a", PersistentMode::recursive));
  EXPECT_TRUE(watches.remove(1, "/a", WatchScope::data));
  EXPECT_TRUE(watches.contains(1, "/a", WatchScope::children));
  EXPECT_THAT(watches.fire(WatchEvent::created, "/a/b"), IsEmpty());
  EXPECT_THAT(watches.fire(WatchEvent::deleted, "/a/b"), ElementsAre(1));  // the other table has it still
  EXPECT_TRUE(watches.remove(1, "/a", WatchScope::any));
  EXPECT_EQ(watches.watch_count(), 0u);
}

TEST(WatchManagerTest, RemoveAllForgetsAWatcherAndOnlyIt) {
  WatchManager watches({});
  ASSERT_TRUE(watches.add(1, "/a", kData));
  ASSERT_TRUE(watches.add_persistent(1, "/b", PersistentMode::recursive));
  ASSERT_TRUE(watches.add(2, "/a", kData));
  watches.remove_all(1);
  watches.remove_all(9);
  EXPECT_THAT(watches.fire(WatchEvent::created, "/b/c"), IsEmpty());
  EXPECT_THAT(watches.fire(WatchEvent::created, "/a"), ElementsAre(2));
  EXPECT_EQ(watches.watcher_count(), 0u);
  EXPECT_EQ(watches.path_count(), 0u);
}

TEST(WatchManagerTest, LimitsRefuseNewWatchesButNotKnownOnes) {
  WatchManager per_watcher({.watches_per_watcher_max = 2});
  ASSERT_TRUE(per_watcher.add(1, "/a", kData));
  ASSERT_TRUE(per_watcher.add(1, "/b", kData));
  EXPECT_FALSE(per_watcher.add(1, "/c", kData));
  EXPECT_TRUE(per_watcher.add(1, "/a", kChildren));
  EXPECT_TRUE(per_watcher.add(2, "/c", kData));
  per_watcher.fire(WatchEvent::deleted, "/a");
  EXPECT_TRUE(per_watcher.add(1, "/c", kData));

  WatchManager bytes({.path_bytes_per_watcher_max = 4});
  ASSERT_TRUE(bytes.add(1, "/a", kData));
  EXPECT_FALSE(bytes.add(1, "/bb", kData));
  EXPECT_TRUE(bytes.add(1, "/b", kData));
  EXPECT_TRUE(bytes.remove(1, "/b", WatchScope::any));
  EXPECT_TRUE(bytes.add(1, "/c", kData));

  WatchManager total({.watches_max = 1});
  ASSERT_TRUE(total.add(1, "/a", kData));
  EXPECT_FALSE(total.add_persistent(2, "/a", PersistentMode::recursive));
  EXPECT_EQ(total.watch_count(), 1u);
}

TEST(WatchManagerTest, ListIsSorted) {
  WatchManager watches({});
  for (WatcherId watcher : {3, 1, 2}) {
    ASSERT_TRUE(watches.add(watcher, "/b", kData));
    ASSERT_TRUE(watches.add(watcher, "/a", kData));
  }
  const auto rows = watches.list();
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].path, "/a");
  EXPECT_THAT(rows[0].watchers, ElementsAre(1, 2, 3));
  EXPECT_EQ(watches.watch_count(3), 2u);
  EXPECT_EQ(watches.watch_count(4), 0u);
}

// The same random calls on a model that has ZooKeeper's two tables and walks everything.
class Model {
 public:
  struct Watch {
    bool data = false, children = false, persistent = false, recursive = false;
    bool any() const { return data || children || persistent || recursive; }
  };
  std::map<std::pair<std::string, WatcherId>, Watch> all;

  std::vector<WatcherId> fire(WatchEvent event, const std::string& path) {
    std::set<WatcherId> told;
    const bool data = event != WatchEvent::children_changed;
    const bool children = event == WatchEvent::children_changed || event == WatchEvent::deleted;
    for (auto& [key, watch] : all) {
      const auto& [at, watcher] = key;
      const bool below = at == path || at == "/" || path.starts_with(at + "/");
      if (watch.recursive && data && below) told.insert(watcher);
      if (at != path) continue;
      if (watch.persistent || (watch.data && data) || (watch.children && children)) told.insert(watcher);
      if (data) watch.data = false;
      if (children) watch.children = false;
    }
    std::erase_if(all, [](const auto& entry) { return !entry.second.any(); });
    return {told.begin(), told.end()};
  }
};

TEST(WatchManagerTest, AgreesWithTheModelOnRandomCalls) {
  Random random(5);
  WatchManager watches({});
  Model model;
  const std::vector<std::string> paths = {"/", "/a", "/a/b", "/a/b/c", "/ab", "/b"};
  for (int step = 0; step < 20000; ++step) {
    const std::string& path = paths[random.below(paths.size())];
    const WatcherId watcher = 1 + random.below(5);
    switch (random.below(8)) {
      case 0:
        ASSERT_TRUE(watches.add(watcher, path, kData));
        model.all[{path, watcher}].data = true;
        break;
      case 1:
        ASSERT_TRUE(watches.add(watcher, path, kChildren));
        model.all[{path, watcher}].children = true;
        break;
      case 2:
        ASSERT_TRUE(watches.add_persistent(watcher, path, PersistentMode::persistent));
        model.all[{path, watcher}].persistent = true;
        break;
      case 3:
        ASSERT_TRUE(watches.add_persistent(watcher, path, PersistentMode::recursive));
        model.all[{path, watcher}].recursive = true;
        break;
      case 4:
        EXPECT_EQ(watches.remove(watcher, path, WatchScope::any), model.all.erase({path, watcher}) > 0);
        break;
      case 5:
        if (!random.chance(1, 10)) break;
        watches.remove_all(watcher);
        std::erase_if(model.all, [&](const auto& entry) { return entry.first.second == watcher; });
        break;
      default:
        const auto event = static_cast<WatchEvent>(random.below(4));
        ASSERT_EQ(watches.fire(event, path), model.fire(event, path)) << "step " << step;
    }
    ASSERT_EQ(watches.watch_count(), model.all.size()) << "step " << step;
  }
}

}  // namespace
}  // namespace conclave::frontend::zookeeper
