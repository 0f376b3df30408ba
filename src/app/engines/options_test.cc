#include "app/engines/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace conclave::app::engines::options_test {
namespace {

using consensus::EngineKind;
using Args = std::vector<std::string>;

TEST(EnginesOptions, AreReadInBothForms) {
  const auto options = parse_options(Args{"--engines", "paxos,raft", "--seeds=7", "--json"});
  ASSERT_TRUE(options.has_value()) << options.error().message;
  EXPECT_THAT(options->compare.engines, testing::ElementsAre(EngineKind::paxos, EngineKind::raft));
  EXPECT_EQ(options->compare.seeds, 7);
  EXPECT_EQ(options->compare.partition_seeds(), 2);
  EXPECT_TRUE(options->json);

  const auto one = parse_options(Args{"--engines=raft"});
  ASSERT_TRUE(one.has_value()) << one.error().message;
  EXPECT_THAT(one->compare.engines, testing::ElementsAre(EngineKind::raft));
  EXPECT_EQ(one->compare.seeds, 100);
  EXPECT_EQ(one->compare.partition_seeds(), 25);
  EXPECT_FALSE(one->json);
}

TEST(EnginesOptions, AskForTheComparison) {
  EXPECT_TRUE(asked_for(Args{"--json", "--engines", "raft"}));
  EXPECT_TRUE(asked_for(Args{"--engines=raft"}));
  EXPECT_FALSE(asked_for(Args{"--servers", "a:1"}));
  EXPECT_FALSE(asked_for(Args{"--help"}));
}

TEST(EnginesOptions, HelpComesFirst) {
  const auto options = parse_options(Args{"--engines", "zab", "-h"});
  ASSERT_TRUE(options.has_value()) << options.error().message;
  EXPECT_TRUE(options->help);
  EXPECT_THAT(usage(), testing::AllOf(testing::HasSubstr("--engines"), testing::HasSubstr("--seeds")));
}

TEST(EnginesOptions, WhatIsWrongIsNamed) {
  const std::vector<std::pair<Args, std::string>> cases = {
      {{"--engines"}, "--engines: a value is missing"},
      {{"--engines", ""}, "--engines: unknown engine \"\"; known: paxos, raft"},
      {{"--engines", "paxos,zab"}, "--engines: unknown engine \"zab\"; known: paxos, raft"},
      {{"--engines", "paxos,"}, "--engines: unknown engine \"\"; known: paxos, raft"},
      {{"--engines", "raft,raft"}, "--engines: raft is named twice"},
      {{"--engines", "raft", "--seeds", "0"}, "--seeds 0: must be a whole number from 1 to 100000"},
      {{"--engines", "raft", "--seeds", "1.5"}, "--seeds 1.5: must be a whole number from 1 to 100000"},
      {{"--engines", "raft", "--seeds", "-1"}, "--seeds -1: must be a whole number from 1 to 100000"},
      {{"--engines", "raft", "--seeds"}, "--seeds: a value is missing"},
      {{"--engines", "raft", "--servers", "a:1"}, "--servers: does not go with --engines (try --help)"},
      {{"--workload=write", "--engines", "raft"}, "--workload: does not go with --engines (try --help)"},
      {{"--engines", "raft", "paxos"}, "paxos: does not go with --engines (try --help)"},
  };
  for (const auto& [args, message] : cases) {
    const auto options = parse_options(args);
    ASSERT_FALSE(options.has_value()) << message;
    EXPECT_EQ(options.error().message, message);
  }
}

}  // namespace
}  // namespace conclave::app::engines::options_test
