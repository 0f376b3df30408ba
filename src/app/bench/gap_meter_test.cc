#include "app/bench/gap_meter.h"

#include <gtest/gtest.h>

namespace conclave::app::bench {
namespace {

TEST(GapMeter, FindsTheLongestSilence) {
  GapMeter gaps;
  gaps.begin(100);
  gaps.acknowledged(100, 110);
  gaps.acknowledged(110, 150);
  gaps.acknowledged(150, 155);
  gaps.end(160);
  EXPECT_EQ(gaps.longest_ns(), 40u);
  EXPECT_EQ(gaps.recovered_ns(), std::nullopt);
}

TEST(GapMeter, SilenceAtTheStartAndAtTheEndCounts) {
  GapMeter early;
  early.begin(100);
  early.acknowledged(100, 190);
  early.end(200);
  EXPECT_EQ(early.longest_ns(), 90u);

  GapMeter late;
  late.begin(100);
  late.acknowledged(100, 110);
  late.end(200);
  EXPECT_EQ(late.longest_ns(), 90u);
}

TEST(GapMeter, RecoveryIsTheFirstWriteSentAfterTheMark) {
  GapMeter gaps;
  gaps.begin(0);
  gaps.mark(100);
  gaps.acknowledged(99, 120);  // was on its way already
  EXPECT_EQ(gaps.recovered_ns(), std::nullopt);
  gaps.acknowledged(100, 170);
  gaps.acknowledged(120, 180);
  EXPECT_EQ(gaps.recovered_ns(), 70u);
}

}  // namespace
}  // namespace conclave::app::bench
