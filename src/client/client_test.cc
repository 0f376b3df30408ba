#include <algorithm>
#include <gmock/gmock.h>

#include "client/testing_client.h"

namespace conclave::client {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST_F(ClientTest, HandshakeOfANewSession) {
  server = network.accept();
  const auto frames = raw_frames();
  ASSERT_EQ(frames.size(), 1u);
  const ConnectRequest request = connect_request(frames[0]);
  EXPECT_EQ(request.session, SessionId(0));
  EXPECT_EQ(request.timeout_ms, 10'000);
  EXPECT_EQ(request.password, Bytes(16, '\0'));
  EXPECT_EQ(request.read_only, false);
  welcome(42, 6'000);
  EXPECT_THAT(states, ElementsAre(SessionState::connected));
  EXPECT_EQ(client->session(), SessionId(42));
  EXPECT_EQ(client->session_timeout(), Duration::millis(6'000));
}

TEST_F(ClientTest, ReadOnlyServer) {
  server = network.accept();
  welcome(42, 6'000, true);
  EXPECT_EQ(client->state(), SessionState::connected_read_only);
}

TEST_F(ClientTest, RequestsWaitForTheConnectionAndKeepTheirOrder) {
  client->get("/x", nullptr, record<NodeData>("get"));
  client->set("/x", "v", 3, record<Stat>("set"));
  server = network.accept();
  EXPECT_EQ(raw_frames().size(), 1u);  // the connect request alone
  welcome();
  const auto sent = requests();
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(sent[0].header, (RequestHeader{.xid = 1, .op = OpCode::get_data}));
  EXPECT_EQ(sent[1].header, (RequestHeader{.xid = 2, .op = OpCode::set_data}));
  reply(1, ErrorCode::ok, GetDataResponse{.data = "v", .stat = {}});
  reply(2, ErrorCode::bad_version);
  EXPECT_THAT(log, ElementsAre("get: ok", "set: bad version"));
  EXPECT_EQ(client->last_zxid(), Zxid(102));
}

TEST_F(ClientTest, EveryOperationOnTheWireAndBack) {
  connect();
  Stat stat;
  stat.version = 7;
  std::vector<std::string> results;

  client->create("/c", "d", {.mode = CreateMode::ephemeral_sequential, .ttl_ms = 0, .acl = {{1, "ip", "::1"}}},
                 [&](Outcome<Created> r) { results.push_back(r->path + std::to_string(r->stat.version)); });
  client->create("/c", "d", {.mode = CreateMode::container, .ttl_ms = 0, .acl = {}}, record<Created>("container"));
  client->create("/c", "d", {.mode = CreateMode::persistent_with_ttl, .ttl_ms = 500, .acl = {}},
                 record<Created>("ttl"));
  client->remove("/r", 4, record<void>("remove"));
  client->exists("/e", nullptr, [&](Outcome<Stat> r) { results.push_back(std::to_string(r->version)); });
  client->get("/g", nullptr, [&](Outcome<NodeData> r) { results.push_back(r->data); });
  client->children("/k", nullptr, [&](Outcome<Children> r) { results.push_back(r->names.at(1)); });
  client->set("/s", "d", 2, [&](Outcome<Stat> r) { results.push_back(std::to_string(r->version)); });
  client->get_acl("/a", [&](Outcome<NodeAcl> r) { results.push_back(r->acl.at(0).id); });
  client->set_acl("/a", {{3, "world", "anyone"}}, 1, record<Stat>("set_acl"));
  client->sync("/y", record<void>("sync"));
  client->count_descendants("/n", [&](Outcome<int32_t> r) { results.push_back(std::to_string(*r)); });
  client->ephemerals("/p", [&](Outcome<std::vector<std::string>> r) { results.push_back(r->at(0)); });
  client->who_am_i([&](Outcome<std::vector<Identity>> r) { results.push_back(r->at(0).scheme + r->at(0).id); });
  client->add_watch("/w", AddWatchMode::persistent, watch("w"), record<void>("add_watch"));
  client->remove_watches("/w", WatcherType::any, record<void>("remove_watches"));

  const auto sent = requests();
  std::vector<OpCode> ops;
  for (const Frame& request : sent) ops.push_back(request.header.op);
  using enum OpCode;
  EXPECT_THAT(ops, ElementsAre(create2, create_container, create_ttl, delete_node, exists, get_data, get_children2,
                               set_data, get_acl, set_acl, sync, get_all_children_number, get_ephemerals, who_am_i,
                               add_watch, remove_watches));
  Reader create_body(sent[0].body);
  const auto created = create_body.get<wire::zookeeper::CreateRequest>();
  EXPECT_EQ(created.path, "/c");
  EXPECT_EQ(created.data, "d");
  EXPECT_EQ(created.mode, CreateMode::ephemeral_sequential);
  EXPECT_THAT(created.acl, ElementsAre(wire::zookeeper::Acl{.permissions = 1, .id = {.scheme = "ip", .id = "::1"}}));
  Reader ttl_body(sent[2].body);
  EXPECT_EQ(ttl_body.get<CreateTtlRequest>().ttl_ms, 500);

  const wire::zookeeper::Acl acl{.permissions = 31, .id = {.scheme = "world", .id = "anyone"}};
  reply(1, ErrorCode::ok, Create2Response{.path = "/c0", .stat = stat});
  reply(2, ErrorCode::ok, Create2Response{.path = "/c", .stat = stat});
  reply(3, ErrorCode::unimplemented);
  reply(4, ErrorCode::not_empty);
  reply(5, ErrorCode::ok, StatResponse{stat});
  reply(6, ErrorCode::ok, GetDataResponse{.data = "data", .stat = stat});
  reply(7, ErrorCode::ok, GetChildren2Response{.children = {"one", "two"}, .stat = stat});
  reply(8, ErrorCode::ok, StatResponse{stat});
  reply(9, ErrorCode::ok, GetAclResponse{.acl = {acl}, .stat = stat});
  reply(10, ErrorCode::ok, StatResponse{stat});
  reply(11, ErrorCode::ok, PathResponse{"/y"});
  reply(12, ErrorCode::ok, GetAllChildrenNumberResponse{12});
  reply(13, ErrorCode::ok, GetEphemeralsResponse{{"/p/e"}});
  reply(14, ErrorCode::ok, WhoAmIResponse{{ClientInfo{.scheme = "ip", .user = "127.0.0.1"}}});
  reply(15, ErrorCode::ok, ErrorResponse{});
  reply(16, ErrorCode::ok);
  EXPECT_THAT(results, ElementsAre("/c07", "7", "data", "two", "7", "anyone", "12", "/p/e", "ip127.0.0.1"));
  EXPECT_THAT(log, ElementsAre("container: ok", "ttl: unimplemented", "remove: node has children", "set_acl: ok",
                               "sync: ok", "add_watch: ok", "remove_watches: ok"));
}

TEST_F(ClientTest, LostConnectionFailsWhatWasSentAndKeepsTheSession) {
  connect();
  client->set("/x", "v", kAnyVersion, record<Stat>("sent"));
  requests();
  server->close("connection reset");
  loop.drain();
  EXPECT_THAT(log, ElementsAre("sent: connection loss"));
  EXPECT_EQ(client->state(), SessionState::connecting);
  EXPECT_THAT(client->last_failure(), HasSubstr("connection reset"));
  EXPECT_TRUE(server->destroyed);

  client->set("/x", "v", kAnyVersion, record<Stat>("waits"));
  loop.advance(Duration::millis(1'000));
  const env::Address first = server->peer;
  server = network.accept();
  EXPECT_NE(server->peer, first);  // another server
  const Bytes handshake = raw_frames().at(0);
  const ConnectRequest request = connect_request(handshake);  // views into it
  EXPECT_EQ(request.session, SessionId(77));
  EXPECT_EQ(request.password, "0123456789abcdef");
  welcome();
  ASSERT_EQ(requests().size(), 1u);
  reply(2, ErrorCode::ok, StatResponse{});
  EXPECT_THAT(log, ElementsAre("sent: connection loss", "waits: ok"));
  EXPECT_THAT(states, ElementsAre(SessionState::connected, SessionState::connecting, SessionState::connected));
}

TEST_F(ClientTest, UnreachableServersAreTriedInTurnWithPauses) {
  std::vector<env::Address> tried;
  for (int i = 0; i < 6; ++i) {
    ASSERT_EQ(network.attempts.size(), 1u) << i;
    tried.push_back(network.attempts.front().address);
    network.refuse("refused");
    loop.advance(Duration::millis(0));
    if (i % 3 == 2) {
      EXPECT_TRUE(network.attempts.empty()) << "no pause after a whole round";
      loop.advance(Duration::millis(1'000));
    }
  }
  EXPECT_EQ(std::vector(tried.begin(), tried.begin() + 3), std::vector(tried.begin() + 3, tried.end()));
  std::sort(tried.begin(), tried.begin() + 3);
  EXPECT_THAT(std::vector(tried.begin(), tried.begin() + 3),
              ElementsAre(env::Address{"a", 1}, env::Address{"b", 2}, env::Address{"c", 3}));
}

TEST_F(ClientTest, QueuedRequestsGiveUpAfterOneSessionTimeout) {
  client->sync("/", record<void>("sync"));
  for (int i = 0; i < 40 && log.empty(); ++i) {
    if (!network.attempts.empty()) network.refuse("refused");
    loop.advance(Duration::millis(500));
  }
  EXPECT_THAT(log, ElementsAre("sync: connection loss"));
  EXPECT_GE(loop.now() - Instant{1'000'000}, Duration::seconds(10));
}

TEST_F(ClientTest, ExpiredSessionIsFinal) {
  connect();
  client->sync("/", record<void>("before"));
  server->close("bye");
  loop.drain();
  client->sync("/", record<void>("queued"));
  loop.advance(Duration::millis(1'000));
  server = network.accept();
  welcome(0, 0);
  EXPECT_THAT(states, testing::Contains(SessionState::expired));
  client->sync("/", record<void>("after"));
  loop.drain();
  EXPECT_THAT(log, ElementsAre("before: connection loss", "queued: session expired", "after: session expired"));
  loop.advance(Duration::seconds(60));
  EXPECT_TRUE(network.attempts.empty());
  EXPECT_EQ(loop.timers(), 0u);
}

TEST_F(ClientTest, PingsWhileIdleAndNoticesASilentServer) {
  connect();  // timeout 9 s
  loop.advance(Duration::millis(2'999));
  EXPECT_THAT(requests(), IsEmpty());
  loop.advance(Duration::millis(1));
  auto sent = requests();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].header, (RequestHeader{.xid = kXidPing, .op = OpCode::ping}));
  reply(kXidPing, ErrorCode::ok);
  loop.advance(Duration::millis(5'999));
  EXPECT_EQ(client->state(), SessionState::connected);
  loop.advance(Duration::millis(1));
  EXPECT_EQ(client->state(), SessionState::connecting);
  EXPECT_THAT(client->last_failure(), HasSubstr("silent for 6000 ms"));
}

TEST_F(ClientTest, SilentHandshakeTriesTheNextServer) {
  server = network.accept();
  loop.advance(Duration::millis(2'000));
  EXPECT_THAT(client->last_failure(), HasSubstr("no answer to the connect request"));
  EXPECT_EQ(network.attempts.size(), 1u);
}

// ZK-07: the event reaches the watcher before the reply that shows the change.
TEST_F(ClientTest, WatchFiresOnceAndBeforeTheNextRead) {
  connect();
  client->get("/x", watch("watch"), record<NodeData>("first"));
  reply(1, ErrorCode::ok, GetDataResponse{});
  client->get("/x", nullptr, record<NodeData>("second"));
  notify(EventType::node_data_changed, "/x");
  reply(2, ErrorCode::ok, GetDataResponse{});
  notify(EventType::node_data_changed, "/x");
  EXPECT_THAT(log, ElementsAre("first: ok", "watch: " + std::string(to_string(EventType::node_data_changed)) + " /x",
                               "second: ok"));
}

TEST_F(ClientTest, WatchesAreSetWhereTheCallSucceedsOnly) {
  connect();
  client->get("/no", watch("get"), record<NodeData>("get"));
  client->exists("/no", watch("exists"), record<Stat>("exists"));
  reply(1, ErrorCode::no_node);
  reply(2, ErrorCode::no_node);
  log.clear();
  notify(EventType::node_created, "/no");
  EXPECT_EQ(log.size(), 1u);
  EXPECT_THAT(log.front(), HasSubstr("exists: "));
}

TEST_F(ClientTest, WatchesAndIdentitiesFollowToTheNextServer) {
  connect();
  client->add_auth("digest", "u:p", record<void>("auth"));
  EXPECT_EQ(requests().at(0).header, (RequestHeader{.xid = kXidAuth, .op = OpCode::auth}));
  reply(kXidAuth, ErrorCode::ok);
  client->get("/d", watch("d"), record<NodeData>("d"));
  client->exists("/e", watch("e"), record<Stat>("e"));
  client->children("/c", watch("c"), record<Children>("c"));
  client->add_watch("/p", AddWatchMode::persistent, watch("p"), record<void>("p"));
  client->add_watch("/r", AddWatchMode::persistent_recursive, watch("r"), record<void>("r"));
  reply(1, ErrorCode::ok, GetDataResponse{});
  reply(2, ErrorCode::no_node);
  reply(3, ErrorCode::ok, GetChildren2Response{});
  reply(4, ErrorCode::ok, ErrorResponse{});
  reply(5, ErrorCode::ok, ErrorResponse{});
  const Zxid seen = client->last_zxid();
  client->sync("/", record<void>("lost"));
  server->close("bye");
  client->sync("/", record<void>("queued"));
  loop.advance(Duration::millis(1'000));
  connect();
  const auto sent = requests();
  ASSERT_EQ(sent.size(), 3u);
  EXPECT_EQ(sent[0].header.op, OpCode::auth);
  EXPECT_EQ(sent[1].header, (RequestHeader{.xid = kXidSetWatches, .op = OpCode::set_watches2}));
  EXPECT_EQ(sent[2].header.op, OpCode::sync);
  Reader body(sent[1].body);
  const auto set = body.get<SetWatches2Request>();
  EXPECT_TRUE(body.done());
  EXPECT_EQ(set.relative_zxid, seen);
  EXPECT_THAT(set.data, ElementsAre("/d"));
  EXPECT_THAT(set.exists, ElementsAre("/e"));
  EXPECT_THAT(set.children, ElementsAre("/c"));
  EXPECT_THAT(set.persistent, ElementsAre("/p"));
  EXPECT_THAT(set.persistent_recursive, ElementsAre("/r"));
}

TEST_F(ClientTest, RefusedIdentityEndsTheSession) {
  connect();
  client->add_auth("digest", "u:p", record<void>("auth"));
  client->sync("/", record<void>("sync"));
  reply(kXidAuth, ErrorCode::auth_failed);
  EXPECT_THAT(states.back(), SessionState::auth_failed);
  client->add_auth("digest", "u:p", record<void>("again"));
  loop.drain();
  EXPECT_EQ(log.size(), 3u);
  EXPECT_THAT(log, testing::Contains("auth: " + std::string(to_string(ErrorCode::auth_failed))));
}

// Whatever a broken server sends costs it the connection, and the client goes on elsewhere.
TEST_F(ClientTest, ProtocolViolations) {
  const std::pair<Bytes, const char*> cases[] = {
      {frame(ReplyHeader{.xid = 99, .zxid = {}, .error = ErrorCode::ok}), "reply 99 instead of"},
      {frame(int32_t{1}), "a reply without a whole header"},
      {frame(ReplyHeader{.xid = kXidNotification, .zxid = {}, .error = ErrorCode::ok}), "a malformed watch event"},
      {frame(ReplyHeader{.xid = kXidAuth, .zxid = {}, .error = ErrorCode::ok}), "that nobody asked for"},
      {Bytes("\xff\xff\xff\xff", 4), "-1"},
  };
  for (const auto& [bytes, reason] : cases) {
    connect();
    client->sync("/", record<void>("sync"));
    send(bytes);
    EXPECT_THAT(client->last_failure(), HasSubstr(reason));
    EXPECT_EQ(client->state(), SessionState::connecting) << reason;
    loop.advance(Duration::millis(1'000));
  }
  server = network.accept();
  send(frame(int32_t{0}));
  EXPECT_THAT(client->last_failure(), HasSubstr("a malformed answer to the connect request"));
}

TEST_F(ClientTest, TruncatedBodyIsAnErrorAndCostsTheConnection) {
  connect();
  client->get("/x", nullptr, record<NodeData>("get"));
  reply(1, ErrorCode::ok, int32_t{100});
  EXPECT_EQ(log.front(), "get: " + std::string(to_string(ErrorCode::marshalling_error)));
  EXPECT_THAT(client->last_failure(), HasSubstr("a malformed body of reply 1"));
}

TEST_F(ClientTest, UnexpectedReply) {
  connect();
  reply(5, ErrorCode::ok);
  EXPECT_THAT(client->last_failure(), HasSubstr("a reply 5 that nobody waits for"));
}

TEST_F(ClientTest, CloseTellsTheCell) {
  connect();
  bool closed = false;
  client->close(Duration::seconds(1), [&] { closed = true; });
  const auto sent = requests();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].header.op, OpCode::close_session);
  EXPECT_FALSE(closed);
  reply(1, ErrorCode::ok);
  EXPECT_TRUE(closed);
  EXPECT_EQ(client->state(), SessionState::closed);
  EXPECT_TRUE(server->destroyed);
  EXPECT_EQ(loop.timers(), 0u);
}

TEST_F(ClientTest, CloseWithoutAnAnswerOrAConnection) {
  connect();
  int closed = 0;
  client->close(Duration::seconds(1), [&] { ++closed; });
  loop.advance(Duration::seconds(1));
  EXPECT_EQ(closed, 1);
  client->close(Duration::seconds(1), [&] { ++closed; });
  loop.drain();
  EXPECT_EQ(closed, 2);
}

TEST_F(ClientTest, DestroyedClientCallsNobody) {
  connect();
  client->sync("/", record<void>("sync"));
  client.reset();
  loop.advance(Duration::seconds(30));
  EXPECT_THAT(log, IsEmpty());
  EXPECT_TRUE(server->destroyed);
}

TEST_F(ClientTest, DestroyedWhileConnecting) {
  client.reset();
  server = network.accept();
  EXPECT_TRUE(server->destroyed);
}

}  // namespace
}  // namespace conclave::client
