#include "app/bench/pacer.h"

#include <gtest/gtest.h>

namespace conclave::app::bench {
namespace {

TEST(Pacer, OperationsAreDueAtEvenTimes) {
  Pacer pacer(1000, 5'000'000);
  EXPECT_EQ(pacer.take(), 5'000'000u);
  EXPECT_EQ(pacer.take(), 6'000'000u);
  EXPECT_EQ(pacer.due_ns(), 7'000'000u);
}

TEST(Pacer, DoesNotDriftWithARateThatDividesNothing) {
  Pacer pacer(30'000, 0);
  for (int i = 0; i < 30'000 * 60; ++i) pacer.take();
  EXPECT_EQ(pacer.due_ns(), 60'000'000'000u);
}

}  // namespace
}  // namespace conclave::app::bench
