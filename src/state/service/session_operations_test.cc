// What opens, ends and asks for sessions: effects and errors. ZK-05.
#include <gtest/gtest.h>

#include "state/service/test_support.h"

namespace conclave::state {
namespace {

using namespace testing;

struct SessionOperations : ::testing::Test {
  Cell cell;
  SessionOperations() { cell.open(); }

  Code create(CreateRequest request) {
    if (request.acl.empty()) request.acl = kOpen;
    return cell.client(std::move(request)).code;
  }
};

TEST_F(SessionOperations, SessionsAreChecked) {
  const SessionId stranger(99);
  const auto as_stranger = [&](RequestBody body) { return cell.run({stranger, {}, std::move(body)}).code; };
  EXPECT_EQ(as_stranger(CreateRequest{.path = "nonsense"}), Code::session_expired);
  EXPECT_EQ(as_stranger(CreateRequest{.path = "/e", .acl = kOpen, .kind = NodeKind::ephemeral}), Code::session_expired);
  EXPECT_EQ(as_stranger(DeleteRequest{"/"}), Code::session_expired);
  EXPECT_EQ(as_stranger(SetDataRequest{"x"}), Code::session_expired);
  EXPECT_EQ(as_stranger(SetAclRequest{"x"}), Code::session_expired);
  EXPECT_EQ(as_stranger(CheckRequest{"x"}), Code::session_expired);
  EXPECT_EQ(as_stranger(CloseSessionRequest{}), Code::session_expired);
  // The TTL is looked at before the session is.
  EXPECT_EQ(as_stranger(CreateRequest{.path = "/t", .kind = NodeKind::ttl}), Code::bad_arguments);
  // A session that only its replica knows asks as nobody: it may write, but own nothing.
  EXPECT_EQ(cell.run({SessionId(), {}, CreateRequest{.path = "/n", .acl = kOpen}}).code, Code::ok);
  EXPECT_EQ(cell.run({SessionId(), {}, CreateRequest{.path = "/m", .acl = kOpen, .kind = NodeKind::ephemeral}}).code,
            Code::ephemeral_on_local_session);
}

TEST_F(SessionOperations, CreateSessionErrors) {
  const auto open = [&](CreateSessionRequest request) { return cell.run({SessionId(), {}, std::move(request)}).code; };
  EXPECT_EQ(open({SessionId(), kPassword, 1000}), Code::bad_arguments);
  EXPECT_EQ(open({SessionId(5), "short", 1000}), Code::bad_arguments);
  EXPECT_EQ(open({SessionId(5), kPassword, 0}), Code::bad_arguments);
  EXPECT_EQ(open({SessionId(5), kPassword, int64_t{1} << 31}), Code::bad_arguments) << "no client can be told so much";
  EXPECT_EQ(open({kClient, kPassword, 1000}), Code::bad_arguments);
  EXPECT_EQ(open({SessionId(5), kPassword, 1000}), Code::ok);
  ASSERT_TRUE(cell.service.session(SessionId(5)));
  EXPECT_EQ(cell.service.session(SessionId(5))->timeout_ms, 1000);
  EXPECT_EQ(cell.service.session(SessionId(5))->password, kPassword);
  EXPECT_EQ(cell.service.session(SessionId(5))->owner, cell.origin.replica);
  EXPECT_EQ(cell.service.sessions().size(), 2u);
}

// CH-56: the next master has to know who may have cached something.
TEST_F(SessionOperations, ASessionThatCachesIsKnownByEveryReplica) {
  cell.run({SessionId(), {}, CreateSessionRequest{SessionId(5), kPassword, 1000, /*caching=*/true}});
  EXPECT_TRUE(cell.service.session(SessionId(5))->caching);
  EXPECT_FALSE(cell.service.session(kClient)->caching);
  Service loaded;
  ASSERT_TRUE(load(loaded, snapshot_of(*cell.service.begin_snapshot())));
  EXPECT_EQ(loaded.digest(), cell.service.digest());
  EXPECT_TRUE(loaded.session(SessionId(5))->caching);
  EXPECT_FALSE(loaded.session(kClient)->caching);
}

TEST_F(SessionOperations, ClosingASessionTakesItsEphemerals) {  // S3, B46
  cell.create("/a");
  cell.create("/a/e2", NodeKind::ephemeral);
  cell.create("/e1", NodeKind::ephemeral);
  cell.create("/stays");
  EXPECT_EQ(cell.service.ephemerals(kClient), (std::vector<std::string>{"/a/e2", "/e1"}));
  EXPECT_EQ(cell.client(CloseSessionRequest{}).code, Code::ok);
  EXPECT_EQ(cell.last_applied.closed_sessions, (std::vector<SessionId>{kClient}));
  EXPECT_FALSE(cell.service.session(kClient));
  EXPECT_FALSE(cell.service.exists("/a/e2"));
  EXPECT_FALSE(cell.service.exists("/e1"));
  EXPECT_TRUE(cell.service.exists("/stays"));
  EXPECT_EQ(cell.stat("/a").pzxid, cell.last_applied.zxid);
  EXPECT_EQ(cell.service.ephemeral_count(), 0u);
  EXPECT_EQ(cell.create("/b"), Code::session_expired);
}

}  // namespace
}  // namespace conclave::state
