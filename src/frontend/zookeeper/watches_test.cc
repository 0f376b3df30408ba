// Transcripts of watches: what fires, what is hidden, the order against replies (ZK-07), setWatches.
#include "frontend/zookeeper/testing_world.h"

namespace conclave::frontend::zookeeper {
namespace {

using wire::ErrorCode;
using wire::OpCode;
using wire::PathWatchRequest;

TEST_F(FrontEndTest, TheEventLeavesBeforeTheReplyThatShowsTheChange) {  // ZK-07
  TestClient client = connected();
  client.create("/a", "old");
  client.call(OpCode::get_data, PathWatchRequest{"/a", true});
  client.send_raw(TestClient::request(90, OpCode::set_data, wire::SetDataRequest{"/a", "new"}) +
                  TestClient::request(91, OpCode::get_data, PathWatchRequest{"/a"}));
  EXPECT_EQ(client.event(), "NodeDataChanged /a");
  EXPECT_EQ(client.next().header.xid, 90);
  EXPECT_EQ(body_of<wire::GetDataResponse>(client.next()).data, "new");
  EXPECT_EQ(client.set("/a", "again"), ErrorCode::ok);  // one-shot
  EXPECT_TRUE(client.quiet());
}

TEST_F(FrontEndTest, AWatchSetAmongPipelinedRequestsHolds) {  // B49
  TestClient client = connected();
  TestClient other = connected();
  other.create("/a", "old");
  client.send_raw(TestClient::request(90, OpCode::set_data, wire::SetDataRequest{"/a", "new"}) +
                  TestClient::request(91, OpCode::get_data, PathWatchRequest{"/a", true}) +
                  TestClient::request(92, OpCode::get_data, PathWatchRequest{"/a"}));
  for (const int32_t xid : {90, 91, 92}) EXPECT_EQ(client.next().header.xid, xid);
  other.set("/a", "newest");
  EXPECT_EQ(client.event(), "NodeDataChanged /a");
}

TEST_F(FrontEndTest, EventsOfOthersArriveByThemselves) {
  TestClient client = connected();
  TestClient other = connected();
  client.call(OpCode::exists, PathWatchRequest{"/a", true});
  client.call(OpCode::get_children, PathWatchRequest{"/", true});
  other.create("/a");
  EXPECT_EQ(client.event(), "NodeCreated /a");
  EXPECT_EQ(client.event(), "NodeChildrenChanged /");
  client.call(OpCode::exists, PathWatchRequest{"/a", true});
  client.call(OpCode::get_children, PathWatchRequest{"/a", true});
  other.remove("/a");
  EXPECT_EQ(client.event(), "NodeDeleted /a");
  EXPECT_TRUE(client.quiet());
}

TEST_F(FrontEndTest, PersistentAndRecursiveWatches) {
  TestClient client = connected();
  TestClient other = connected();
  other.create("/a");
  const Frame added =
      client.call(OpCode::add_watch, wire::AddWatchRequest{"/a", wire::AddWatchMode::persistent_recursive});
  EXPECT_EQ(body_of<wire::ErrorResponse>(added).error, ErrorCode::ok);
  other.create("/a/b");
  other.set("/a/b", "x");
  other.remove("/a/b");
  EXPECT_EQ(client.event(), "NodeCreated /a/b");
  EXPECT_EQ(client.event(), "NodeDataChanged /a/b");
  EXPECT_EQ(client.event(), "NodeDeleted /a/b");
  EXPECT_TRUE(client.quiet());
  EXPECT_EQ(client.call(OpCode::check_watches, wire::WatchesRequest{"/a"}).header.error, ErrorCode::ok);
  EXPECT_EQ(client.call(OpCode::remove_watches, wire::WatchesRequest{"/a"}).header.error, ErrorCode::ok);
  other.create("/a/c");
  EXPECT_TRUE(client.quiet());
}

TEST_F(FrontEndTest, AWatcherSeesNoPathThatItMayNotRead) {  // CVE-2024-23944
  TestClient spy = connected();
  TestClient owner = connected();
  owner.authenticate("digest", "u:p");
  spy.call(OpCode::add_watch, wire::AddWatchRequest{"/", wire::AddWatchMode::persistent_recursive});
  ASSERT_EQ(owner.create("/secret", "", {}, {{31, {"auth", ""}}}), ErrorCode::ok);
  owner.set("/secret", "x");
  owner.remove("/secret");
  EXPECT_TRUE(spy.quiet());
  owner.create("/open");
  EXPECT_EQ(spy.event(), "NodeCreated /open");
  EXPECT_EQ(server->statistics().watch_events_hidden, 3u);
}

TEST_F(FrontEndTest, SetWatchesFiresWhatWasMissedAndSetsTheRest) {
  TestClient other = connected();
  for (const char* path : {"/same", "/changed", "/deleted", "/children"}) other.create(path);
  const Zxid seen = gateway.state().last_zxid();
  other.set("/changed", "x");
  other.remove("/deleted");
  other.create("/children/new");
  other.create("/created");

  TestClient client = connected();
  client.send_raw(TestClient::request(wire::kXidSetWatches, OpCode::set_watches,
                                      wire::SetWatchesRequest{.relative_zxid = seen,
                                                              .data = {"/same", "/changed", "/deleted"},
                                                              .exists = {"/created", "/absent"},
                                                              .children = {"/same", "/children", "/deleted"}}));
  EXPECT_EQ(client.event(), "NodeDataChanged /changed");
  EXPECT_EQ(client.event(), "NodeDeleted /deleted");
  EXPECT_EQ(client.event(), "NodeCreated /created");
  EXPECT_EQ(client.event(), "NodeChildrenChanged /children");
  EXPECT_EQ(client.event(), "NodeDeleted /deleted");
  const Frame reply = client.next();
  EXPECT_EQ(reply.header.xid, wire::kXidSetWatches);
  EXPECT_TRUE(reply.body.empty());

  other.set("/same", "x");
  other.create("/same/child");
  other.create("/absent");
  EXPECT_EQ(client.event(), "NodeDataChanged /same");
  EXPECT_EQ(client.event(), "NodeChildrenChanged /same");
  EXPECT_EQ(client.event(), "NodeCreated /absent");
  EXPECT_TRUE(client.quiet());
}

TEST_F(FrontEndTest, SetWatches2BringsPersistentWatchesBack) {
  TestClient other = connected();
  other.create("/p");
  TestClient client = connected();
  client.send_raw(TestClient::request(
      wire::kXidSetWatches, OpCode::set_watches2,
      wire::SetWatches2Request{
          .relative_zxid = gateway.state().last_zxid(), .persistent = {"/p"}, .persistent_recursive = {"/r"}}));
  EXPECT_EQ(client.next().header.xid, wire::kXidSetWatches);
  other.set("/p", "1");
  other.create("/r");
  other.create("/r/x");
  EXPECT_EQ(client.event(), "NodeDataChanged /p");
  EXPECT_EQ(client.event(), "NodeCreated /r");
  EXPECT_EQ(client.event(), "NodeCreated /r/x");
}

TEST_F(FrontEndTest, WatchesDieWithTheirConnection) {
  TestClient client = connected();
  client.call(OpCode::exists, PathWatchRequest{"/a", true});
  EXPECT_EQ(server->watch_count(), 1u);
  hang_up(client);
  EXPECT_EQ(server->watch_count(), 0u);
  TestClient other = connected();
  EXPECT_EQ(other.create("/a"), ErrorCode::ok);
}

}  // namespace
}  // namespace conclave::frontend::zookeeper
