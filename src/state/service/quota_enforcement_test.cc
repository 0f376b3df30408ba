// Quotas in action: figures kept by every replica, limits enforced by the master when told to (ZooKeeper enforceQuota).
#include <gtest/gtest.h>

#include "base/log.h"
#include "state/service/test_support.h"

namespace conclave::state {
namespace {

using namespace testing;

struct Quotas : ::testing::Test {
  Cell cell{EvaluatorSettings{.enforce_quota = true}};
  Quotas() {
    cell.open();
    cell.create("/a");
    cell.create("/a/x", NodeKind::persistent, "12345");
    cell.create("/zookeeper/quota/a");
  }
  void limit(const Bytes& limits) {
    ASSERT_EQ(cell.create("/zookeeper/quota/a/zookeeper_limits", NodeKind::persistent, limits), Code::ok);
    ASSERT_EQ(cell.create("/zookeeper/quota/a/zookeeper_stats", NodeKind::persistent, "count=-1,bytes=-1"), Code::ok);
  }
  Bytes used() { return cell.data("/zookeeper/quota/a/zookeeper_stats"); }
};

TEST_F(Quotas, FiguresStartWithTheSubtreeAndFollowIt) {
  limit("count=10,bytes=100");
  EXPECT_EQ(cell.last_applied.outcome.ops[0].stat.data_length, 17) << "the reply shows what was asked for";
  EXPECT_EQ(used(), "count=2,bytes=5");
  cell.create("/a/y", NodeKind::persistent, "123");
  EXPECT_EQ(used(), "count=3,bytes=8");
  cell.client(SetDataRequest{"/a/y", "1"});
  EXPECT_EQ(used(), "count=3,bytes=6");
  cell.client(DeleteRequest{"/a/x"});
  EXPECT_EQ(used(), "count=2,bytes=1");
  cell.create("/ab", NodeKind::persistent, "not in it");
  EXPECT_EQ(used(), "count=2,bytes=1");
  EXPECT_EQ(cell.stat("/zookeeper/quota/a/zookeeper_stats").version, 0) << "figures have no version";
  cell.client(DeleteRequest{"/zookeeper/quota/a/zookeeper_limits"});
  cell.create("/a/z");
  EXPECT_EQ(used(), "count=2,bytes=1") << "without a limit nothing is kept";
}

TEST_F(Quotas, HardLimitsRefuse) {
  limit("count=-1,bytes=-1=;byteHardLimit=10;countHardLimit=3");
  EXPECT_EQ(cell.create("/a/y", NodeKind::persistent, "123456"), Code::quota_exceeded);
  EXPECT_EQ(cell.create("/a/y", NodeKind::persistent, "12345"), Code::ok);
  EXPECT_EQ(cell.create("/a/z"), Code::quota_exceeded);
  EXPECT_EQ(cell.client(SetDataRequest{"/a/y", "123456", 9}).code, Code::quota_exceeded) << "before bad_version";
  EXPECT_EQ(cell.client(SetDataRequest{"/a/y", "1234"}).code, Code::ok);
  EXPECT_EQ(cell.create("/b", NodeKind::persistent, Bytes(100, 'x')), Code::ok);
  cell.client(SetDataRequest{"/zookeeper/quota/a/zookeeper_limits", "count=-1,bytes=-1=;countHardLimit=4"});
  EXPECT_EQ(cell.create("/a/z"), Code::ok);
}

TEST_F(Quotas, HardLimitsHoldForAMultiAndForPendingTransactions) {
  Cell lagging(EvaluatorSettings{.enforce_quota = true}, /*lag=*/100);
  lagging.open();
  lagging.create("/a");
  lagging.create("/zookeeper/quota/a");
  lagging.create("/zookeeper/quota/a/zookeeper_limits", NodeKind::persistent, "countHardLimit=3");
  lagging.create("/zookeeper/quota/a/zookeeper_stats");
  const auto make = [](const char* path) { return CreateRequest{.path = path, .acl = kOpen}; };
  EXPECT_EQ(lagging.client(MultiRequest{{make("/a/1"), make("/a/2"), make("/a/3")}}).code, Code::quota_exceeded);
  lagging.create("/a/1");
  lagging.create("/a/2");
  EXPECT_TRUE(!lagging.refused);
  EXPECT_EQ(lagging.create("/a/3"), Code::quota_exceeded);
  lagging.apply_all();
  EXPECT_EQ(lagging.data("/zookeeper/quota/a/zookeeper_stats"), "count=3,bytes=0");
}

TEST_F(Quotas, SoftLimitsAreLogged) {
  std::vector<std::string> lines;
  log::set_sink([&](log::Level, std::string_view, std::string_view, log::Fields fields) {
    for (const log::Field& field : fields) lines.push_back(field.value);
  });
  limit("count=2,bytes=-1");
  EXPECT_EQ(cell.create("/a/y"), Code::ok);
  log::set_sink({});
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0], "/a");
  EXPECT_EQ(lines[1], "the node count of /a would be 3, above its soft limit of 2");
}

TEST_F(Quotas, OffMeansOff) {
  Cell off;
  off.open();
  off.create("/a");
  off.create("/zookeeper/quota/a");
  off.create("/zookeeper/quota/a/zookeeper_limits", NodeKind::persistent, "countHardLimit=1");
  off.create("/zookeeper/quota/a/zookeeper_stats");
  EXPECT_EQ(off.create("/a/x"), Code::ok);
  EXPECT_EQ(off.data("/zookeeper/quota/a/zookeeper_stats"), "count=2,bytes=0") << "figures are kept all the same";
}

TEST_F(Quotas, NonsenseInTheFiguresIsNoCrash) {
  limit("nonsense");
  cell.client(SetDataRequest{"/zookeeper/quota/a/zookeeper_stats", "=,;count=x"});
  EXPECT_EQ(cell.create("/a/y"), Code::ok);
  EXPECT_EQ(used(), "count=0,bytes=-1");
}

TEST_F(Quotas, FiguresThatAClientWroteStayAtTheLimitOfTheType) {
  limit("count=9223372036854775807,bytes=10=;byteHardLimit=9223372036854775807");
  cell.client(
      SetDataRequest{"/zookeeper/quota/a/zookeeper_stats", "count=9223372036854775807,bytes=9223372036854775807"});
  EXPECT_EQ(cell.create("/a/y", NodeKind::persistent, "123"), Code::ok);
  EXPECT_EQ(used(), "count=9223372036854775807,bytes=9223372036854775807");
  cell.client(
      SetDataRequest{"/zookeeper/quota/a/zookeeper_stats", "count=-9223372036854775808,bytes=-9223372036854775808"});
  cell.client(DeleteRequest{"/a/y"});
  EXPECT_EQ(used(), "count=-9223372036854775808,bytes=-9223372036854775808");
}

}  // namespace
}  // namespace conclave::state
