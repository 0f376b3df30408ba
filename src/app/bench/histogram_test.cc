#include "app/bench/histogram.h"

#include <gtest/gtest.h>
#include <memory>

namespace conclave::app::bench {
namespace {

TEST(Histogram, EmptyIsZero) {
  const auto histogram = std::make_unique<Histogram>();
  EXPECT_EQ(histogram->quantile(500), 0u);
  EXPECT_EQ(histogram->max(), 0u);
}

TEST(Histogram, SmallValuesAreExact) {
  const auto histogram = std::make_unique<Histogram>();
  for (uint64_t value = 1; value <= 100; ++value) histogram->record(value);
  EXPECT_EQ(histogram->quantile(500), 50u);
  EXPECT_EQ(histogram->quantile(990), 99u);
  EXPECT_EQ(histogram->quantile(1000), 100u);
}

TEST(Histogram, EveryMagnitudeIsExactToOneStep) {
  for (uint64_t value = 1; value < (uint64_t{1} << 62); value = value * 3 + 1) {
    const auto histogram = std::make_unique<Histogram>();
    histogram->record(value);
    histogram->record(uint64_t{1} << 62);
    EXPECT_GE(histogram->quantile(500), value);
    EXPECT_LE(histogram->quantile(500), value + value / 64);
  }
}

TEST(Histogram, TheThousandthOfTheSlowestShows) {
  const auto histogram = std::make_unique<Histogram>();
  for (int i = 0; i < 9990; ++i) histogram->record(10);
  for (int i = 0; i < 10; ++i) histogram->record(60);
  EXPECT_EQ(histogram->quantile(999), 10u);
  histogram->record(60);
  EXPECT_EQ(histogram->quantile(999), 60u);
}

TEST(Histogram, QuantileNeverExceedsTheMaximum) {
  const auto histogram = std::make_unique<Histogram>();
  histogram->record(1'000'001);
  EXPECT_EQ(histogram->quantile(990), 1'000'001u);
}

}  // namespace
}  // namespace conclave::app::bench
