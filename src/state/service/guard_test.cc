// Guards: a handle is that of one instance of a node (CH-31), a compare-and-swap that of one content (CH-48).
#include <gtest/gtest.h>

#include "state/service/test_support.h"

namespace conclave::state {
namespace {

using namespace testing;

struct Guards : ::testing::Test {
  Cell cell;
  Guards() {
    cell.open();
    cell.create("/f", NodeKind::file, "1");
  }

  Code guarded(RequestBody body, Guard guard) {
    return cell.run({.session = kClient, .body = std::move(body), .guard = std::move(guard)}).code;
  }
  Guard of(const std::string& path) { return {path, cell.stat(path).czxid, Zxid()}; }
};

TEST_F(Guards, CH_31_ARequestIsForOneInstanceOfANode) {
  const Guard first = of("/f");
  EXPECT_EQ(guarded(SetDataRequest{"/f", "2"}, first), Code::ok);
  cell.client(DeleteRequest{"/f"});
  EXPECT_EQ(guarded(SetDataRequest{"/f", "3"}, first), Code::instance_gone);
  cell.create("/f", NodeKind::file);
  EXPECT_EQ(guarded(SetDataRequest{"/f", "3"}, first), Code::instance_gone) << "though the name is there again";
  EXPECT_EQ(cell.data("/f"), "");
  EXPECT_EQ(guarded(SetDataRequest{"/f", "3"}, of("/f")), Code::ok);
  EXPECT_EQ(guarded(CheckRequest{"/"}, of("/")), Code::ok) << "the root's number is 0";
  EXPECT_EQ(guarded(CheckRequest{"/"}, {"nonsense", Zxid(), Zxid()}), Code::instance_gone);
}

TEST_F(Guards, CH_31_TheGuardsNodeNeedNotBeTheRequests) {
  cell.create("/d", NodeKind::directory);
  EXPECT_EQ(guarded(CreateRequest{.path = "/d/f", .acl = kOpen}, of("/d")), Code::ok);
  EXPECT_EQ(guarded(CreateRequest{.path = "/d/g", .acl = kOpen}, {"/d", Zxid(Epoch(1), 1), Zxid()}),
            Code::instance_gone);
}

TEST_F(Guards, CH_48_ACompareAndSwapIsOfOneContent) {
  Guard seen = of("/f");
  seen.content = cell.stat("/f").mzxid;
  EXPECT_EQ(guarded(SetDataRequest{"/f", "2"}, seen), Code::ok);
  EXPECT_EQ(guarded(SetDataRequest{"/f", "3"}, seen), Code::bad_version);
  EXPECT_EQ(cell.data("/f"), "2");
  seen.content = cell.stat("/f").mzxid;
  cell.client(SetAclRequest{"/f", kOpen});
  EXPECT_EQ(guarded(SetDataRequest{"/f", "3"}, seen), Code::ok) << "an ACL is not content";
}

TEST_F(Guards, SpeakBeforeAllOtherChecks) {
  const Guard gone{"/none", Zxid(Epoch(1), 1), Zxid()};
  EXPECT_EQ(guarded(SetDataRequest{"/f", "2", 99}, gone), Code::instance_gone);
  EXPECT_EQ(guarded(ResumeSessionRequest{"wrong"}, gone), Code::instance_gone);
  MultiRequest multi;
  multi.ops = {CheckRequest{"/f"}, DeleteRequest{"/f"}};
  EXPECT_EQ(guarded(multi, gone), Code::instance_gone);
  ASSERT_EQ(cell.last_refusal.outcome.ops.size(), 2u) << "as every multi that failed";
  EXPECT_EQ(cell.last_refusal.outcome.ops[1].code, Code::runtime_inconsistency);
  EXPECT_TRUE(cell.service.exists("/f"));
}

TEST_F(Guards, AreHeldToWhatIsUnderWay) {
  Cell lagging({}, /*lag=*/100);
  const auto guarded_set = [&](Guard guard) {
    return lagging.run({.session = kClient, .body = SetDataRequest{"/f", "x"}, .guard = std::move(guard)}).code;
  };
  lagging.open();
  lagging.create("/f");
  const Zxid created = lagging.evaluator->last_proposed();
  guarded_set({"/f", created, created});
  ASSERT_FALSE(lagging.refused);
  const Zxid written = lagging.evaluator->last_proposed();
  EXPECT_EQ(guarded_set({"/f", created, created}), Code::bad_version);
  EXPECT_EQ(lagging.last_refusal.after, written) << "the answer depends on it";
  guarded_set({"/f", created, written});
  EXPECT_FALSE(lagging.refused);
  lagging.client(DeleteRequest{"/f"});
  EXPECT_EQ(guarded_set({"/f", created, Zxid()}), Code::instance_gone);
}

}  // namespace
}  // namespace conclave::state
