#include "app/roofline/majority.h"

#include <gtest/gtest.h>

namespace conclave::app::roofline {
namespace {

TEST(RooflineMajority, OneDiskOfThreeIsNotEnoughAndTwoAre) {
  Majority majority(3);
  EXPECT_EQ(majority.committed(), 0U);
  majority.record(0, 10);
  EXPECT_EQ(majority.committed(), 0U);
  majority.record(2, 7);
  EXPECT_EQ(majority.committed(), 7U);
  majority.record(1, 9);
  EXPECT_EQ(majority.committed(), 9U) << "the two farthest count";
  majority.record(1, 3);
  EXPECT_EQ(majority.committed(), 9U) << "what is on a disk stays there";
}

TEST(RooflineMajority, ThreeOfFiveAndTwoOfTwo) {
  Majority five(5), two(2);
  for (size_t member = 0; member < 3; ++member) {
    EXPECT_EQ(five.committed(), 0U);
    five.record(member, 4);
  }
  EXPECT_EQ(five.committed(), 4U);
  two.record(0, 1);
  EXPECT_EQ(two.committed(), 0U);
  two.record(1, 1);
  EXPECT_EQ(two.committed(), 1U);
}

}  // namespace
}  // namespace conclave::app::roofline
