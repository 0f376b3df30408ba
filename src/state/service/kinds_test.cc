// Chubby's kinds of nodes beside ZooKeeper's, and ACLs that are inherited: CH-21, CH-23, CH-25.
#include <gtest/gtest.h>

#include "state/service/test_support.h"

namespace conclave::state {
namespace {

using namespace testing;

const Identities kSuper = {{"super", ""}};
constexpr NodeKind kAllKinds[] = {NodeKind::persistent, NodeKind::ephemeral,     NodeKind::container,
                                  NodeKind::ttl,        NodeKind::file,          NodeKind::directory,
                                  NodeKind::open_file,  NodeKind::open_directory};

struct Kinds : ::testing::Test {
  Cell cell;
  Kinds() { cell.open(); }

  Code make(const std::string& path, NodeKind kind) {
    return cell
        .client(CreateRequest{.path = path, .acl = kOpen, .kind = kind, .ttl_ms = kind == NodeKind::ttl ? 1000 : 0})
        .code;
  }
  // One node of each kind, named by its number.
  void make_all() {
    for (const NodeKind kind : kAllKinds) ASSERT_EQ(make(path_of(kind), kind), Code::ok);
  }
  static std::string path_of(NodeKind kind) { return "/" + std::to_string(static_cast<int>(kind)); }
};

TEST_F(Kinds, CH_21_AFileHasNoChildrenADirectoryHas) {
  make_all();
  for (const NodeKind kind : kAllKinds) {
    const bool childless = kind == NodeKind::ephemeral || kind == NodeKind::file || kind == NodeKind::open_file;
    EXPECT_EQ(make(path_of(kind) + "/child", NodeKind::persistent),
              childless ? Code::no_children_for_ephemerals : Code::ok)
        << path_of(kind);
  }
}

TEST_F(Kinds, AReadTellsTheKind) {
  make_all();
  for (const NodeKind kind : kAllKinds) EXPECT_EQ(cell.service.get(path_of(kind), kSuper)->kind, kind);
}

TEST_F(Kinds, CH_23_WhatLivesWhileOpenBelongsToNoSession) {
  for (const NodeKind kind : {NodeKind::open_file, NodeKind::open_directory}) {
    make(path_of(kind), kind);
    EXPECT_EQ(std::get<CreateTxn>(cell.last_transaction.facts[0]).owner, SessionId());
    EXPECT_EQ(cell.stat(path_of(kind)).ephemeral_owner, 0) << "to ZooKeeper it is an ordinary node";
  }
  EXPECT_EQ(cell.service.ephemeral_count(), 0u);
  cell.client(CloseSessionRequest{});
  EXPECT_TRUE(cell.service.exists("/6"));
  EXPECT_TRUE(cell.service.due_for_reaping(1'000'000'000).empty());
  // Its creator need not have a session in the log.
  EXPECT_EQ(cell.run({SessionId(), {}, CreateRequest{.path = "/o", .acl = kOpen, .kind = NodeKind::open_file}}).code,
            Code::ok);
}

TEST_F(Kinds, CH_23_WhatNobodyHasOpenIsReaped) {
  make_all();
  make("/7/child", NodeKind::file);
  const auto reap = [&](const std::string& path, Zxid instance, uint32_t epoch = 1) {
    return cell.run({SessionId(), {}, ReapUnopenedRequest{path, instance, Epoch(epoch)}}).code;
  };
  for (const NodeKind kind : kAllKinds) {
    const Code code = reap(path_of(kind), cell.stat(path_of(kind)).czxid);
    if (kind == NodeKind::open_file)
      EXPECT_EQ(code, Code::ok);
    else
      EXPECT_EQ(code, kind == NodeKind::open_directory ? Code::not_empty : Code::bad_arguments) << path_of(kind);
  }
  EXPECT_FALSE(cell.service.exists("/6"));
  EXPECT_EQ(cell.last_applied.outcome.ops[0].kind, OpKind::remove);
  const Zxid directory = cell.stat("/7").czxid;
  EXPECT_EQ(reap("/6", directory), Code::instance_gone);
  EXPECT_EQ(reap("/", Zxid()), Code::bad_arguments);
  cell.client(DeleteRequest{"/7/child"});
  EXPECT_EQ(reap("/7", Zxid(Epoch(1), 1)), Code::instance_gone) << "it is another one since";
  EXPECT_EQ(cell.client(ReapUnopenedRequest{"/7", directory, Epoch(1)}).code, Code::unimplemented) << "not for clients";
  cell.next_epoch();
  EXPECT_EQ(reap("/7", directory, 1), Code::bad_version) << "the clients of this master may have it open";
  EXPECT_EQ(reap("/7", directory, 2), Code::ok);
}

TEST_F(Kinds, ShowInTheDigest) {
  uint64_t last = 0;
  for (const NodeKind kind : {NodeKind::persistent, NodeKind::file, NodeKind::directory, NodeKind::open_file}) {
    Cell other;
    other.open();
    other.create("/a", kind);
    EXPECT_NE(other.service.digest(), last);
    last = other.service.digest();
  }
}

TEST_F(Kinds, SurviveASnapshot) {
  make_all();
  cell.client(CreateRequest{.path = "/null", .acl = kOpen, .kind = NodeKind::open_directory, .data_is_null = true});
  Service loaded;
  ASSERT_TRUE(load(loaded, snapshot_of(*cell.service.begin_snapshot())));
  EXPECT_EQ(loaded.digest(), cell.service.digest());
  for (const NodeKind kind : kAllKinds) {
    EXPECT_EQ(loaded.get(path_of(kind), kSuper)->kind, kind);
    EXPECT_FALSE(loaded.get(path_of(kind), kSuper)->data_is_null);
  }
  EXPECT_EQ(loaded.get("/null", kSuper)->kind, NodeKind::open_directory);
  EXPECT_TRUE(loaded.get("/null", kSuper)->data_is_null);
}

TEST_F(Kinds, CH_23_NodesThatLiveWhileOpenAreListed) {
  cell.create("/f", NodeKind::open_file);
  cell.create("/d", NodeKind::open_directory);
  cell.create("/other", NodeKind::file);
  using Listed = std::vector<std::pair<std::string, Zxid>>;
  EXPECT_EQ(cell.service.nodes_that_live_while_open(),
            (Listed{{"/d", cell.stat("/d").czxid}, {"/f", cell.stat("/f").czxid}}));
  Service loaded;
  ASSERT_TRUE(load(loaded, snapshot_of(*cell.service.begin_snapshot())));
  EXPECT_EQ(loaded.nodes_that_live_while_open(), cell.service.nodes_that_live_while_open());
  cell.client(DeleteRequest{.path = "/f"});
  EXPECT_EQ(cell.service.nodes_that_live_while_open(), (Listed{{"/d", cell.stat("/d").czxid}}));
}

TEST_F(Kinds, CH_25_AnAclIsInheritedWhenNoneIsGiven) {
  const Acl alice = {{kAllPermissions, "digest", "alice:x"}, {kRead | kCreate, "world", "anyone"}};
  cell.client(CreateRequest{.path = "/d", .acl = alice, .kind = NodeKind::directory});
  EXPECT_EQ(cell.client(CreateRequest{.path = "/d/f", .acl = kOpen, .kind = NodeKind::file, .inherit_acl = true}).code,
            Code::ok);
  EXPECT_EQ(std::get<CreateTxn>(cell.last_transaction.facts[0]).acl, alice) << "the fact holds the result";
  EXPECT_EQ(*cell.service.acl("/d/f", kSuper), alice);
  EXPECT_EQ(cell.client(CreateRequest{.path = "/d/g", .kind = NodeKind::file}).code, Code::invalid_acl)
      << "no list is not the wish to inherit one";
  MultiRequest multi;
  multi.ops.push_back(CreateRequest{.path = "/d/h", .inherit_acl = true});
  EXPECT_EQ(cell.client(multi).code, Code::ok);
  EXPECT_EQ(*cell.service.acl("/d/h", kSuper), alice);
}

TEST_F(Kinds, CH_25_WhatIsInheritedIsTheAclAsItWillBe) {
  Cell lagging({}, /*lag=*/100);
  lagging.open();
  lagging.create("/d", NodeKind::directory);
  const Acl later = {{kRead | kCreate, "world", "anyone"}};
  lagging.client(SetAclRequest{"/d", later});
  lagging.client(CreateRequest{.path = "/d/f", .inherit_acl = true});
  ASSERT_FALSE(lagging.refused);
  EXPECT_EQ(std::get<CreateTxn>(lagging.last_transaction.facts[0]).acl, later);
}

}  // namespace
}  // namespace conclave::state
