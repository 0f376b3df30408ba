#include "app/config/settings.h"

#include <algorithm>
#include <fstream>
#include <gtest/gtest.h>
#include <set>
#include <sstream>

#include "app/config/scalars.h"

namespace conclave::app {
namespace {

TEST(Settings, NamesAreUniqueAndHaveASection) {
  std::set<std::string_view> names;
  std::set<std::string_view> zoo_names;
  for (const Setting& setting : settings()) {
    EXPECT_TRUE(names.insert(setting.name).second) << setting.name;
    EXPECT_EQ(std::ranges::count(setting.name, '.'), 1) << setting.name;
    EXPECT_FALSE(setting.meaning.empty()) << setting.name;
    if (!setting.zoo_name.empty()) {
      EXPECT_TRUE(zoo_names.insert(setting.zoo_name).second) << setting.zoo_name;
    }
  }
}

TEST(Settings, DefaultsAreWithinTheirOwnRange) {
  for (const Setting& setting : settings()) {
    Configuration configuration;
    if (const auto* integer = std::get_if<Setting::Integer>(&setting.field)) {
      const int64_t value = (*integer)(configuration);
      if (setting.name == "replica.id") continue;  // has no default
      EXPECT_TRUE(set_integer(setting, value, &configuration).has_value()) << setting.name << " " << value;
    } else if (const auto* text = std::get_if<Setting::Text>(&setting.field)) {
      EXPECT_TRUE(set_text(setting, (*text)(configuration), &configuration).has_value()) << setting.name;
    }
  }
}

TEST(Settings, EveryFieldIsReachedByOneSettingOnly) {
  Configuration configuration;
  std::set<const void*> fields;
  for (const Setting& setting : settings()) {
    const void* address =
        std::visit([&](auto field) { return static_cast<const void*>(&field(configuration)); }, setting.field);
    EXPECT_TRUE(fields.insert(address).second) << setting.name << " shares its field with another setting";
  }
}

// docs/configuration.md is for people, the table for the program: they must not drift apart.
TEST(Settings, DocumentationListsEverySettingWithItsDefaultAndZooKeeperName) {
  std::ifstream file(std::string(CONCLAVE_SOURCE_DIR) + "/docs/configuration.md");
  ASSERT_TRUE(file.is_open());
  std::stringstream text;
  text << file.rdbuf();
  for (const Setting& setting : settings()) {
    EXPECT_NE(text.str().find(documentation_row(setting)), std::string::npos)
        << "docs/configuration.md lacks the row:\n"
        << documentation_row(setting);
  }
}

TEST(Scalars, Integers) {
  EXPECT_EQ(parse_integer("42").value(), 42);
  EXPECT_EQ(parse_integer(" -1 ").value(), -1);
  EXPECT_EQ(parse_integer("0xfffff").value(), 1'048'575);
  for (const char* bad : {"", "-", "0x", "12x", "1.5", "ten", "--1", "+1", "0x-1", "99999999999999999999"}) {
    EXPECT_FALSE(parse_integer(bad).has_value()) << bad;
  }
  EXPECT_EQ(parse_integer("99999999999999999999").error().message, "\"99999999999999999999\" is too large");
}

TEST(Scalars, Booleans) {
  EXPECT_TRUE(parse_boolean("TRUE").value());
  EXPECT_TRUE(parse_boolean("yes").value());
  EXPECT_FALSE(parse_boolean(" false").value());
  EXPECT_FALSE(parse_boolean("No").value());
  EXPECT_EQ(parse_boolean("1").error().message, "\"1\" is neither true nor false");
}

TEST(Scalars, Lists) {
  EXPECT_EQ(parse_list(" stat, ruok,,mntr "), (std::vector<std::string>{"stat", "ruok", "mntr"}));
  EXPECT_TRUE(parse_list("").empty());
}

TEST(Settings, ValueFromTextIsScaledByItsZooKeeperUnit) {
  Configuration configuration;
  ASSERT_TRUE(set_from_text(*find_zoo_setting("syncLimit"), "5", 2'000, &configuration));
  EXPECT_EQ(configuration.replica.patience_ms, 10'000);
  ASSERT_TRUE(set_from_text(*find_zoo_setting("preAllocSize"), "65536", 2'000, &configuration));
  EXPECT_EQ(configuration.storage.segment_bytes, 64 << 20);
  const auto overflow = set_from_text(*find_zoo_setting("preAllocSize"), "9223372036854775807", 1, &configuration);
  EXPECT_EQ(overflow.error().message, "\"9223372036854775807\" is too large");
}

}  // namespace
}  // namespace conclave::app
