// G1 … G3: who may have cached what, and which change may be made when (CH-56 … CH-58).
#include "frontend/chubby/cache_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>
#include <set>

#include "base/random.h"

namespace conclave::frontend::chubby {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const SessionId kA(1), kB(2);
Zxid zxid(uint32_t counter) {
  return Zxid(Epoch(1), counter);
}

class CacheTableTest : public testing::Test {
 protected:
  std::vector<SessionId> hold(const std::string& path, CacheTable::Ticket ticket) {
    std::vector<SessionId> out;
    for (const auto& invalidation : table.hold({path}, ticket)) out.push_back(invalidation.session);
    return out;
  }
  CacheTable table;
};

TEST_F(CacheTableTest, WhatNobodyCachesMayBeChangedAtOnce) {
  EXPECT_TRUE(table.admit({"/a"}, zxid(1)));
}

// Seed 373 of the profile `locks`.
TEST_F(CacheTableTest, G2_WhatPassedUnseenIsAppliedBeforeAnybodyCaches) {
  table.passed(zxid(2));
  table.passed(zxid(3));
  EXPECT_FALSE(table.may_cache("/a"));
  table.applied(zxid(2));
  EXPECT_FALSE(table.may_cache("/a"));
  table.applied(zxid(3));
  EXPECT_TRUE(table.may_cache("/a"));
  table.passed(zxid(4));
  table.applied(zxid(5));
  EXPECT_TRUE(table.may_cache("/a"));
}

TEST_F(CacheTableTest, G1_AChangeWaitsForEveryoneWhoMayHaveCachedIt) {
  table.cached("/a", kA);
  table.cached("/a", kB);
  table.cached("/b", kB);
  EXPECT_FALSE(table.admit({"/a"}, zxid(1)));
  EXPECT_THAT(hold("/a", 1), ElementsAre(kA, kB));
  table.acknowledged(kA, "/a");
  EXPECT_THAT(table.take_ready(), IsEmpty());
  EXPECT_FALSE(table.admit({"/a"}, zxid(1)));
  table.acknowledged(kB, "/a");
  EXPECT_THAT(table.take_ready(), ElementsAre(1));
  EXPECT_TRUE(table.admit({"/a"}, zxid(1)));
  table.forget(1);
  EXPECT_EQ(table.cached_by(kA), 0u);
  EXPECT_EQ(table.cached_by(kB), 1u);
}

TEST_F(CacheTableTest, G1_NamesMayBeThoseThatTheTableItselfGaveOut) {
  for (char name = 'a'; name <= 'h'; ++name) table.cached(std::string("/") + name, kA);
  std::vector<std::string_view> names;
  table.for_each_cached([&](const std::string& name) {
    if (name != "/h") names.push_back(name);
  });
  names.push_back("/a");  // twice
  std::vector<std::string> dropped;
  for (const auto& invalidation : table.hold(names, 1)) dropped.push_back(invalidation.path);
  EXPECT_THAT(dropped, ElementsAre("/a", "/b", "/c", "/d", "/e", "/f", "/g"));
  for (const std::string& name : dropped) table.acknowledged(kA, name);
  EXPECT_THAT(table.take_ready(), ElementsAre(1));
}

TEST_F(CacheTableTest, G3_TheEndOfASessionIsAsGoodAsItsWord) {
  table.cached("/a", kA);
  table.cached("/b", kA);
  hold("/a", 1);
  table.session_ended(kA);
  EXPECT_THAT(table.take_ready(), ElementsAre(1));
  EXPECT_TRUE(table.admit({"/b"}, zxid(1)));
}

TEST_F(CacheTableTest, G2_NobodyCachesWhatIsAboutToChange) {
  table.cached("/a", kA);
  EXPECT_TRUE(table.may_cache("/a"));
  hold("/a", 1);
  EXPECT_FALSE(table.may_cache("/a")) << "CH-58: while acknowledgements are outstanding";
  table.acknowledged(kA, "/a");
  EXPECT_FALSE(table.may_cache("/a")) << "until the change asks again";
  EXPECT_TRUE(table.admit({"/a"}, zxid(5)));
  table.forget(1);
  EXPECT_FALSE(table.may_cache("/a")) << "until it is applied";
  table.applied(zxid(4));
  EXPECT_FALSE(table.may_cache("/a"));
  table.applied(zxid(5));
  EXPECT_TRUE(table.may_cache("/a"));
  EXPECT_EQ(table.closed(), 0u);
}

TEST_F(CacheTableTest, G2_TheLastOfTwoChangesOpensTheName) {
  EXPECT_TRUE(table.admit({"/a"}, zxid(1)));
  EXPECT_TRUE(table.admit({"/a"}, zxid(2)));
  table.applied(zxid(1));
  EXPECT_FALSE(table.may_cache("/a"));
  table.applied(zxid(2));
  EXPECT_TRUE(table.may_cache("/a"));
}

TEST_F(CacheTableTest, AChangeThatIsNotWantedAnyMoreOpensTheName) {
  table.cached("/a", kA);
  hold("/a", 1);
  table.acknowledged(kA, "/a");
  table.take_ready();
  table.forget(1);
  EXPECT_TRUE(table.may_cache("/a"));
}

TEST_F(CacheTableTest, ChangesOfOneNameShareARound) {
  table.cached("/a", kA);
  EXPECT_THAT(hold("/a", 1), ElementsAre(kA));
  EXPECT_THAT(hold("/a", 2), IsEmpty());
  table.acknowledged(kA, "/a");
  EXPECT_THAT(table.take_ready(), ElementsAre(1, 2));
  table.forget(1);
  EXPECT_FALSE(table.may_cache("/a"));
  table.forget(2);
  EXPECT_TRUE(table.may_cache("/a"));
}

TEST_F(CacheTableTest, AChangeOfSeveralNamesWaitsForAllOfThem) {
  table.cached("/a", kA);
  table.cached("/b", kB);
  EXPECT_FALSE(table.admit({"/a", "/b"}, zxid(1)));
  EXPECT_EQ(table.hold({"/a", "/b", "/a"}, 1).size(), 2u);
  table.acknowledged(kB, "/b");
  EXPECT_THAT(table.take_ready(), IsEmpty());
  EXPECT_FALSE(table.may_cache("/b")) << "or it would never end";
  table.acknowledged(kA, "/a");
  EXPECT_THAT(table.take_ready(), ElementsAre(1));
}

TEST_F(CacheTableTest, CH_77_WithANewMasterChangesWaitUntilAllKnow) {
  hold("/a", 1);
  table.hold_until_open(1);
  EXPECT_THAT(table.take_ready(), IsEmpty());
  table.open();
  EXPECT_THAT(table.take_ready(), ElementsAre(1));
}

// Against the plain idea: a set of pairs, and changes that run through everything.
TEST_F(CacheTableTest, RandomRunsKeepG1AndG2) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    Random random(seed);
    CacheTable cache;
    std::set<std::pair<std::string, int64_t>> may_have;   // in a client's cache, or on the way to it
    std::map<std::pair<std::string, int64_t>, int> told;  // and not acknowledged
    std::map<CacheTable::Ticket, std::vector<std::string>> held;
    std::map<std::string, uint32_t> admitted;  // and not applied: the last one
    uint32_t last = 0, applied = 0;
    CacheTable::Ticket tickets = 0;
    const auto name = [&] { return "/" + std::to_string(random.below(4)); };
    const auto ask = [&](const std::vector<std::string>& names) {
      const std::vector<std::string_view> views(names.begin(), names.end());
      if (cache.admit(views, zxid(last + 1))) {
        ++last;
        for (const std::string& path : names) {
          admitted[path] = last;
          for (int64_t session = 1; session <= 3; ++session) ASSERT_FALSE(may_have.contains({path, session})) << seed;
        }
        return;
      }
      for (const auto& invalidation : cache.hold(views, ++tickets))
        ++told[{invalidation.path, invalidation.session.value}];
      held[tickets] = names;
    };
    for (int step = 0; step < 300; ++step) {
      const int64_t session = 1 + static_cast<int64_t>(random.below(3));
      switch (random.below(5)) {
        case 0: {
          const std::string path = name();
          if (!cache.may_cache(path)) break;
          ASSERT_FALSE(admitted.contains(path)) << seed;
          cache.cached(path, SessionId(session));
          may_have.insert({path, session});
          break;
        }
        case 1: {
          std::vector<std::string> names = {name()};
          if (random.chance(1, 3)) names.push_back(name());
          ask(names);
          break;
        }
        case 2:
          if (!told.empty()) {
            auto which = told.begin();
            std::advance(which, random.below(told.size()));
            may_have.erase(which->first);
            cache.acknowledged(SessionId(which->first.second), which->first.first);
            told.erase(which);
          }
          break;
        case 3:
          if (random.chance(1, 4)) {
            cache.session_ended(SessionId(session));
            std::erase_if(told, [&](const auto& entry) { return entry.first.second == session; });
            std::erase_if(may_have, [&](const auto& entry) { return entry.second == session; });
          }
          break;
        case 4:
          if (applied < last) cache.applied(zxid(++applied));
          std::erase_if(admitted, [&](const auto& entry) { return entry.second <= applied; });
          break;
      }
      for (const CacheTable::Ticket ticket : cache.take_ready()) {
        const std::vector<std::string> names = held.at(ticket);
        held.erase(ticket);
        ask(names);
        cache.forget(ticket);
      }
    }
    for (int64_t session = 1; session <= 3; ++session) cache.session_ended(SessionId(session));
    told.clear();
    may_have.clear();
    for (auto ready = cache.take_ready(); !ready.empty(); ready = cache.take_ready()) {
      for (const CacheTable::Ticket ticket : ready) {
        ask(held.at(ticket));
        held.erase(ticket);
        cache.forget(ticket);
      }
    }
    cache.applied(zxid(last));
    ASSERT_TRUE(held.empty()) << seed;
    ASSERT_EQ(cache.closed() + cache.held() + cache.names(), 0u) << seed;
  }
}

}  // namespace
}  // namespace conclave::frontend::chubby
