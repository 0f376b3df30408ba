#include "app/bench/node_version.h"

#include <gtest/gtest.h>

namespace conclave::app::bench {
namespace {

TEST(NodeVersion, IsExactWithoutDoubt) {
  NodeVersion node{.known = 7};
  EXPECT_FALSE(node.accept_write(7)) << "two writes with one version";
  EXPECT_FALSE(node.accept_write(9)) << "applied twice";
  EXPECT_TRUE(node.accept_write(8));
  EXPECT_TRUE(node.accept_read(8));
  EXPECT_FALSE(node.accept_read(7));
  EXPECT_FALSE(node.accept_read(9));
}

TEST(NodeVersion, LearnsFromTheFirstWrite) {
  NodeVersion node;
  EXPECT_TRUE(node.accept_write(41));
  EXPECT_EQ(node.known, 41);
  EXPECT_FALSE(node.accept_write(43));
}

TEST(NodeVersion, AfterABreakAReadShowsHowManyWritesInDoubtWereApplied) {
  for (const int32_t version : {7, 8, 9}) {
    NodeVersion node{.known = 7, .in_doubt = 2};
    EXPECT_TRUE(node.accept_read(version));
    EXPECT_EQ(node.known, version);
  }
}

TEST(NodeVersion, AnAcknowledgedWriteIsNeverLost) {
  NodeVersion node{.known = 7, .in_doubt = 2};
  EXPECT_FALSE(node.accept_read(6));
  EXPECT_FALSE(node.accept_write(7));
}

TEST(NodeVersion, NothingIsAppliedThatWasNotSent) {
  NodeVersion node{.known = 7, .in_doubt = 2};
  EXPECT_FALSE(node.accept_read(10));
  EXPECT_FALSE(node.accept_write(11));
  EXPECT_TRUE(node.accept_write(10)) << "both in doubt, then this one";
}

TEST(NodeVersion, AWriteInDoubtExplainsOneVersionOnce) {
  NodeVersion node{.known = 7, .in_doubt = 2};
  EXPECT_TRUE(node.accept_read(8));
  EXPECT_TRUE(node.accept_write(10)) << "the other one was applied late";
  EXPECT_FALSE(node.accept_write(12));
  EXPECT_FALSE(node.accept_read(11));
}

TEST(NodeVersion, ARejectedVersionChangesNothing) {
  NodeVersion node{.known = 7, .in_doubt = 1};
  EXPECT_FALSE(node.accept_read(9));
  EXPECT_EQ(node.known, 7);
  EXPECT_EQ(node.in_doubt, 1u);
}

}  // namespace
}  // namespace conclave::app::bench
