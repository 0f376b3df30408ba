#include "sim/compare/distribution.h"

#include <gtest/gtest.h>

#include "sim/compare/outage.h"

namespace conclave::sim::compare::distribution_test {
namespace {

Duration ms(int64_t n) {
  return Duration::millis(n);
}
Instant at(int64_t n) {
  return Instant{} + ms(n);
}

TEST(Distribution, PercentilesAreSamples) {
  const Distribution few({ms(5), ms(1), ms(3)});
  EXPECT_EQ(few.min(), ms(1));
  EXPECT_EQ(few.median(), ms(3));
  EXPECT_EQ(few.percentile(67), ms(5));
  EXPECT_EQ(few.max(), ms(5));

  std::vector<Duration> hundred;
  for (int64_t n = 1; n <= 100; ++n) hundred.push_back(ms(n));
  const Distribution many(hundred);
  EXPECT_EQ(many.median(), ms(50));
  EXPECT_EQ(many.percentile(90), ms(90));
  EXPECT_EQ(many.percentile(99), ms(99));
  EXPECT_EQ(many.max(), ms(100));
}

std::vector<Acknowledgement> answered(const std::vector<int64_t>& times) {
  std::vector<Acknowledgement> all;
  for (const int64_t time : times) all.push_back({.writer = 0, .asked = at(time - 1), .answered = at(time)});
  return all;
}

TEST(Outage, IsTheLongestTimeBetweenTwoAnswers) {
  EXPECT_EQ(longest_outage(answered({10, 20, 50, 60}), at(15), at(60)), ms(30));
  EXPECT_EQ(longest_outage(answered({10, 100, 110, 120}), at(105), at(120)), ms(10))
      << "what was over before counts not";
}

TEST(Outage, CountsWhatBeganBeforeAndWhatIsNotOver) {
  EXPECT_EQ(longest_outage(answered({10, 50, 55}), at(40), at(60)), ms(40)) << "the whole of it";
  EXPECT_EQ(longest_outage(answered({10, 50}), at(40), at(200)), ms(150));
  EXPECT_EQ(longest_outage(answered({10, 50}), at(60), at(100)), ms(50)) << "nothing within";
  EXPECT_EQ(longest_outage(answered({10, 500}), at(10), at(100)), ms(90)) << "what is later is not known yet";
  EXPECT_EQ(longest_outage({}, at(10), at(100)), ms(90));
}

TEST(Outage, IsNotEndedByALateAnswerToAnOldWrite) {
  std::vector<Acknowledgement> all = answered({10, 20});
  all.push_back({.writer = 1, .asked = at(25), .answered = at(200)});
  all.push_back({.writer = 0, .asked = at(35), .answered = at(300)});
  EXPECT_EQ(longest_outage(all, at(30), at(310)), ms(280));
}

}  // namespace
}  // namespace conclave::sim::compare::distribution_test
