#include "app/server/memory.h"

#include <gtest/gtest.h>

namespace conclave::app {
namespace {

TEST(Memory, TunablesAreSetOnceAndLeaveTheOperatorsOwn) {
  const auto first = allocator_tunables("");
  ASSERT_TRUE(first);
  EXPECT_TRUE(first->starts_with("glibc.malloc.hugetlb=1:")) << *first;
  EXPECT_EQ(allocator_tunables(*first), std::nullopt) << "the process would begin again and again";
  EXPECT_EQ(allocator_tunables("glibc.malloc.hugetlb=0"), std::nullopt);
  const auto added = allocator_tunables("glibc.malloc.arena_max=1");
  ASSERT_TRUE(added);
  EXPECT_EQ(*added, *first + ":glibc.malloc.arena_max=1");
}

}  // namespace
}  // namespace conclave::app
