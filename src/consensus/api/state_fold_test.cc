#include "consensus/api/state_fold.h"

#include <gtest/gtest.h>

namespace conclave::consensus {
namespace {

constexpr Instant kNow{1'000'000};

Bytes folded(auto&& fill, Instant now = kNow, StateFold::Grain grain = {}) {
  Bytes out;
  StateFold fold(&out, now, grain);
  fill(fold);
  return out;
}
Bytes remaining(int64_t us, StateFold::Grain grain = {}) {
  return folded([&](StateFold& fold) { fold.remaining(Instant{kNow.us + us}); }, kNow, grain);
}
Bytes elapsed(Instant since, Instant now = kNow) {
  return folded([&](StateFold& fold) { fold.elapsed(since); }, now);
}

TEST(StateFold, FieldsDoNotRunTogether) {
  const auto two = [](const Bytes& a, const Bytes& b) { return folded([&](StateFold& fold) { fold.add(a, b); }); };
  EXPECT_NE(two("ab", "c"), two("a", "bc"));
  const auto lists = [](const std::vector<int>& a, const std::vector<int>& b) {
    return folded([&](StateFold& fold) { fold.all(a), fold.all(b); });
  };
  EXPECT_NE(lists({1, 2}, {3}), lists({1}, {2, 3}));
}

TEST(StateFold, DeadlinesThatHavePassedAreAlike) {
  EXPECT_EQ(remaining(0), remaining(-5'000));
  EXPECT_NE(remaining(0), remaining(1));
  EXPECT_NE(remaining(1), remaining(2));
}

TEST(StateFold, TheGrainSaysWhichDeadlinesAreAlike) {
  const StateFold::Grain grain{.unit = Duration::millis(100), .units_max = 2};
  EXPECT_EQ(remaining(1, grain), remaining(100'000, grain));
  EXPECT_NE(remaining(100'000, grain), remaining(100'001, grain));
  EXPECT_EQ(remaining(100'001, grain), remaining(99'000'000, grain));
  EXPECT_NE(remaining(1, grain), remaining(0, grain));
}

TEST(StateFold, WhatOutputsTellIsNotCoarsened) {
  const StateFold::Grain grain{.unit = Duration::millis(100), .units_max = 2};
  const auto exactly = [&](int64_t us) {
    return folded([&](StateFold& fold) { fold.remaining_exactly(Instant{kNow.us + us}); }, kNow, grain);
  };
  EXPECT_NE(exactly(1), exactly(2));
  EXPECT_EQ(exactly(0), exactly(-1));
}

TEST(StateFold, WhatHasElapsedIsCountedFromNow) {
  EXPECT_EQ(elapsed(Instant{10}, Instant{30}), elapsed(Instant{110}, Instant{130}));
  EXPECT_NE(elapsed(Instant{10}, Instant{30}), elapsed(Instant{11}, Instant{30}));
  EXPECT_EQ(elapsed(Instant{INT64_MIN}), elapsed(Instant{INT64_MIN / 2})) << "never";
  EXPECT_NE(elapsed(Instant{INT64_MIN}), elapsed(kNow));
  EXPECT_EQ(elapsed(Instant{INT64_MIN}, Instant{5}), elapsed(Instant{INT64_MIN}, Instant{6}));
}

}  // namespace
}  // namespace conclave::consensus
