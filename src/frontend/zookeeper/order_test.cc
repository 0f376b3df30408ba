// The order of a session's requests, replies and reads (P1 to P4).
#include "frontend/zookeeper/testing_world.h"

namespace conclave::frontend::zookeeper {
namespace {

using wire::CreateMode;
using wire::ErrorCode;
using wire::OpCode;
using wire::PathRequest;
using wire::PathWatchRequest;

TEST_F(FrontEndTest, PipelinedWritesAreSubmittedAtOnceAndAnsweredInOrder) {
  TestClient client = connected();
  gateway.hold = true;
  gateway.requests.clear();
  client.send_raw(TestClient::request(1, OpCode::create, wire::CreateRequest{"/a", "1", kOpen}) +
                  TestClient::request(2, OpCode::get_data, PathWatchRequest{"/a"}) +
                  TestClient::request(3, OpCode::set_data, wire::SetDataRequest{"/a", "22"}) +
                  TestClient::request(4, OpCode::get_data, PathWatchRequest{"/a"}) +
                  TestClient::request(wire::kXidPing, OpCode::ping) +
                  TestClient::request(5, OpCode::sync, PathRequest{"/a"}));
  EXPECT_EQ(gateway.requests.size(), 2u);  // both writes are on their way
  EXPECT_TRUE(client.quiet());

  gateway.let_go(1);
  executor.run();
  EXPECT_EQ(client.next().header.xid, 1);
  const Frame first = client.next();
  EXPECT_EQ(first.header.xid, 2);
  EXPECT_EQ(body_of<wire::GetDataResponse>(first).data, "1");
  EXPECT_TRUE(client.quiet());

  gateway.let_go();
  executor.run();
  EXPECT_EQ(client.next().header.xid, 3);
  const Frame second = client.next();
  EXPECT_EQ(second.header.xid, 4);
  EXPECT_EQ(body_of<wire::GetDataResponse>(second).data, "22");
  EXPECT_EQ(client.next().header.xid, wire::kXidPing);
  const Frame synced = client.next();
  EXPECT_EQ(synced.header.xid, 5);
  EXPECT_EQ(body_of<wire::PathResponse>(synced).path, "/a");
  EXPECT_TRUE(client.quiet());
}

// A sync's barrier lies before the session's later writes, so that a read behind the sync must not see them. They stay
// here until the sync is answered.
TEST_F(FrontEndTest, WritesBehindASyncAreSubmittedWhenTheReadsBehindItAreAnswered) {
  TestClient client = connected();
  client.create("/a", "0");
  gateway.hold = true;
  gateway.requests.clear();
  const auto set = [](int32_t xid, BytesView data) {
    return TestClient::request(xid, OpCode::set_data, wire::SetDataRequest{"/a", data});
  };
  const auto get = [](int32_t xid) { return TestClient::request(xid, OpCode::get_data, PathWatchRequest{"/a"}); };
  client.send_raw(set(1, "1") + TestClient::request(2, OpCode::sync, PathRequest{"/a"}) + get(3) + set(4, "4") +
                  get(5) + set(6, "6") + TestClient::request(7, OpCode::sync, PathRequest{"/a"}) + get(8) +
                  set(9, "9") + TestClient::request(10, OpCode::close_session));
  EXPECT_EQ(gateway.requests.size(), 1u);
  EXPECT_EQ(gateway.held(), 3u);  // the first write and both syncs
  const auto data_of = [&](int32_t xid) {
    const Frame frame = client.next();
    EXPECT_EQ(frame.header.xid, xid);
    return Bytes(body_of<wire::GetDataResponse>(frame).data);
  };

  gateway.complete_held(1);  // the first sync, before the write in front of it
  executor.run();
  EXPECT_TRUE(client.quiet());
  EXPECT_EQ(gateway.requests.size(), 1u);
  gateway.let_go(1);  // the write: the sync and the read behind it are answered too
  executor.run();
  EXPECT_EQ(client.next().header.xid, 1);
  EXPECT_EQ(client.next().header.xid, 2);
  EXPECT_EQ(data_of(3), "1");
  EXPECT_TRUE(client.quiet());
  ASSERT_EQ(gateway.requests.size(), 3u);  // up to the next sync, in order
  EXPECT_EQ(std::get<state::SetDataRequest>(gateway.requests[1].body).data, "4");
  EXPECT_EQ(std::get<state::SetDataRequest>(gateway.requests[2].body).data, "6");

  gateway.let_go(1);  // the second sync, submitted long ago
  gateway.let_go(1);
  executor.run();
  EXPECT_EQ(client.next().header.xid, 4);
  EXPECT_EQ(data_of(5), "4");
  EXPECT_TRUE(client.quiet());
  gateway.let_go(1);
  executor.run();
  EXPECT_EQ(client.next().header.xid, 6);
  EXPECT_EQ(client.next().header.xid, 7);
  EXPECT_EQ(data_of(8), "6");
  EXPECT_TRUE(client.quiet());
  ASSERT_EQ(gateway.requests.size(), 5u);
  EXPECT_TRUE(std::holds_alternative<state::CloseSessionRequest>(gateway.requests[4].body));

  gateway.let_go();
  executor.run();
  EXPECT_EQ(client.next().header.xid, 9);
  EXPECT_EQ(client.next().header.xid, 10);
  EXPECT_TRUE(client.closed());
}

TEST_F(FrontEndTest, AWriteAfterAnAnsweredSyncIsSubmittedAtOnce) {
  TestClient client = connected();
  EXPECT_EQ(client.call(OpCode::sync, PathRequest{"/"}).header.error, ErrorCode::ok);
  gateway.hold = true;
  gateway.requests.clear();
  client.send_raw(TestClient::request(1, OpCode::create, wire::CreateRequest{"/a", "", kOpen}));
  EXPECT_EQ(gateway.requests.size(), 1u);
}

TEST_F(FrontEndTest, ASyncThatFailsDropsTheWritesBehindIt) {
  TestClient client = connected();
  gateway.hold = true;
  gateway.requests.clear();
  client.send_raw(TestClient::request(1, OpCode::sync, PathRequest{"/"}) +
                  TestClient::request(2, OpCode::create, wire::CreateRequest{"/a", "", kOpen}));
  gateway.fail_held(0, state::Code::connection_loss);
  executor.run();
  EXPECT_TRUE(client.closed());
  EXPECT_TRUE(gateway.requests.empty());
}

TEST_F(FrontEndTest, ACompletionOutOfOrderWaitsForTheOnesBeforeIt) {
  TestClient client = connected();
  gateway.hold = true;
  client.send_raw(TestClient::request(1, OpCode::create, wire::CreateRequest{"/a", "", kOpen}) +
                  TestClient::request(2, OpCode::delete_node, wire::DeleteRequest{"/none"}));
  gateway.fail_held(1, state::Code::no_node);
  executor.run();
  EXPECT_TRUE(client.quiet());
  gateway.let_go();
  executor.run();
  EXPECT_EQ(client.next().header.xid, 1);
  const Frame second = client.next();
  EXPECT_EQ(second.header.xid, 2);
  EXPECT_EQ(second.header.error, ErrorCode::no_node);
}

TEST_F(FrontEndTest, LocalErrorsKeepTheirPlaceInTheOrder) {
  TestClient client = connected();
  gateway.hold = true;
  client.send_raw(TestClient::request(1, OpCode::create, wire::CreateRequest{"/a", "", kOpen}) +
                  TestClient::request(2, OpCode::create, wire::CreateRequest{"/b", "", kOpen, CreateMode(77)}) +
                  TestClient::request(3, OpCode::set_data, int32_t{5}));
  EXPECT_TRUE(client.quiet());
  gateway.let_go();
  executor.run();
  EXPECT_EQ(client.next().header.xid, 1);
  EXPECT_EQ(client.next().header.error, ErrorCode::bad_arguments);
  EXPECT_EQ(client.next().header.error, ErrorCode::marshalling_error);
}

TEST_F(FrontEndTest, RepliesOfOneTurnLeaveInOneWrite) {
  TestClient client = connected();
  client.pipe().writes = 0;
  Bytes many;
  for (int32_t i = 1; i <= 10; ++i) many += TestClient::request(i, OpCode::exists, PathWatchRequest{"/"});
  client.send_raw(many);
  EXPECT_EQ(client.pipe().writes, 1u);
  for (int32_t i = 1; i <= 10; ++i) EXPECT_EQ(client.next().header.xid, i);
}

TEST_F(FrontEndTest, ReplyZxidIsTheLastAppliedAndNeverGoesBack) {
  TestClient client = connected();
  Zxid last;
  for (int round = 0; round < 3; ++round) {
    gateway.apply(state::SetDataRequest{.path = "/zookeeper/quota", .data = ""});
    client.create("/a" + std::to_string(round));
    const Frame frame = client.call(OpCode::exists, PathWatchRequest{"/"});
    EXPECT_EQ(frame.header.zxid, gateway.state().last_zxid());
    EXPECT_GT(frame.header.zxid, last);
    last = frame.header.zxid;
  }
}

}  // namespace
}  // namespace conclave::frontend::zookeeper
