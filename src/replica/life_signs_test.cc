#include "replica/life_signs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace conclave::replica {
namespace {

using testing::ElementsAre;

constexpr SessionId kA(1), kB(2), kC(3);

Instant at(int64_t ms) {
  return Instant{} + Duration::millis(ms);
}

class LifeSignsTest : public testing::Test {
 protected:
  LifeSigns signs_{100};
};

TEST_F(LifeSignsTest, WhatIsHeardIsToldOnce) {
  signs_.touch(kB, at(1));
  signs_.touch(kA, at(2));
  signs_.touch(kB, at(3));
  const auto report = signs_.report();
  ASSERT_TRUE(report);
  EXPECT_EQ(report->number, 101u);
  EXPECT_THAT(report->sessions, ElementsAre(kA, kB));
  signs_.acknowledged(101);
  EXPECT_FALSE(signs_.report());
  EXPECT_FALSE(signs_.unheard_since());
}

TEST_F(LifeSignsTest, WhatIsNotHeardIsToldAgain) {  // L1
  signs_.touch(kA, at(1));
  (void)signs_.report();
  signs_.touch(kB, at(2));
  EXPECT_THAT(signs_.report()->sessions, ElementsAre(kA, kB));
  EXPECT_THAT(signs_.report()->sessions, ElementsAre(kA, kB)) << "with nothing new too";
}

// Reports may be sent faster than acknowledgements come back.
TEST_F(LifeSignsTest, AnAcknowledgementCountsForTheReportsBeforeIt) {
  signs_.touch(kA, at(1));
  (void)signs_.report();  // 101
  signs_.touch(kB, at(2));
  (void)signs_.report();  // 102
  signs_.touch(kC, at(3));
  signs_.acknowledged(102);
  EXPECT_THAT(signs_.report()->sessions, ElementsAre(kC));
  signs_.acknowledged(101);
  EXPECT_EQ(signs_.unheard_since(), at(3));
  signs_.acknowledged(103);
  EXPECT_FALSE(signs_.unheard_since());
}

TEST_F(LifeSignsTest, UnheardSinceTheOldestSignThatWasNotHeard) {  // L2
  signs_.touch(kA, at(1));
  EXPECT_EQ(signs_.unheard_since(), at(1)) << "told or not";
  (void)signs_.report();
  signs_.touch(kA, at(2));
  (void)signs_.report();
  EXPECT_EQ(signs_.unheard_since(), at(1));
  signs_.acknowledged(101);
  EXPECT_EQ(signs_.unheard_since(), at(2));
}

TEST_F(LifeSignsTest, ANewMasterHasHeardNothing) {
  signs_.on_master({1, ReplicaId(1)});
  signs_.touch(kA, at(1));
  (void)signs_.report();
  signs_.touch(kB, at(2));
  signs_.on_master({2, ReplicaId(2)});
  EXPECT_EQ(signs_.unheard_since(), at(1));
  signs_.acknowledged(101);  // by the one before
  EXPECT_THAT(signs_.report()->sessions, ElementsAre(kA, kB));
  signs_.on_master({2, ReplicaId(2)});  // heard again
  signs_.acknowledged(102);
  EXPECT_FALSE(signs_.unheard_since());
}

TEST_F(LifeSignsTest, AnAcknowledgementOfAFormerLifeMeansNothing) {
  signs_.touch(kA, at(1));
  (void)signs_.report();
  signs_.acknowledged(5000);
  signs_.acknowledged(50);
  EXPECT_EQ(signs_.unheard_since(), at(1));
}

// Clients in read-only mode give signs of life for as long as there is no master.
TEST_F(LifeSignsTest, HoweverLongNobodyIsToldASessionIsKeptAFewTimesAtMost) {
  for (int64_t ms = 0; ms < 100'000; ++ms) signs_.touch(ms % 2 == 0 ? kA : kB, at(ms));
  EXPECT_LE(signs_.size(), 2048u);
  EXPECT_EQ(signs_.unheard_since(), at(0));
  EXPECT_THAT(signs_.report()->sessions, ElementsAre(kA, kB));
}

TEST_F(LifeSignsTest, HoweverLongNobodyHearsReportsAreBounded) {
  for (int64_t ms = 1; ms <= 10'000; ++ms) {
    signs_.touch(kB, at(ms));
    signs_.touch(kA, at(ms));
    EXPECT_THAT(signs_.report()->sessions, ElementsAre(kA, kB));
  }
  EXPECT_LE(signs_.size(), 200u);
  EXPECT_EQ(signs_.unheard_since(), at(1));
  signs_.acknowledged(10'099);
  EXPECT_EQ(signs_.unheard_since(), at(10'000));
  signs_.acknowledged(10'100);
  EXPECT_FALSE(signs_.unheard_since());
}

TEST_F(LifeSignsTest, TheMasterItselfTellsNobody) {
  signs_.touch(kA, at(1));
  (void)signs_.report();
  signs_.touch(kA, at(2));
  signs_.clear();
  EXPECT_FALSE(signs_.unheard_since());
  EXPECT_FALSE(signs_.report());
}

}  // namespace
}  // namespace conclave::replica
