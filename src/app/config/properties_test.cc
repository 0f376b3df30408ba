#include "app/config/properties.h"

#include <gtest/gtest.h>

namespace conclave::app {

void PrintTo(const Property& p, std::ostream* out) {
  *out << p.line << ": " << p.key << " -> " << p.value;
}
bool operator==(const Property& a, const Property& b) {
  return a.key == b.key && a.value == b.value && a.line == b.line;
}

namespace {

using List = std::vector<Property>;

TEST(Properties, SeparatorsAndTrimming) {
  EXPECT_EQ(parse_properties("a=1\n b : 2 \nc 3\nd\n=x\ne = = 4"),
            (List{{"a", "1", 1}, {"b", "2", 2}, {"c", "3", 3}, {"d", "", 4}, {"", "x", 5}, {"e", "= 4", 6}}));
}

TEST(Properties, CommentsBlanksAndCarriageReturnsKeepTheLineNumbers) {
  EXPECT_EQ(parse_properties("# a=1\r\n\r\n  ! b\r\n\tc=3\r\n"), (List{{"c", "3", 4}}));
}

TEST(Properties, ContinuedLinesBelongToTheLineOfTheirKey) {
  EXPECT_EQ(parse_properties("a=1,\\\n   2,\\\n   3\nb=4\\\\\nc=5\\"),
            (List{{"a", "1,2,3", 1}, {"b", "4\\", 4}, {"c", "5", 5}}));
}

TEST(Properties, Escapes) {
  EXPECT_EQ(parse_properties("a\\:b\\=c=x\\ty\\n\\u00e9\\u20ac\\u0041\\q"), (List{{"a:b=c",
                                                                                   "x\ty\n\xC3\xA9\xE2\x82\xAC"
                                                                                   "Aq",
                                                                                   1}}));
}

TEST(Properties, NothingAtAll) {
  EXPECT_EQ(parse_properties(""), List{});
}

}  // namespace
}  // namespace conclave::app
