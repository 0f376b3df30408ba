#include "consensus/factory/factory.h"

#include <gtest/gtest.h>

namespace conclave::consensus {
namespace {

TEST(Factory, NamesAreReadBack) {
  EXPECT_EQ(parse_engine_kind(to_string(EngineKind::paxos)).value(), EngineKind::paxos);
}

TEST(Factory, UnknownEngineIsNamedInTheError) {
  const auto kind = parse_engine_kind("viewstamped");
  ASSERT_FALSE(kind);
  EXPECT_EQ(kind.error().kind, ErrorKind::invalid_argument);
  EXPECT_NE(kind.error().message.find("viewstamped"), std::string::npos);
}

TEST(Factory, DescribesTheMessagesOfAKind) {
  EXPECT_TRUE(describe(EngineKind::paxos, {.type = 1}).starts_with("PreVote"));
}

TEST(Factory, MakesAnEngineThatKnowsWhoItIs) {
  Config config;
  config.self = ReplicaId(1);
  config.members = {{ReplicaId(1)}, {ReplicaId(2)}, {ReplicaId(3)}};
  const auto engine = make_engine(EngineKind::paxos, config, {});
  EXPECT_EQ(engine->status(Instant{}).role, Role::follower);
}

}  // namespace
}  // namespace conclave::consensus
