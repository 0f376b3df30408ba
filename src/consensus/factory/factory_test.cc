#include "consensus/factory/factory.h"

#include <gtest/gtest.h>

namespace conclave::consensus {
namespace {

TEST(Factory, NamesAreReadBack) {
  for (const EngineKind kind : {EngineKind::paxos, EngineKind::raft}) {
    EXPECT_EQ(parse_engine_kind(to_string(kind)).value(), kind);
  }
}

TEST(Factory, UnknownEngineIsNamedInTheError) {
  const auto kind = parse_engine_kind("viewstamped");
  ASSERT_FALSE(kind);
  EXPECT_EQ(kind.error().kind, ErrorKind::invalid_argument);
  EXPECT_NE(kind.error().message.find("viewstamped"), std::string::npos);
}

TEST(Factory, DescribesTheMessagesOfAKind) {
  EXPECT_TRUE(describe(EngineKind::paxos, {.type = 1}).starts_with("PreVote"));
  EXPECT_TRUE(describe(EngineKind::raft, {.type = 3}).starts_with("Append"));
}

TEST(Factory, MakesAnEngineThatKnowsWhoItIs) {
  Config config;
  config.self = ReplicaId(1);
  config.members = {{ReplicaId(1)}, {ReplicaId(2)}, {ReplicaId(3)}};
  for (const EngineKind kind : {EngineKind::paxos, EngineKind::raft}) {
    EXPECT_EQ(make_engine(kind, config, {})->status(Instant{}).role, Role::follower);
  }
}

}  // namespace
}  // namespace conclave::consensus
