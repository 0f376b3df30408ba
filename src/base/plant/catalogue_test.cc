#include "base/plant/catalogue.h"

#include <gtest/gtest.h>
#include <set>
#include <string_view>

#include "base/plant.h"

namespace conclave::plant {
namespace {

class CatalogueTest : public testing::Test {
 protected:
  ~CatalogueTest() override { select({}); }
};

TEST_F(CatalogueTest, NamesDiffer) {
  std::set<std::string_view> names;
  for (const PlantedBug& bug : all()) names.insert(bug.name);
  EXPECT_EQ(names.size(), all().size());
}

TEST_F(CatalogueTest, OnlyTheSelectedBugFiresAndIsCounted) {
  EXPECT_EQ(selected(), nullptr);
  EXPECT_FALSE(fires(Plant::touches_not_sent));
  ASSERT_TRUE(select("touches_not_sent"));
  EXPECT_EQ(selected()->plant, Plant::touches_not_sent);
  EXPECT_TRUE(fires(Plant::touches_not_sent));
  EXPECT_FALSE(fires(Plant::journal_not_synced));
  EXPECT_EQ(fired(), 1u);
  EXPECT_FALSE(select("no such bug"));
  EXPECT_EQ(selected()->name, "touches_not_sent");
  ASSERT_TRUE(select({}));
  EXPECT_FALSE(fires(Plant::touches_not_sent));
  EXPECT_EQ(fired(), 0u);
}

// This test is an ordinary program: the condition of a site is the constant false here, whatever is selected.
TEST_F(CatalogueTest, AnOrdinaryBuildHasNoSites) {
  static_assert(!CONCLAVE_PLANT(touches_not_sent));
  ASSERT_TRUE(select("touches_not_sent"));
  EXPECT_FALSE(CONCLAVE_PLANT(touches_not_sent));
}

}  // namespace
}  // namespace conclave::plant
