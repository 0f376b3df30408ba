#include "app/status/layout.h"

#include <gtest/gtest.h>

namespace conclave::app {
namespace {

TEST(Layout, ColumnsAreAsWideAsTheirWidestCell) {
  EXPECT_EQ(columns_text({{"A", "LONGER", "C"}, {"long", "x", ""}, {"", "", "c"}}),
            "A     LONGER  C\n"
            "long  x\n"
            "              c\n");
  EXPECT_EQ(columns_text({}), "");
}

TEST(Layout, JsonStrings) {
  EXPECT_EQ(json_string("a\"b\\c\n"), "\"a\\\"b\\\\c\\u000a\"");
}

}  // namespace
}  // namespace conclave::app
