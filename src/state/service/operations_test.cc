// Each operation, its effects on every field of the stat, and each of its errors in ZooKeeper 3.8's order of checks
// (PrepRequestProcessor, DataTree). ZK-04, ZK-05; B52 for the limits of counters.
#include <gtest/gtest.h>

#include "state/service/test_support.h"

namespace conclave::state::operations_test {
namespace {

using namespace testing;

const Identities kAlice = {{"digest", "alice:hash"}};
const Identities kBob = {{"digest", "bob:hash"}};
const Identities kSuper = {{"super", ""}};
Acl only_alice(uint32_t permissions) {
  return {{permissions, "digest", "alice:hash"}};
}

struct Operations : ::testing::Test {
  Cell cell;
  Operations() { cell.open(); }

  Code create(CreateRequest request, Identities who = {}) {
    if (request.acl.empty()) request.acl = kOpen;
    return cell.client(std::move(request), std::move(who)).code;
  }
  // /p, on which alice has `permissions` and nobody else has any.
  void guarded(uint32_t permissions) { ASSERT_EQ(create({.path = "/p", .acl = only_alice(permissions)}), Code::ok); }
};

TEST_F(Operations, AFreshCellHasZooKeepersOwnNodes) {
  Service fresh;
  EXPECT_EQ(fresh.node_count(), 4u);
  EXPECT_EQ(*fresh.children("/", {}), (std::vector<std::string_view>{"zookeeper"}));
  EXPECT_EQ(*fresh.children("/zookeeper", {}), (std::vector<std::string_view>{"config", "quota"}));
  EXPECT_EQ(*fresh.acl("/", {}), kOpen);
  EXPECT_EQ(*fresh.acl("/zookeeper/config", {}), (Acl{{kRead, "world", "anyone"}}));
  EXPECT_EQ(fresh.stat("/zookeeper/config", {})->aversion, -1);
  // ZooKeeper counts a child that was never created by a client: -1.
  EXPECT_EQ(fresh.stat("/", {})->cversion, -1);
  EXPECT_EQ(fresh.stat("/", {})->num_children, 1);
  EXPECT_EQ(fresh.stat("/zookeeper", {})->cversion, -2);
  EXPECT_EQ(fresh.last_zxid(), Zxid());
}

TEST_F(Operations, NullDataIsNotEmptyData) {
  const auto is_null = [&](std::string_view path) { return cell.service.get(path, {})->data_is_null; };
  const uint64_t before = cell.service.digest();
  cell.client(CreateRequest{.path = "/a", .acl = kOpen, .data_is_null = true});
  EXPECT_TRUE(is_null("/a"));
  EXPECT_EQ(cell.stat("/a").data_length, 0);
  EXPECT_EQ(cell.data("/a"), "");
  EXPECT_FALSE(is_null("/"));
  EXPECT_NE(cell.service.digest(), before);

  cell.client(SetDataRequest{.path = "/a", .data = ""});
  EXPECT_FALSE(is_null("/a"));
  cell.client(SetDataRequest{.path = "/a", .data = "x"});
  cell.client(SetDataRequest{.path = "/a", .data_is_null = true});
  EXPECT_TRUE(is_null("/a"));
  EXPECT_EQ(cell.stat("/a").data_length, 0);
  EXPECT_EQ(cell.stat("/a").version, 3);
  cell.client(SetAclRequest{.path = "/a", .acl = kOpen});
  EXPECT_TRUE(is_null("/a"));

  MultiRequest multi;
  multi.ops.push_back(CreateRequest{.path = "/m", .data = "x", .acl = kOpen});
  multi.ops.push_back(SetDataRequest{.path = "/m", .data_is_null = true});
  multi.ops.push_back(SetDataRequest{.path = "/a", .data = "y"});
  EXPECT_EQ(cell.client(multi).code, Code::ok);
  EXPECT_TRUE(is_null("/m"));
  EXPECT_FALSE(is_null("/a"));
}

// S1: replicas that differ in this alone must be told apart.
TEST_F(Operations, TheDigestCoversNullData) {
  Cell other;
  other.open();
  cell.client(CreateRequest{.path = "/a", .acl = kOpen, .data_is_null = true});
  other.client(CreateRequest{.path = "/a", .acl = kOpen});
  ASSERT_EQ(cell.service.last_zxid(), other.service.last_zxid());
  EXPECT_NE(cell.service.digest(), other.service.digest());
}

TEST_F(Operations, CreateFillsTheStat) {
  cell.now_ms = 5000;
  const Outcome outcome = cell.client(CreateRequest{.path = "/a", .data = "hello", .acl = kOpen});
  ASSERT_EQ(outcome.code, Code::ok);
  ASSERT_EQ(outcome.ops.size(), 1u);
  EXPECT_EQ(outcome.ops[0].kind, OpKind::create);
  EXPECT_EQ(outcome.ops[0].path, "/a");
  const Zxid zxid = cell.last_applied.zxid;
  const Stat expected{
      .czxid = zxid, .mzxid = zxid, .ctime_ms = 5000, .mtime_ms = 5000, .data_length = 5, .pzxid = zxid};
  EXPECT_EQ(outcome.ops[0].stat, expected);
  EXPECT_EQ(cell.stat("/a"), expected);
  EXPECT_EQ(cell.stat("/").pzxid, zxid);
  EXPECT_EQ(cell.stat("/").cversion, 0);
  EXPECT_EQ(cell.data("/a"), "hello");
}

TEST_F(Operations, ParentCountsCreatesAndDeletes) {
  cell.create("/a");
  cell.create("/a/x");
  EXPECT_EQ(cell.stat("/a").cversion, 1);
  EXPECT_EQ(cell.stat("/a").num_children, 1);
  cell.client(DeleteRequest{"/a/x"});
  EXPECT_EQ(cell.stat("/a").cversion, 2);
  EXPECT_EQ(cell.stat("/a").num_children, 0);
  EXPECT_EQ(cell.stat("/a").pzxid, cell.last_applied.zxid);
  EXPECT_EQ(cell.stat("/a").version, 0);
}

TEST_F(Operations, SequenceNumbersCountCreatesOnly) {
  cell.create("/a");
  const auto make = [&](const std::string& path) {
    return cell.client(CreateRequest{.path = path, .acl = kOpen, .sequential = true}).ops[0].path;
  };
  EXPECT_EQ(make("/a/n-"), "/a/n-0000000000");
  cell.create("/a/other");
  cell.client(DeleteRequest{"/a/other"});
  EXPECT_EQ(make("/a/n-"), "/a/n-0000000002");
  EXPECT_EQ(make("/a/"), "/a/0000000003");
}

TEST_F(Operations, SequenceNumbersEndAt31BitsWithoutWrapping) {  // B52, decisions: sequence numbers
  cell.create("/a");
  // Brings the counter near its limit as a fact of the log would.
  Transaction txn{.zxid = Zxid(Epoch(2), 1), .time_ms = 1, .facts = {EpochStartTxn{}}};
  cell.service.apply(txn);
  constexpr int64_t kNear = std::numeric_limits<int32_t>::max() - 1;
  txn.zxid = Zxid(Epoch(2), 2);
  txn.facts = {CreateTxn{
      .path = "/a/x", .acl = kOpen, .parent_cversion = static_cast<int32_t>(2u * kNear - 1), .parent_sequence = kNear}};
  cell.service.apply(txn);
  cell.next_epoch();
  const CreateRequest request{.path = "/a/n", .acl = kOpen, .sequential = true};
  EXPECT_EQ(cell.client(request).ops[0].path, "/a/n2147483646");
  EXPECT_EQ(cell.client(request).ops[0].path, "/a/n2147483647");
  EXPECT_EQ(cell.client(request).code, Code::system_error);
  EXPECT_EQ(cell.create("/a/plain"), Code::ok);
  EXPECT_EQ(cell.client(request).code, Code::system_error);
}

TEST_F(Operations, CreateErrors) {
  cell.create("/e", NodeKind::ephemeral);
  const struct {
    const char* what;
    CreateRequest request;
    Code code;
  } cases[] = {
      {"no slash", {.path = "a"}, Code::bad_arguments},
      {"empty", {.path = ""}, Code::bad_arguments},
      {"nul", {.path = std::string("/a\0b", 4)}, Code::bad_arguments},
      {"the root", {.path = "/"}, Code::node_exists},
      {"relative, no such parent", {.path = "a/b"}, Code::no_node},
      {"no parent", {.path = "/no/a"}, Code::no_node},
      {"no parent and malformed", {.path = "/no/."}, Code::no_node},
      {"dot", {.path = "/."}, Code::bad_arguments},
      {"dots", {.path = "/zookeeper/.."}, Code::bad_arguments},
      {"empty name", {.path = "//"}, Code::bad_arguments},
      {"trailing slash", {.path = "/zookeeper/"}, Code::bad_arguments},
      {"control character", {.path = "/a\x01"}, Code::bad_arguments},
      {"beyond the basic plane", {.path = "/\xF0\x9F\x98\x80"}, Code::bad_arguments},
      {"malformed UTF-8", {.path = "/\xC3"}, Code::bad_arguments},
      {"umlaut", {.path = "/\xC3\xA4"}, Code::ok},
      {"exists", {.path = "/zookeeper"}, Code::node_exists},
      {"under an ephemeral", {.path = "/e/x"}, Code::no_children_for_ephemerals},
      {"bad ACL before no parent", {.path = "/no/a", .acl = {{31, "nonsense", "x"}}}, Code::invalid_acl},
      {"bad path before bad ACL", {.path = "a", .acl = {{31, "nonsense", "x"}}}, Code::bad_arguments},
      {"ttl 0", {.path = "/t", .kind = NodeKind::ttl}, Code::bad_arguments},
      {"ttl negative", {.path = "/t", .kind = NodeKind::ttl, .ttl_ms = -1}, Code::bad_arguments},
      {"ttl too long", {.path = "/t", .kind = NodeKind::ttl, .ttl_ms = 0x100'0000'0000}, Code::bad_arguments},
      {"ttl longest", {.path = "/t", .kind = NodeKind::ttl, .ttl_ms = 0xFF'FFFF'FFFF}, Code::ok},
      {"ttl on another kind", {.path = "/u", .ttl_ms = 5}, Code::bad_arguments},
      {"container", {.path = "/c", .kind = NodeKind::container}, Code::ok},
      {"too deep",
       {.path =
            [] {
              std::string s;
              for (int i = 0; i < 257; ++i) s += "/a";
              return s;
            }()},
       Code::no_node},
      {"too long", {.path = "/" + std::string(4096, 'x')}, Code::bad_arguments},
  };
  for (const auto& c : cases) EXPECT_EQ(create(c.request), c.code) << c.what;
  EXPECT_EQ(cell.client(CreateRequest{.path = "/empty-acl"}).code, Code::invalid_acl);
}

TEST_F(Operations, CreatePermissions) {
  guarded(kCreate);
  EXPECT_EQ(create({.path = "/p/x"}), Code::no_auth);
  EXPECT_EQ(create({.path = "/p/."}), Code::no_auth);  // before the path is looked at
  EXPECT_EQ(create({.path = "/p/x"}, kBob), Code::no_auth);
  EXPECT_EQ(create({.path = "/p/x"}, kAlice), Code::ok);
  EXPECT_EQ(create({.path = "/p/x"}), Code::no_auth);  // before node_exists
  EXPECT_EQ(create({.path = "/p/y"}, kSuper), Code::ok);
}

TEST_F(Operations, ContainerAndTtlHideTheirOwner) {
  create({.path = "/c", .kind = NodeKind::container});
  create({.path = "/t", .kind = NodeKind::ttl, .ttl_ms = 500});
  create({.path = "/e", .kind = NodeKind::ephemeral});
  EXPECT_EQ(cell.stat("/c").ephemeral_owner, 0);  // DataNode.getClientEphemeralOwner
  EXPECT_EQ(cell.stat("/t").ephemeral_owner, 0);
  EXPECT_EQ(cell.stat("/e").ephemeral_owner, kClient.value);
}

TEST_F(Operations, ExtendedTypesCanBeOff) {
  Cell off(EvaluatorSettings{.extended_types = false});
  off.open();
  EXPECT_EQ(off.client(CreateRequest{.path = "/t", .acl = kOpen, .kind = NodeKind::ttl, .ttl_ms = 5}).code,
            Code::unimplemented);
  EXPECT_EQ(off.create("/c", NodeKind::container), Code::ok);
}

TEST_F(Operations, DeleteErrors) {
  cell.create("/a");
  cell.create("/a/x");
  const struct {
    const char* what;
    DeleteRequest request;
    Code code;
  } cases[] = {
      {"no slash", {"a"}, Code::bad_arguments},
      {"empty", {""}, Code::bad_arguments},
      {"the root", {"/"}, Code::bad_arguments},
      {"/zookeeper", {"/zookeeper"}, Code::bad_arguments},
      {"quota", {"/zookeeper/quota"}, Code::bad_arguments},
      {"config", {"/zookeeper/config"}, Code::bad_arguments},
      {"nul", {std::string("/a\0", 3)}, Code::bad_arguments},
      {"nothing there", {"/no"}, Code::no_node},
      {"no parent", {"/no/x"}, Code::no_node},
      {"malformed is not there", {"/a/"}, Code::no_node},
      {"version before children", {"/a", 7}, Code::bad_version},
      {"children", {"/a", 0}, Code::not_empty},
      {"ok", {"/a/x", 0}, Code::ok},
      {"gone", {"/a/x"}, Code::no_node},
      {"ok, any version", {"/a"}, Code::ok},
  };
  for (const auto& c : cases) EXPECT_EQ(cell.client(c.request).code, c.code) << c.what;
}

TEST_F(Operations, DeleteNeedsThePermissionOfTheParent) {
  guarded(kCreate);
  ASSERT_EQ(create({.path = "/p/x"}, kAlice), Code::ok);
  EXPECT_EQ(cell.client(DeleteRequest{"/p/x"}, kAlice).code, Code::no_auth);
  EXPECT_EQ(cell.client(DeleteRequest{"/p/no"}, kAlice).code, Code::no_auth);  // before no_node of the node itself
  EXPECT_EQ(cell.client(DeleteRequest{"/p"}).code, Code::not_empty);           // the root lets everybody
  EXPECT_EQ(cell.client(DeleteRequest{"/p/x"}, kSuper).code, Code::ok);
}

TEST_F(Operations, SetData) {
  cell.create("/a", NodeKind::persistent, "old");
  const Stat before = cell.stat("/a");
  cell.now_ms = 9000;
  const Outcome outcome = cell.client(SetDataRequest{"/a", "newer", 0});
  Stat expected = before;
  expected.mzxid = cell.last_applied.zxid;
  expected.mtime_ms = 9000;
  expected.version = 1;
  expected.data_length = 5;
  EXPECT_EQ(outcome.ops[0].stat, expected);
  EXPECT_EQ(cell.stat("/a"), expected);
  EXPECT_EQ(cell.client(SetDataRequest{"/a", "x", 0}).code, Code::bad_version);
  EXPECT_EQ(cell.client(SetDataRequest{"/a", "", kAnyVersion}).code, Code::ok);
  EXPECT_EQ(cell.stat("/a").version, 2);
  EXPECT_EQ(cell.stat("/a").data_length, 0);
}

TEST_F(Operations, SetDataErrors) {
  guarded(kRead);
  EXPECT_EQ(cell.client(SetDataRequest{"", ""}).code, Code::bad_arguments);
  EXPECT_EQ(cell.client(SetDataRequest{"a", ""}).code, Code::bad_arguments);
  EXPECT_EQ(cell.client(SetDataRequest{"/a/", ""}).code, Code::bad_arguments);
  EXPECT_EQ(cell.client(SetDataRequest{"/no", ""}).code, Code::no_node);
  EXPECT_EQ(cell.client(SetDataRequest{"/p", "", 9}, kAlice).code, Code::no_auth);  // before bad_version
  EXPECT_EQ(cell.client(SetDataRequest{"/zookeeper/config", "x"}).code, Code::no_auth);
  EXPECT_EQ(cell.client(SetDataRequest{"/", "x"}).code, Code::ok);
  EXPECT_EQ(cell.data("/"), "x");
}

TEST_F(Operations, TheCellWritesTheConfigurationWithoutAVersion) {
  cell.run({SessionId(), kSuper, SetDataRequest{"/zookeeper/config", "server.1=..."}});
  EXPECT_EQ(cell.stat("/zookeeper/config").version, -1);  // as ZooKeeper's reconfiguration
  EXPECT_EQ(cell.data("/zookeeper/config"), "server.1=...");
}

TEST_F(Operations, AReconfigurationWritesTheConfiguration) {
  EXPECT_EQ(cell.client(ReconfigRequest{.config = "x"}).code, Code::no_auth) << "its ACL is for reading";
  EXPECT_EQ(cell.client(ReconfigRequest{.config = "server.4=..."}, kSuper).code, Code::ok);
  EXPECT_EQ(cell.stat("/zookeeper/config").version, -1);
  EXPECT_EQ(cell.data("/zookeeper/config"), "server.4=...");
}

TEST_F(Operations, SetAcl) {
  cell.create("/a");
  const Stat before = cell.stat("/a");
  const Outcome outcome = cell.client(SetAclRequest{"/a", only_alice(kAllPermissions), 0});
  Stat expected = before;
  expected.aversion = 1;
  EXPECT_EQ(outcome.ops[0].stat, expected);
  EXPECT_TRUE(cell.last_applied.events.empty());
  EXPECT_EQ(*cell.service.acl("/a", kAlice), only_alice(kAllPermissions));
  EXPECT_EQ(cell.service.acl("/a", kBob).error(), Code::no_auth);
}

TEST_F(Operations, SetAclErrors) {
  guarded(kRead);
  EXPECT_EQ(cell.client(SetAclRequest{"a", {}}).code, Code::bad_arguments);
  EXPECT_EQ(cell.client(SetAclRequest{"/no", {}}).code, Code::invalid_acl);  // before no_node
  EXPECT_EQ(cell.client(SetAclRequest{"/no", kOpen}).code, Code::no_node);
  EXPECT_EQ(cell.client(SetAclRequest{"/p", kOpen, 9}, kAlice).code, Code::no_auth);  // before bad_version
  EXPECT_EQ(cell.client(SetAclRequest{"/p", kOpen, 9}, kSuper).code, Code::bad_version);
}

TEST_F(Operations, Check) {
  cell.create("/a");
  EXPECT_EQ(cell.client(CheckRequest{"/a", 0}).code, Code::ok);
  EXPECT_TRUE(cell.refused) << "a check that holds costs no log entry";
  EXPECT_EQ(cell.client(CheckRequest{"/a"}).code, Code::ok);
  EXPECT_EQ(cell.client(CheckRequest{"/a", 1}).code, Code::bad_version);
  EXPECT_EQ(cell.client(CheckRequest{"/a", INT32_MAX}).code, Code::bad_version);
  EXPECT_EQ(cell.client(CheckRequest{"/a", INT32_MIN}).code, Code::bad_version);
  EXPECT_EQ(cell.client(CheckRequest{"/no"}).code, Code::no_node);
  EXPECT_EQ(cell.client(CheckRequest{"no"}).code, Code::bad_arguments);
  guarded(kWrite);
  EXPECT_EQ(cell.client(CheckRequest{"/p", 9}, kAlice).code, Code::no_auth);
}

TEST_F(Operations, MultiIsAllOrNothing) {
  cell.create("/a");
  const Outcome ok = cell.client(
      MultiRequest{{CheckRequest{"/a", 0}, CreateRequest{.path = "/a/x", .acl = kOpen}, SetDataRequest{"/a/x", "1", 0},
                    DeleteRequest{"/a/x", 1}, CreateRequest{.path = "/a/n", .acl = kOpen, .sequential = true}}});
  ASSERT_EQ(ok.code, Code::ok);
  ASSERT_EQ(ok.ops.size(), 5u);
  EXPECT_EQ(ok.ops[0].kind, OpKind::check);
  EXPECT_EQ(ok.ops[1].stat.version, 0);
  EXPECT_EQ(ok.ops[2].stat.version, 1);
  EXPECT_EQ(ok.ops[3].kind, OpKind::remove);
  EXPECT_EQ(ok.ops[4].path, "/a/n0000000001");
  EXPECT_EQ(ok.ops[4].stat.czxid, cell.last_applied.zxid);

  const uint64_t digest = cell.service.digest();
  const Outcome bad = cell.client(
      MultiRequest{{CreateRequest{.path = "/b", .acl = kOpen}, CheckRequest{"/a", 7}, DeleteRequest{"/a"}}});
  EXPECT_TRUE(cell.refused);
  EXPECT_EQ(bad.code, Code::bad_version);
  ASSERT_EQ(bad.ops.size(), 3u);
  EXPECT_EQ(bad.ops[0].code, Code::ok);
  EXPECT_EQ(bad.ops[1].code, Code::bad_version);
  EXPECT_EQ(bad.ops[2].code, Code::runtime_inconsistency);
  EXPECT_EQ(cell.service.digest(), digest);
  // Nothing of it is left in the speculative view either.
  EXPECT_EQ(cell.create("/b"), Code::ok);
  EXPECT_EQ(cell.client(CreateRequest{.path = "/a/n", .acl = kOpen, .sequential = true}).ops[0].path, "/a/n0000000002");
  EXPECT_EQ(cell.client(MultiRequest{}).code, Code::ok);
}

TEST_F(Operations, LimitsOfWhatIsProposed) {
  Cell small(EvaluatorSettings{.transaction_bytes_max = 2000, .multi_ops_max = 2});
  small.open();
  EXPECT_EQ(small.create("/a", NodeKind::persistent, Bytes(3000, 'x')), Code::bad_arguments);
  EXPECT_EQ(small.create("/a", NodeKind::persistent, Bytes(1500, 'x')), Code::ok);
  EXPECT_EQ(small.create("/b", NodeKind::persistent, Bytes(1900, 'x')), Code::ok) << "exact, not by estimate";
  const Outcome many = small.client(MultiRequest{{CheckRequest{"/a"}, CheckRequest{"/a"}, CheckRequest{"/a"}}});
  EXPECT_EQ(many.code, Code::bad_arguments);
  EXPECT_EQ(many.ops.size(), 3u);
  const Outcome large =
      small.client(MultiRequest{{SetDataRequest{"/a", Bytes(1200, 'x')}, SetDataRequest{"/a", Bytes(1200, 'x')}}});
  EXPECT_EQ(large.code, Code::bad_arguments);
  EXPECT_EQ(small.stat("/a").version, 0);
  EXPECT_EQ(small.client(SetDataRequest{"/a", "x", 0}).code, Code::ok);
}

TEST_F(Operations, SkippedAclChecks) {
  Cell open(EvaluatorSettings{.skip_acl = true});
  open.open();
  ASSERT_EQ(open.client(CreateRequest{.path = "/p", .acl = only_alice(kRead)}).code, Code::ok);
  EXPECT_EQ(open.client(SetDataRequest{"/p", "x"}).code, Code::ok);
  EXPECT_EQ(open.client(CreateRequest{.path = "/q", .acl = {{31, "nonsense", ""}}}).code, Code::invalid_acl);
}

TEST_F(Operations, ReapingIsCheckedAgain) {
  const auto reap = [&](const std::string& path) { return cell.run({SessionId(), {}, ReapRequest{path}}).code; };
  create({.path = "/c", .kind = NodeKind::container});
  create({.path = "/t", .kind = NodeKind::ttl, .ttl_ms = 500});
  create({.path = "/n"});
  EXPECT_EQ(cell.client(ReapRequest{"/c"}).code, Code::unimplemented);
  EXPECT_EQ(reap("/c"), Code::bad_version) << "it never had a child";
  EXPECT_TRUE(cell.service.due_for_reaping(1000).empty());
  cell.create("/c/x");
  EXPECT_EQ(reap("/c"), Code::not_empty);
  cell.client(DeleteRequest{"/c/x"});
  EXPECT_EQ(cell.service.due_for_reaping(1000), (std::vector<std::string>{"/c"}));
  EXPECT_EQ(reap("/c"), Code::ok);
  EXPECT_FALSE(cell.service.exists("/c"));
  EXPECT_EQ(reap("/n"), Code::bad_version);
  EXPECT_EQ(reap("/no"), Code::no_node);
  EXPECT_EQ(reap("/"), Code::bad_arguments);
  EXPECT_TRUE(cell.service.due_for_reaping(1500).empty()) << "exactly its time is not past it";
  EXPECT_EQ(cell.service.due_for_reaping(1501), (std::vector<std::string>{"/t"}));
  cell.now_ms = 1500;
  EXPECT_EQ(reap("/t"), Code::bad_version);
  cell.now_ms = 1501;
  EXPECT_EQ(reap("/t"), Code::ok);
}

TEST_F(Operations, EventsInZooKeepersOrder) {  // ZK-07
  using enum NodeEventKind;
  const auto kinds = [&] {
    std::vector<std::pair<NodeEventKind, std::string>> out;
    for (const NodeEvent& event : cell.last_applied.events) out.emplace_back(event.kind, event.path);
    return out;
  };
  using Events = std::vector<std::pair<NodeEventKind, std::string>>;
  cell.create("/a");
  EXPECT_EQ(kinds(), (Events{{created, "/a"}, {children_changed, "/"}}));
  cell.create("/a/b");
  EXPECT_EQ(kinds(), (Events{{created, "/a/b"}, {children_changed, "/a"}}));
  cell.client(SetDataRequest{"/a/b", "x"});
  EXPECT_EQ(kinds(), (Events{{data_changed, "/a/b"}}));
  cell.client(SetAclRequest{"/a/b", only_alice(kRead)});
  EXPECT_EQ(kinds(), Events{});
  cell.client(DeleteRequest{"/a/b"});
  EXPECT_EQ(kinds(), (Events{{deleted, "/a/b"}, {children_changed, "/a"}}));
  EXPECT_EQ(*cell.last_applied.events[0].acl, only_alice(kRead)) << "the ACL that the node had";
  EXPECT_EQ(*cell.last_applied.events[1].acl, kOpen);
  cell.create("/a/e", NodeKind::ephemeral);
  cell.create("/f", NodeKind::ephemeral);
  cell.client(CloseSessionRequest{});
  EXPECT_EQ(kinds(), (Events{{deleted, "/a/e"}, {children_changed, "/a"}, {deleted, "/f"}, {children_changed, "/"}}));
}

TEST_F(Operations, Reads) {
  guarded(kRead);
  create({.path = "/p2", .acl = only_alice(kAdmin)});
  EXPECT_EQ(cell.service.get("/no", {}).error(), Code::no_node);
  EXPECT_EQ(cell.service.get("no", {}).error(), Code::no_node);
  EXPECT_EQ(cell.service.get("/p", {}).error(), Code::no_auth);
  EXPECT_TRUE(cell.service.get("/p", kAlice));
  EXPECT_TRUE(cell.service.get("", {})) << "ZooKeeper's alias of the root";
  EXPECT_TRUE(cell.service.stat("/p", {})) << "exists asks for no permission";
  EXPECT_EQ(cell.service.stat("/no", {}).error(), Code::no_node);
  EXPECT_EQ(cell.service.stat(std::string_view("/a\0b", 4), {}).error(), Code::bad_arguments);
  EXPECT_EQ(cell.service.children("/p", {}).error(), Code::no_auth);
  EXPECT_EQ(cell.service.children("/no", {}).error(), Code::no_node);
  EXPECT_EQ(cell.service.acl("/p", {}).error(), Code::no_auth);
  EXPECT_EQ(cell.service.acl("/p", kAlice)->at(0).id, "alice:x") << "read without admin: the hash is hidden";
  EXPECT_EQ(cell.service.acl("/p2", kAlice)->at(0).id, "alice:hash");
  EXPECT_EQ(cell.service.acl("/no", {}).error(), Code::no_node);
  EXPECT_EQ(cell.service.count_descendants("/p", {}).error(), Code::no_auth);
  cell.create("/a");
  cell.create("/a/x");
  cell.create("/a/x/y");
  cell.create("/ab");
  EXPECT_EQ(*cell.service.count_descendants("/a", {}), 2);
  EXPECT_EQ(*cell.service.count_descendants("/", {}), static_cast<int32_t>(cell.service.node_count()) - 1);
  EXPECT_EQ(*cell.service.children("/a", {}), (std::vector<std::string_view>{"x"}));
  EXPECT_TRUE(cell.service.children("/ab", {})->empty());
  EXPECT_TRUE(cell.service.ephemerals(SessionId(77)).empty());
}

}  // namespace
}  // namespace conclave::state::operations_test
