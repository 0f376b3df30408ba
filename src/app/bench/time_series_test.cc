#include "app/bench/time_series.h"

#include <gtest/gtest.h>

namespace conclave::app::bench {
namespace {

TEST(TimeSeries, EachIntervalHasItsOwnQuantiles) {
  TimeSeries series(100);
  for (uint64_t latency = 1; latency <= 50; ++latency) series.record(latency, latency);
  series.record(100, 7);
  series.record(199, 9);
  series.end(200);
  ASSERT_EQ(series.rows().size(), 2u);
  EXPECT_EQ(series.rows()[0].count, 50u);
  EXPECT_EQ(series.rows()[0].p50_ns, 25u);
  EXPECT_EQ(series.rows()[0].p99_ns, 50u);
  EXPECT_EQ(series.rows()[0].max_ns, 50u);
  EXPECT_EQ(series.rows()[1].count, 2u);
  EXPECT_EQ(series.rows()[1].p50_ns, 7u);
  EXPECT_EQ(series.rows()[1].max_ns, 9u);
}

TEST(TimeSeries, SilentIntervalsHaveRows) {
  TimeSeries series(100);
  series.record(50, 1);
  series.record(350, 2);
  series.end(600);
  ASSERT_EQ(series.rows().size(), 6u);
  const std::vector<uint64_t> expected = {1, 0, 0, 1, 0, 0};
  for (size_t i = 0; i < expected.size(); ++i) EXPECT_EQ(series.rows()[i].count, expected[i]) << i;
  EXPECT_EQ(series.rows()[3].max_ns, 2u);
}

TEST(TimeSeries, AnIntervalCutShortIsDropped) {
  TimeSeries series(100);
  series.record(50, 1);
  series.record(110, 1);
  series.end(150);
  EXPECT_EQ(series.rows().size(), 1u);
}

}  // namespace
}  // namespace conclave::app::bench
