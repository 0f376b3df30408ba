#include "app/dev/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/config/load.h"

namespace conclave::app {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(DevPlan, EveryReplicaGetsAConfigurationThatLoads) {
  DevPlan plan;
  plan.base_port = 5000;
  plan.directory = "/tmp/a \"b\\c";
  for (int id = 1; id <= 3; ++id) {
    Problems problems;
    const Configuration configuration =
        load_toml("x", [&](const std::string&) { return plan.config_text(id); }, &problems);
    for (const Problem& problem : problems.sorted()) ADD_FAILURE() << to_string(problem);
    EXPECT_EQ(configuration.self().id, id);
    EXPECT_EQ(configuration.clients.port, 5000 + id - 1);
    EXPECT_EQ(configuration.self().peer_addresses.front().port, 5100 + id - 1);
    EXPECT_EQ(configuration.chubby_listen(), (env::Address{"127.0.0.1", static_cast<uint16_t>(5200 + id - 1)}));
    EXPECT_EQ(configuration.replica.data_directory, plan.replica_directory(id));
  }
  EXPECT_EQ(plan.connect_string(), "127.0.0.1:5000,127.0.0.1:5001,127.0.0.1:5002");
  EXPECT_EQ(plan.chubby_servers(), "127.0.0.1:5200,127.0.0.1:5201,127.0.0.1:5202");
}

TEST(DevPlan, EveryReplicaGetsTheEngine) {
  DevPlan plan;
  plan.directory = "/d";
  plan.engine = "raft";
  Problems problems;
  const Configuration configuration =
      load_toml("x", [&](const std::string&) { return plan.config_text(2); }, &problems);
  EXPECT_FALSE(problems.has_errors());
  EXPECT_EQ(configuration.consensus.engine, "raft");
}

TEST(DevPlan, LineSplitter) {
  LineSplitter lines;
  EXPECT_THAT(lines.feed("a\nb"), ElementsAre("a"));
  EXPECT_THAT(lines.feed("c\n\nd"), ElementsAre("bc", ""));
  EXPECT_EQ(lines.rest(), "d");
  EXPECT_EQ(lines.rest(), "");
  EXPECT_THAT(lines.feed(std::string(65'535, 'x')), IsEmpty());
  EXPECT_EQ(lines.feed("y").size(), 1u);
}

}  // namespace
}  // namespace conclave::app
