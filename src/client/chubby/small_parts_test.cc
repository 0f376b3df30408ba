// The lease, names, and where the master is looked for.
#include <gtest/gtest.h>

#include "client/chubby/lease.h"
#include "client/chubby/locator.h"
#include "client/chubby/names.h"

namespace conclave::chubby {
namespace {

constexpr Instant at(int64_t seconds) {
  return Instant{seconds * 1'000'000};
}

TEST(LocalLease, CountsFromTheSendingAndIsShorterByTheBound) {  // CH-70
  LocalLease lease(10'000, Duration::seconds(45));
  EXPECT_FALSE(lease.runs(at(0)));
  lease.grant(at(100), Duration::seconds(8), Duration::seconds(12));
  EXPECT_EQ(lease.end(), at(100) + Duration::micros(19'800'000));
  EXPECT_TRUE(lease.runs(lease.end() - Duration::micros(1)));
  EXPECT_FALSE(lease.runs(lease.end()));
  EXPECT_FALSE(lease.lost(lease.end() + Duration::micros(44'999'999)));  // CH-71
  EXPECT_TRUE(lease.lost(lease.end() + Duration::seconds(45)));
}

TEST(LocalLease, OnlyMovesLater) {  // CH-67
  LocalLease lease(0, Duration::seconds(45));
  lease.grant(at(100), Duration{}, Duration::seconds(12));
  lease.grant(at(90), Duration::seconds(1), Duration::seconds(12));
  EXPECT_EQ(lease.end(), at(112));
  lease.grant(at(101), Duration{}, Duration::seconds(12));
  EXPECT_EQ(lease.end(), at(113));
}

TEST(Names, CellsAndPaths) {  // CH-20
  EXPECT_EQ(parse_name("/a/b").value(), (Name{.cell = "", .path = "/a/b"}));
  EXPECT_EQ(parse_name("/").value(), (Name{.cell = "", .path = "/"}));
  EXPECT_EQ(parse_name("/ls/local/a").value(), (Name{.cell = "", .path = "/a"}));
  EXPECT_EQ(parse_name("/ls/here/a").value(), (Name{.cell = "here", .path = "/a"}));
  EXPECT_EQ(parse_name("/ls/here").value(), (Name{.cell = "here", .path = "/"}));
  EXPECT_EQ(parse_name("/lsx/a").value(), (Name{.cell = "", .path = "/lsx/a"}));
  for (const char* bad : {"", "a", "/a/", "//", "/ls/", "/ls//a", "/ls/here/a/", "/a//b"}) {
    EXPECT_FALSE(parse_name(bad)) << bad;
  }
  EXPECT_FALSE(parse_name("/" + std::string(5'000, 'x')));
  EXPECT_EQ(path_below("/", "a").value(), "/a");
  EXPECT_EQ(path_below("/a", "b/c").value(), "/a/b/c");
  for (const char* bad : {"", "/b", "b/", "b//c"}) EXPECT_FALSE(path_below("/a", bad)) << bad;
}

TEST(Locator, RoundAndRoundWithPausesBetweenRounds) {  // CH-14
  const std::vector<env::Address> replicas{{"a", 1}, {"b", 1}, {"c", 1}};
  Locator locator(replicas, 7);
  std::vector<env::Address> asked;
  std::vector<int64_t> pauses;
  for (int i = 0; i < 30; ++i) {
    pauses.push_back(locator.pause().ms());
    asked.push_back(locator.next());
  }
  std::vector<env::Address> round(asked.begin(), asked.begin() + 3);
  std::ranges::sort(round);
  EXPECT_EQ(round, replicas);
  EXPECT_EQ(asked[0], asked[3]);
  EXPECT_EQ(pauses[1], 0);
  EXPECT_GE(pauses[3], 25);
  EXPECT_LE(pauses[3], 50);
  EXPECT_GE(pauses[27], 500);
  EXPECT_LE(pauses[27], 1'000);
  locator.named({"d", 1});
  EXPECT_EQ(locator.pause().ms(), 0);
  EXPECT_EQ(locator.next(), (env::Address{"d", 1}));
  EXPECT_EQ(locator.next(), asked[0]);
}

}  // namespace
}  // namespace conclave::chubby
