// Transcripts of requests: every opcode and its errors, permissions.
#include <gmock/gmock.h>

#include "frontend/zookeeper/authentication.h"
#include "frontend/zookeeper/testing_world.h"

namespace conclave::frontend::zookeeper {
namespace {

using testing::ElementsAre;
using wire::CreateMode;
using wire::ErrorCode;
using wire::OpCode;
using wire::PathRequest;
using wire::PathWatchRequest;

std::vector<std::string> children(const Frame& frame) {
  const auto response = body_of<wire::GetChildrenResponse>(frame);
  return {response.children.begin(), response.children.end()};
}

// --- writes

TEST_F(FrontEndTest, CreateInAllItsForms) {
  TestClient client = connected();
  const Frame plain = client.call(OpCode::create, wire::CreateRequest{"/a", "x", kOpen});
  EXPECT_EQ(body_of<wire::PathResponse>(plain).path, "/a");
  const Frame second =
      client.call(OpCode::create2, wire::CreateRequest{"/a/s-", "xy", kOpen, CreateMode::persistent_sequential});
  const auto made = body_of<wire::Create2Response>(second);
  EXPECT_EQ(made.path, "/a/s-0000000000");
  EXPECT_EQ(made.stat.data_length, 2);
  EXPECT_EQ(made.stat.czxid, second.header.zxid);
  const Frame container =
      client.call(OpCode::create_container, wire::CreateRequest{"/c", "", kOpen, CreateMode::container});
  EXPECT_EQ(body_of<wire::Create2Response>(container).path, "/c");
  const Frame ttl =
      client.call(OpCode::create_ttl, wire::CreateTtlRequest{"/t", "", kOpen, CreateMode::persistent_with_ttl, 5000});
  EXPECT_EQ(body_of<wire::Create2Response>(ttl).path, "/t");
  EXPECT_EQ(
      client.call(OpCode::create_ttl, wire::CreateTtlRequest{"/p", "", kOpen, CreateMode::persistent, 5}).header.error,
      ErrorCode::bad_arguments);
  EXPECT_EQ(
      client.call(OpCode::create_ttl, wire::CreateTtlRequest{"/p", "", kOpen, CreateMode::persistent, -1}).header.error,
      ErrorCode::ok);
}

TEST_F(FrontEndTest, ErrorRepliesCarryNoBody) {
  TestClient client = connected();
  ASSERT_EQ(client.create("/a"), ErrorCode::ok);
  struct Case {
    Frame frame;
    ErrorCode error;
  };
  for (const Case& c : {
           Case{client.call(OpCode::create, wire::CreateRequest{"/a", "", kOpen}), ErrorCode::node_exists},
           Case{client.call(OpCode::create2, wire::CreateRequest{"/x/y", "", kOpen}), ErrorCode::no_node},
           Case{client.call(OpCode::create, wire::CreateRequest{"/z", "", {}}), ErrorCode::invalid_acl},
           Case{client.call(OpCode::create, wire::CreateRequest{"bad", "", kOpen}), ErrorCode::bad_arguments},
           Case{client.call(OpCode::delete_node, wire::DeleteRequest{"/none"}), ErrorCode::no_node},
           Case{client.call(OpCode::set_data, wire::SetDataRequest{"/a", "", 7}), ErrorCode::bad_version},
           Case{client.call(OpCode::set_acl, wire::SetAclRequest{"/a", kOpen, 7}), ErrorCode::bad_version},
           Case{client.call(OpCode::check, wire::CheckVersionRequest{"/a", 7}), ErrorCode::bad_version},
           Case{client.call(OpCode::get_data, PathWatchRequest{"/none"}), ErrorCode::no_node},
           Case{client.call(OpCode::exists, PathWatchRequest{"/none"}), ErrorCode::no_node},
           Case{client.call(OpCode::exists, PathWatchRequest{BytesView("/a\0b", 4)}), ErrorCode::bad_arguments},
           Case{client.call(OpCode::get_children, PathWatchRequest{"/none"}), ErrorCode::no_node},
           Case{client.call(OpCode::get_children2, PathWatchRequest{"/none"}), ErrorCode::no_node},
           Case{client.call(OpCode::get_acl, PathRequest{"/none"}), ErrorCode::no_node},
           Case{client.call(OpCode::get_all_children_number, PathRequest{"/none"}), ErrorCode::no_node},
           Case{client.call(OpCode::get_data, int32_t{9}), ErrorCode::marshalling_error},
           Case{client.call(OpCode::sync, int32_t{9}), ErrorCode::marshalling_error},
           Case{client.call(OpCode::multi, int32_t{9}), ErrorCode::marshalling_error},
           Case{client.call(OpCode::multi_read, int32_t{9}), ErrorCode::marshalling_error},
           Case{client.call(OpCode::set_watches, int32_t{9}), ErrorCode::marshalling_error},
           Case{client.call(OpCode::set_watches2, int32_t{9}), ErrorCode::marshalling_error},
           Case{client.call(OpCode::add_watch, wire::AddWatchRequest{"/a", wire::AddWatchMode(7)}),
                ErrorCode::marshalling_error},
           Case{client.call(OpCode::add_watch, int32_t{9}), ErrorCode::marshalling_error},
           Case{client.call(OpCode::remove_watches, wire::WatchesRequest{"/a", wire::WatcherType(9)}),
                ErrorCode::marshalling_error},
           Case{client.call(OpCode::remove_watches, wire::WatchesRequest{"/a"}), ErrorCode::no_watcher},
           Case{client.call(OpCode::check_watches, wire::WatchesRequest{"/a"}), ErrorCode::no_watcher},
           Case{client.call(OpCode::get_ephemerals, int32_t{9}), ErrorCode::marshalling_error},
           Case{client.call(OpCode::set_acl, int32_t{9}), ErrorCode::marshalling_error},
       }) {
    EXPECT_EQ(c.frame.header.error, c.error) << "xid " << c.frame.header.xid;
    EXPECT_TRUE(c.frame.body.empty()) << "xid " << c.frame.header.xid;
  }
}

TEST_F(FrontEndTest, SetDataSetAclDeleteCheck) {
  TestClient client = connected();
  client.create("/a");
  EXPECT_EQ(body_of<wire::StatResponse>(client.call(OpCode::set_data, wire::SetDataRequest{"/a", "x", 0})).stat.version,
            1);
  EXPECT_EQ(
      body_of<wire::StatResponse>(client.call(OpCode::set_acl, wire::SetAclRequest{"/a", kOpen, 0})).stat.aversion, 1);
  EXPECT_EQ(body_of<wire::StatResponse>(client.call(OpCode::check, wire::CheckVersionRequest{"/a", 1})).stat.version,
            1);
  const Frame gone = client.call(OpCode::delete_node, wire::DeleteRequest{"/a", 1});
  EXPECT_EQ(gone.header.error, ErrorCode::ok);
  EXPECT_TRUE(gone.body.empty());
}

TEST_F(FrontEndTest, MultiAnswersEachPart) {
  TestClient client = connected();
  client.create("/a");
  client.send_raw(
      TestClient::multi(50, {{{OpCode::check, wire::CheckVersionRequest{"/a", 0}},
                              {OpCode::create, wire::CreateRequest{"/b", "", kOpen}},
                              {OpCode::create2, wire::CreateRequest{"/c", "", kOpen}},
                              {OpCode::create_container, wire::CreateRequest{"/d", "", kOpen, CreateMode::container}},
                              {OpCode::set_data, wire::SetDataRequest{"/a", "x"}},
                              {OpCode::delete_node, wire::DeleteRequest{"/b"}}}}));
  const Frame frame = client.next();
  EXPECT_EQ(frame.header.error, ErrorCode::ok);
  wire::Reader in(frame.body);
  const auto response = decode_multi_response(&in);
  ASSERT_TRUE(in.done());
  std::vector<OpCode> ops;
  for (const auto& result : response.results) ops.push_back(result.op);
  EXPECT_THAT(ops, ElementsAre(OpCode::check, OpCode::create, OpCode::create, OpCode::create2, OpCode::set_data,
                               OpCode::delete_node));
  EXPECT_EQ(std::get<wire::PathResponse>(response.results[1].body).path, "/b");
  EXPECT_EQ(std::get<wire::Create2Response>(response.results[3].body).path, "/d");
  EXPECT_EQ(std::get<wire::StatResponse>(response.results[4].body).stat.version, 1);
}

std::vector<ErrorCode> multi_errors(const Frame& frame) {
  EXPECT_EQ(frame.header.error, ErrorCode::ok);
  wire::Reader in(frame.body);
  std::vector<ErrorCode> errors;
  for (const auto& result : decode_multi_response(&in).results) {
    EXPECT_EQ(result.op, OpCode::error);
    errors.push_back(std::get<wire::ErrorResponse>(result.body).error);
  }
  EXPECT_TRUE(in.done());
  return errors;
}

TEST_F(FrontEndTest, AFailedMultiTellsWhichPart) {
  TestClient client = connected();
  client.create("/a");
  client.send_raw(TestClient::multi(50, {{{OpCode::check, wire::CheckVersionRequest{"/a"}},
                                          {OpCode::delete_node, wire::DeleteRequest{"/none"}},
                                          {OpCode::delete_node, wire::DeleteRequest{"/a"}}}}));
  EXPECT_THAT(multi_errors(client.next()),
              ElementsAre(ErrorCode::ok, ErrorCode::no_node, ErrorCode::runtime_inconsistency));
  client.send_raw(TestClient::multi(51, {{{OpCode::check, wire::CheckVersionRequest{"/a"}},
                                          {OpCode::create, wire::CreateRequest{"/x", "", kOpen, CreateMode(77)}},
                                          {OpCode::delete_node, wire::DeleteRequest{"/a"}}}}));
  EXPECT_THAT(multi_errors(client.next()),
              ElementsAre(ErrorCode::ok, ErrorCode::bad_arguments, ErrorCode::runtime_inconsistency));
  client.send_raw(TestClient::multi(52, {}));
  EXPECT_THAT(multi_errors(client.next()), ElementsAre());
  EXPECT_TRUE(gateway.state().exists("/a"));
}

// ZooKeeper tries the parts in order, so that an error before an impossible mode or TTL wins.
TEST_F(FrontEndTest, AnImpossibleCreateInAMultiFailsInItsTurn) {
  TestClient client = connected();
  client.create("/a");
  const wire::MultiOp none{OpCode::delete_node, wire::DeleteRequest{"/none"}};
  const wire::MultiOp mode{OpCode::create, wire::CreateRequest{"/a", "", kOpen, CreateMode(77)}};
  const wire::MultiOp ttl{OpCode::create_ttl,
                          wire::CreateTtlRequest{"/a", "", kOpen, CreateMode::persistent_with_ttl, -3}};
  for (const wire::MultiOp& bad : {mode, ttl}) {
    client.send_raw(TestClient::multi(50, {{none, bad}}));
    EXPECT_THAT(multi_errors(client.next()), ElementsAre(ErrorCode::no_node, ErrorCode::runtime_inconsistency));
    client.send_raw(TestClient::multi(51, {{bad, none}}));  // before node_exists
    EXPECT_THAT(multi_errors(client.next()), ElementsAre(ErrorCode::bad_arguments, ErrorCode::runtime_inconsistency));
  }
  const wire::MultiOp lost{OpCode::create, wire::CreateRequest{"/b", "", kOpen, CreateMode::persistent_with_ttl}};
  client.send_raw(TestClient::multi(52, {{lost}}));
  EXPECT_EQ(client.next().header.error, ErrorCode::marshalling_error);
  const wire::MultiOp unused{OpCode::create_ttl, wire::CreateTtlRequest{"/c", "", kOpen, CreateMode::persistent, 5}};
  client.send_raw(TestClient::multi(53, {{unused}}));
  EXPECT_EQ(client.next().header.error, ErrorCode::ok);
  EXPECT_TRUE(gateway.state().exists("/c"));
}

TEST_F(FrontEndTest, OnItsOwnACreateGoesByItsOpcode) {
  TestClient client = connected();
  const auto kind_of = [&](OpCode op, CreateMode mode) {
    gateway.requests.clear();
    const ErrorCode code = client.call(op, wire::CreateRequest{"/a", "", kOpen, mode}).header.error;
    if (code != ErrorCode::ok) return static_cast<int>(code);
    client.remove("/a");
    return static_cast<int>(std::get<state::CreateRequest>(gateway.requests.front().body).kind);
  };
  constexpr auto kPlain = static_cast<int>(state::NodeKind::persistent);
  constexpr auto kContainer = static_cast<int>(state::NodeKind::container);
  EXPECT_EQ(kind_of(OpCode::create, CreateMode::container), kPlain);
  EXPECT_EQ(kind_of(OpCode::create2, CreateMode::container), kPlain);
  EXPECT_EQ(kind_of(OpCode::create_container, CreateMode::container), kContainer);
  EXPECT_EQ(kind_of(OpCode::create_container, CreateMode::persistent), kContainer);
  EXPECT_EQ(kind_of(OpCode::create_container, CreateMode::ephemeral), kContainer);
  EXPECT_EQ(kind_of(OpCode::create_container, CreateMode::persistent_with_ttl), -8);
  EXPECT_EQ(kind_of(OpCode::create, CreateMode::persistent_with_ttl), -8);
}

// --- reads

TEST_F(FrontEndTest, ReadsOfOneNode) {
  TestClient client = connected();
  client.create("/a", "data");
  client.create("/a/y");
  client.create("/a/x");
  client.create("/a/x/z");
  EXPECT_EQ(body_of<wire::StatResponse>(client.call(OpCode::exists, PathWatchRequest{"/a"})).stat.num_children, 2);
  const Frame data = client.call(OpCode::get_data, PathWatchRequest{"/a"});
  EXPECT_EQ(body_of<wire::GetDataResponse>(data).data, "data");
  EXPECT_THAT(children(client.call(OpCode::get_children, PathWatchRequest{"/a"})), ElementsAre("x", "y"));
  const Frame both = client.call(OpCode::get_children2, PathWatchRequest{"/a"});
  EXPECT_EQ(body_of<wire::GetChildren2Response>(both).stat.cversion, 2);
  EXPECT_EQ(body_of<wire::GetAllChildrenNumberResponse>(client.call(OpCode::get_all_children_number, PathRequest{"/a"}))
                .total,
            3);
}

TEST_F(FrontEndTest, NullDataIsReadBackAsNull) {
  TestClient client = connected();
  const Bytes null = "\xFF\xFF\xFF\xFF";
  const Bytes empty(4, '\0');
  const auto length_of = [&](BytesView path) {
    return client.call(OpCode::get_data, PathWatchRequest{path}).body.substr(0, 4);
  };
  client.call(OpCode::create, wire::CreateRequest{"/a", std::nullopt, kOpen});
  client.call(OpCode::create_ttl,
              wire::CreateTtlRequest{"/t", std::nullopt, kOpen, CreateMode::persistent_with_ttl, 5000});
  EXPECT_EQ(length_of("/a"), null);
  EXPECT_EQ(length_of("/t"), null);
  client.set("/a", "");
  EXPECT_EQ(length_of("/a"), empty);
  const Frame set = client.call(OpCode::set_data, wire::SetDataRequest{"/a", std::nullopt});
  EXPECT_EQ(body_of<wire::StatResponse>(set).stat.data_length, 0);
  EXPECT_EQ(length_of("/a"), null);

  client.send_raw(TestClient::multi(50, {{{OpCode::create, wire::CreateRequest{"/m", "x", kOpen}},
                                          {OpCode::set_data, wire::SetDataRequest{"/m", std::nullopt}},
                                          {OpCode::create2, wire::CreateRequest{"/n", std::nullopt, kOpen}}}}));
  EXPECT_EQ(client.next().header.error, ErrorCode::ok);
  for (BytesView path : {"/m", "/n"}) {
    client.send_raw(TestClient::multi(51, {{{OpCode::get_data, PathWatchRequest{path}}}}, OpCode::multi_read));
    EXPECT_EQ(client.next().body.substr(9, 4), null);
  }
}

// Whims of 3.8.0 that cost nothing to share.
TEST_F(FrontEndTest, OddPathsOfWatchChecksAndCounts) {
  TestClient client = connected();
  EXPECT_EQ(client.call(OpCode::check_watches, wire::WatchesRequest{"a"}).header.error, ErrorCode::marshalling_error);
  EXPECT_EQ(client.call(OpCode::check_watches, wire::WatchesRequest{""}).header.error, ErrorCode::no_watcher);
  EXPECT_EQ(client.call(OpCode::remove_watches, wire::WatchesRequest{"a"}).header.error, ErrorCode::no_watcher);
  const auto count = [&](BytesView path) {
    return body_of<wire::GetAllChildrenNumberResponse>(client.call(OpCode::get_all_children_number, PathRequest{path}))
        .total;
  };
  EXPECT_EQ(count(""), count("/") + 1);
}

TEST_F(FrontEndTest, EphemeralsByPrefix) {
  TestClient client = connected();
  client.create("/a");
  client.create("/a/1", "", CreateMode::ephemeral);
  client.create("/b", "", CreateMode::ephemeral);
  for (const auto& [prefix, count] :
       std::map<BytesView, size_t>{{"", 2}, {"/", 2}, {" ", 2}, {"/a", 1}, {"/none", 0}}) {
    const Frame frame = client.call(OpCode::get_ephemerals, PathRequest{prefix});
    EXPECT_EQ(body_of<wire::GetEphemeralsResponse>(frame).ephemerals.size(), count) << prefix;
  }
}

TEST_F(FrontEndTest, MultiReadAnswersEachPartOnItsOwn) {
  TestClient client = connected();
  client.create("/a", "x");
  client.send_raw(TestClient::multi(50,
                                    {{{OpCode::get_data, PathWatchRequest{"/a"}},
                                      {OpCode::get_data, PathWatchRequest{"/none"}},
                                      {OpCode::get_children, PathWatchRequest{"/"}}}},
                                    OpCode::multi_read));
  const Frame frame = client.next();
  wire::Reader in(frame.body);
  const auto response = decode_multi_response(&in);
  ASSERT_TRUE(in.done());
  ASSERT_EQ(response.results.size(), 3u);
  EXPECT_EQ(std::get<wire::GetDataResponse>(response.results[0].body).data, "x");
  EXPECT_EQ(std::get<wire::ErrorResponse>(response.results[1].body).error, ErrorCode::no_node);
  EXPECT_THAT(std::get<wire::GetChildrenResponse>(response.results[2].body).children, ElementsAre("a", "zookeeper"));
  client.send_raw(TestClient::multi(51, {{{OpCode::delete_node, wire::DeleteRequest{"/a"}}}}, OpCode::multi_read));
  EXPECT_EQ(client.next().header.error, ErrorCode::marshalling_error);
}

// MultiOperationRecord of 3.8.0 drops the flag when it decodes the parts.
TEST_F(FrontEndTest, MultiReadSetsNoWatch) {
  TestClient client = connected();
  client.send_raw(TestClient::multi(
      50, {{{OpCode::get_data, PathWatchRequest{"/", true}}, {OpCode::get_children, PathWatchRequest{"/", true}}}},
      OpCode::multi_read));
  EXPECT_EQ(client.next().header.error, ErrorCode::ok);
  EXPECT_EQ(server->watch_count(), 0u);
}

// A null path is not the empty path, which names the root.
TEST_F(FrontEndTest, ReadsOfANullPath) {
  TestClient client = connected();
  for (OpCode op : {OpCode::exists, OpCode::get_data, OpCode::get_children, OpCode::get_children2, OpCode::get_acl,
                    OpCode::get_all_children_number}) {
    EXPECT_EQ(client.call(op, int32_t{-1}, true).header.error, ErrorCode::marshalling_error) << to_string(op);
    EXPECT_EQ(client.call(op, BytesView(), true).header.error, ErrorCode::ok) << to_string(op);
  }
  EXPECT_EQ(server->watch_count(), 1u);  // of ""
  const wire::MultiHeader part{.op = OpCode::get_data};
  const wire::MultiHeader end{.op = OpCode::error, .done = true};
  EXPECT_EQ(client.call(OpCode::multi_read, part, int32_t{-1}, false, end).header.error, ErrorCode::marshalling_error);
  EXPECT_EQ(client.call(OpCode::get_ephemerals, int32_t{-1}).header.error, ErrorCode::ok);
  const Frame synced = client.call(OpCode::sync, int32_t{-1});
  EXPECT_EQ(synced.header.error, ErrorCode::ok);
  EXPECT_EQ(synced.body, "\xFF\xFF\xFF\xFF");  // it comes back as it was sent
}

// --- permissions

TEST_F(FrontEndTest, PermissionsOfEachRead) {
  TestClient owner = connected();
  TestClient other = connected();
  ASSERT_EQ(owner.authenticate("digest", "u:p"), ErrorCode::ok);
  const std::string id = digest_id("u:p");
  ASSERT_EQ(owner.create("/hidden", "x", {}, {{31, {"auth", ""}}}), ErrorCode::ok);
  EXPECT_EQ(owner.call(OpCode::get_data, PathWatchRequest{"/hidden"}).header.error, ErrorCode::ok);
  for (OpCode op : {OpCode::get_data, OpCode::get_children, OpCode::get_children2}) {
    EXPECT_EQ(other.call(op, PathWatchRequest{"/hidden", true}).header.error, ErrorCode::no_auth);
  }
  EXPECT_EQ(other.call(OpCode::get_all_children_number, PathRequest{"/hidden"}).header.error, ErrorCode::no_auth);
  EXPECT_EQ(other.call(OpCode::get_acl, PathRequest{"/hidden"}).header.error, ErrorCode::no_auth);
  EXPECT_EQ(other.call(OpCode::exists, PathWatchRequest{"/hidden"}).header.error, ErrorCode::ok);
  EXPECT_EQ(server->watch_count(), 0u);  // a refused read sets no watch

  ASSERT_EQ(owner.create("/shared", "", {}, {{1, {"world", "anyone"}}, {31, {"digest", id}}}), ErrorCode::ok);
  const Frame seen = other.call(OpCode::get_acl, PathRequest{"/shared"});
  EXPECT_EQ(body_of<wire::GetAclResponse>(seen).acl[1].id.id, "u:x");  // CVE-2019-0201
  const Frame full = owner.call(OpCode::get_acl, PathRequest{"/shared"});
  EXPECT_EQ(body_of<wire::GetAclResponse>(full).acl[1].id.id, id);
}

TEST_F(FrontEndTest, WhoAmIAndSuper) {
  start({.super_digest = digest_id("super:secret")});
  TestClient client = connected("::ffff:10.1.2.3");
  client.authenticate("digest", "u:p");
  client.authenticate("digest", "super:secret");
  const Frame frame = client.call(OpCode::who_am_i);
  EXPECT_THAT(body_of<wire::WhoAmIResponse>(frame).clients,
              ElementsAre(wire::ClientInfo{"ip", "10.1.2.3"}, wire::ClientInfo{"digest", "u"},
                          wire::ClientInfo{"super", ""}, wire::ClientInfo{"digest", "super"}));
  TestClient owner = connected();
  owner.authenticate("digest", "o:p");
  owner.create("/hidden", "x", {}, {{31, {"auth", ""}}});
  EXPECT_EQ(client.call(OpCode::get_data, PathWatchRequest{"/hidden"}).header.error, ErrorCode::ok);
}

TEST_F(FrontEndTest, FailedAuthenticationClosesAfterItsReply) {
  for (const char* scheme : {"world", "auth", "super", "nosuch"}) {
    TestClient client = connected();
    EXPECT_EQ(client.authenticate(scheme, "x"), ErrorCode::auth_failed);
    EXPECT_TRUE(client.closed());
  }
  EXPECT_EQ(server->statistics().auth_failed, 4u);
}

TEST_F(FrontEndTest, AuthIsAnsweredBeforeWritesThatWait) {
  TestClient client = connected();
  gateway.hold = true;
  client.send_raw(TestClient::request(1, OpCode::create, wire::CreateRequest{"/a", "", kOpen}));
  EXPECT_EQ(client.authenticate("digest", "u:p"), ErrorCode::ok);
}

// --- what is not served

TEST_F(FrontEndTest, DeniedOpcodesAnswerUnimplementedAndClose) {
  for (int32_t op : {0, -1, -10, 10, 23, 55, 108, INT32_MAX, INT32_MIN}) {
    TestClient client = connected();
    const Frame frame = client.call(static_cast<OpCode>(op));
    EXPECT_EQ(frame.header.error, ErrorCode::unimplemented) << op;
    EXPECT_EQ(frame.header.zxid, wire::kNotificationZxid) << op;  // -1, as UnimplementedRequestProcessor sends
    EXPECT_TRUE(client.closed()) << op;
  }
}

TEST_F(FrontEndTest, DeleteContainerIsTheCellsOwn) {
  TestClient client = connected();
  client.call(OpCode::create_container, wire::CreateRequest{"/c", "", kOpen, CreateMode::container});
  EXPECT_EQ(client.call(OpCode::delete_container, PathRequest{"/c"}).header.error, ErrorCode::bad_arguments);
  EXPECT_EQ(client.call(OpCode::exists, PathWatchRequest{"/c"}).header.error, ErrorCode::ok);
}

// Without SASL configured ZooKeeper answers any token with a null one, at once, and goes on.
TEST_F(FrontEndTest, SaslIsAnsweredWithoutAToken) {
  TestClient client = connected();
  gateway.hold = true;
  client.send_raw(TestClient::request(1, OpCode::create, wire::CreateRequest{"/a", "", kOpen}));
  const Frame frame = client.call(OpCode::sasl, BytesView("token"));
  EXPECT_EQ(frame.header.error, ErrorCode::ok);
  EXPECT_EQ(frame.header.zxid, Zxid());
  EXPECT_EQ(frame.body, "\xFF\xFF\xFF\xFF");
  gateway.let_go();
  executor.run();
  EXPECT_EQ(client.next().header.xid, 1);
  EXPECT_FALSE(client.closed());
}

TEST_F(FrontEndTest, SaslWithoutATokenClosesTheConnection) {
  for (const Bytes& body : {Bytes(), Bytes("\xFF\xFF\xFF\xFF"), Bytes("\0\0\0\x09", 4)}) {
    TestClient client = connected();
    Bytes frame;
    FrameWriter writer(&frame);
    wire::Writer(&frame).put(wire::RequestHeader{.xid = 2, .op = OpCode::sasl});
    frame += body;
    writer.finish();
    client.send_raw(frame);
    EXPECT_TRUE(client.quiet());
    EXPECT_TRUE(client.closed());
  }
}

TEST_F(FrontEndTest, ReconfigIsDisabledUnlessAllowed) {
  TestClient client = connected();
  const wire::ReconfigRequest request{.joining_servers = "server.2=b:1:2;3"};
  EXPECT_EQ(client.call(OpCode::reconfig, request).header.error, ErrorCode::reconfig_disabled);
  EXPECT_FALSE(client.closed());
}

TEST_F(FrontEndTest, ReconfigSaysWhichMembersAreWantedAndShowsThem) {
  start({.reconfig_enabled = true, .super_digest = "super:D/InIHSb7yEEbrWz8b9l71RjZJU="});
  TestClient client = connected();
  const wire::ReconfigRequest request{
      .joining_servers = "server.2=b:1:2;3,4=d:1:2:observer", .leaving_servers = "3,5", .current_config_id = 7};
  EXPECT_EQ(client.call(OpCode::reconfig, request).header.error, ErrorCode::no_auth)
      << "it is evaluated as a write of the node that shows them";
  EXPECT_EQ(client.authenticate("digest", "super:test"), ErrorCode::ok);
  const auto reply = client.call(OpCode::reconfig, request);
  EXPECT_EQ(reply.header.error, ErrorCode::ok);
  wire::Reader in(reply.body);
  const auto shown = in.get<wire::GetDataResponse>();
  EXPECT_EQ(shown.stat.version, -1);
  EXPECT_EQ(shown.stat.mzxid, reply.header.zxid);

  const auto& wanted = std::get<state::ReconfigRequest>(gateway.requests.back().body);
  EXPECT_FALSE(wanted.whole);
  EXPECT_EQ(wanted.version, 7);
  EXPECT_EQ(wanted.leaving, (std::vector{ReplicaId(3), ReplicaId(5)}));
  ASSERT_EQ(wanted.joining.size(), 2u);
  const state::MemberAddress address{.peers = {{"b", 1}}, .election_port = 2, .client = state::HostPort{"", 3}};
  EXPECT_EQ(wanted.joining[0], (state::ReconfigRequest::Joining{ReplicaId(2), true, address}));
  EXPECT_FALSE(wanted.joining[1].voter);
}

TEST_F(FrontEndTest, ReconfigThatCannotBeReadIsRefused) {
  start({.reconfig_enabled = true});
  TestClient client = connected();
  for (const wire::ReconfigRequest& request : {
           wire::ReconfigRequest{.joining_servers = "server.2=x"},
           wire::ReconfigRequest{.leaving_servers = "none"},
           wire::ReconfigRequest{.leaving_servers = "3", .new_members = "server.1=a:1:2;3"},
       }) {
    EXPECT_EQ(client.call(OpCode::reconfig, request).header.error, ErrorCode::bad_arguments);
  }
  EXPECT_EQ(client.call(OpCode::reconfig, wire::PathRequest{"x"}).header.error, ErrorCode::marshalling_error);
}

}  // namespace
}  // namespace conclave::frontend::zookeeper
