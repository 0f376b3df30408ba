// The text of quotas (ZooKeeper StatsTrack), the index of limited subtrees, and the verdicts.
#include "state/tree/quota.h"

#include <gtest/gtest.h>

namespace conclave::state {
namespace {

TEST(QuotaFigures, ReadsAndWritesZooKeepersText) {
  QuotaFigures plain("count=5,bytes=100");
  EXPECT_EQ(plain.count(), 5);
  EXPECT_EQ(plain.bytes(), 100);
  EXPECT_EQ(plain.count_hard_limit(), -1);
  EXPECT_EQ(plain.text(), "count=5,bytes=100");
  const char* hard = "count=5,bytes=100=;byteHardLimit=200;countHardLimit=9";
  QuotaFigures figures(hard);
  EXPECT_EQ(figures.byte_hard_limit(), 200);
  EXPECT_EQ(figures.count_hard_limit(), 9);
  EXPECT_EQ(figures.text(), hard);
  figures.set_count(6);
  figures.set_bytes(-1);
  EXPECT_EQ(figures.text(), "count=6,bytes=-1=;byteHardLimit=200;countHardLimit=9");
}

TEST(QuotaFigures, ReadingIsTotal) {
  for (const char* text :
       {"", "x", "count", "count=", "count=x", "count=5x", ",;,", "=", "=5", "count=99999999999999999999"})
    EXPECT_EQ(QuotaFigures(text).count(), -1) << text;
  EXPECT_EQ(QuotaFigures("count=+7").count(), 7);
  EXPECT_EQ(QuotaFigures("bytes=3;count=4").count(), 4);
  EXPECT_EQ(QuotaFigures().text(), "count=-1,bytes=-1");
}

TEST(QuotaPaths, NameTheSubtree) {
  EXPECT_EQ(quota_limit_path("/a/b"), "/zookeeper/quota/a/b/zookeeper_limits");
  EXPECT_EQ(quota_stat_path("/a"), "/zookeeper/quota/a/zookeeper_stats");
  EXPECT_EQ(quota_stat_path("/"), "/zookeeper/quota/zookeeper_stats");
  EXPECT_EQ(quota_limit_subtree("/zookeeper/quota/a/b/zookeeper_limits"), "/a/b");
  EXPECT_EQ(quota_stat_subtree("/zookeeper/quota/a/zookeeper_stats"), "/a");
  EXPECT_EQ(quota_stat_subtree("/zookeeper/quota/zookeeper_stats"), "/");
  for (const char* other : {"/zookeeper/quota", "/zookeeper/quotas/zookeeper_limits", "/a/zookeeper_limits",
                            "/zookeeper/quota/a", "/zookeeper/quota/a/zookeeper_stats"})
    EXPECT_FALSE(quota_limit_subtree(other)) << other;
}

TEST(QuotaIndex, FindsTheDeepestSubtree) {
  QuotaIndex index;
  EXPECT_FALSE(index.covering("/a"));
  index.on_created("/zookeeper/quota/a/zookeeper_limits");
  index.on_created("/zookeeper/quota/a/b/c/zookeeper_limits");
  index.on_created("/zookeeper/quota/zookeeper_limits");  // the root takes no limit
  index.on_created("/zookeeper/quota/d/zookeeper_stats");
  EXPECT_EQ(index.covering("/a"), "/a");
  EXPECT_EQ(index.covering("/a/x/y"), "/a");
  EXPECT_EQ(index.covering("/a/b"), "/a");
  EXPECT_EQ(index.covering("/a/b/c/d"), "/a/b/c");
  EXPECT_FALSE(index.covering("/ab"));
  EXPECT_FALSE(index.covering("/d"));
  EXPECT_FALSE(index.covering("/"));
  index.on_deleted("/zookeeper/quota/a/zookeeper_limits");
  EXPECT_FALSE(index.covering("/a/x"));
  EXPECT_EQ(index.covering("/a/b/c"), "/a/b/c");
  index.clear();
  EXPECT_TRUE(index.empty());
}

TEST(QuotaVerdict, HardLimitsRefuseAndSoftOnesAreSaid) {  // ZooKeeperServer.checkQuota
  const QuotaFigures used("count=5,bytes=100");
  const auto judge = [&](const char* limits, int64_t bytes, int64_t nodes) {
    return judge_quota("/a", QuotaFigures(limits), used, bytes, nodes);
  };
  EXPECT_TRUE(judge("", 1000, 1).explanation.empty());
  EXPECT_TRUE(judge("count=6,bytes=200", 100, 1).explanation.empty());
  EXPECT_FALSE(judge("count=5", 0, 1).explanation.empty());
  EXPECT_FALSE(judge("count=5", 0, 1).refused);
  EXPECT_TRUE(judge("countHardLimit=5", 0, 1).refused);
  EXPECT_FALSE(judge("countHardLimit=6", 0, 1).refused);
  EXPECT_TRUE(judge("count=9;countHardLimit=5", 0, 1).refused) << "the hard limit counts when there are both";
  EXPECT_FALSE(judge("countHardLimit=1", 5, 0).refused) << "no node more: not judged";
  EXPECT_TRUE(judge("byteHardLimit=100", 1, 1).refused);
  EXPECT_FALSE(judge("byteHardLimit=50", 0, 1).refused) << "no byte more: not judged";
  EXPECT_TRUE(judge("byteHardLimit=50", -10, 0).refused) << "as ZooKeeper: still above after shrinking";
  EXPECT_NE(judge("bytes=100", 5, 0).explanation.find("/a would be 105"), std::string::npos);
}

}  // namespace
}  // namespace conclave::state
