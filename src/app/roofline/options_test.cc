#include "app/roofline/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace conclave::app::roofline {
namespace options_test {
namespace {

using Args = std::vector<std::string>;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(RooflineOptions, AreAskedForByName) {
  EXPECT_TRUE(asked_for(Args{"--seconds", "2", "--roofline"}));
  EXPECT_FALSE(asked_for(Args{"--seconds", "2"}));
}

TEST(RooflineOptions, TheRestIsForTheLoad) {
  const auto options = parse_options(Args{"--seconds", "2", "--roofline", "--directory", "/d", "--json"});
  ASSERT_TRUE(options.has_value()) << options.error().message;
  EXPECT_EQ(options->directory, "/d");
  EXPECT_THAT(options->load, ElementsAre("--seconds", "2", "--json"));
  EXPECT_FALSE(options->serve_only);
}

TEST(RooflineOptions, WhatIsWrongIsNamed) {
  const std::vector<std::pair<Args, std::string>> cases = {
      {{"--roofline", "--directory"}, "--directory: a value is missing"},
      {{"--roofline", "--directory="}, "--directory: a value is missing"},
      {{"--roofline", "--servers", "a:1"}, "--servers: with --roofline the servers are its own"},
      {{"--roofline", "--watch-pids=3"}, "--watch-pids: with --roofline"},
      {{"--roofline", "--serve-only", "--size", "5"}, "--size: with --serve-only there is no load"},
  };
  for (const auto& [args, words] : cases) {
    const auto options = parse_options(args);
    ASSERT_FALSE(options.has_value()) << words;
    EXPECT_THAT(options.error().message, HasSubstr(words));
  }
}

}  // namespace
}  // namespace options_test
}  // namespace conclave::app::roofline
