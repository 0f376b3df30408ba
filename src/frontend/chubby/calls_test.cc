// The calls on files and directories, and what each refuses (CH-21 … CH-28, CH-45 … CH-52).
#include "base/checksum.h"
#include "frontend/chubby/testing_world.h"

namespace conclave::frontend::chubby {
namespace {

using testing::ElementsAre;

class CallsTest : public ChubbyTest {
 protected:
  void SetUp() override { lead(); }
  static wire::Call stat_call(uint64_t handle) {
    wire::Call out;
    out.mutable_get_stat()->set_handle(handle);
    return out;
  }
  static wire::Call list_call(uint64_t handle) {
    wire::Call out;
    out.mutable_read_directory()->set_handle(handle);
    return out;
  }
  static wire::Call acl_call(uint64_t handle, std::string read) {
    wire::Call out;
    out.mutable_set_acl()->set_handle(handle);
    out.mutable_set_acl()->mutable_acl()->set_read(std::move(read));
    return out;
  }
};

TEST_F(CallsTest, CH_45_OpenTellsWhetherItCreated) {
  TestClient one = client();
  EXPECT_EQ(one.open(1, "/f").code(), wire::NO_NODE);
  const wire::Reply first = one.make(1, "/f", "hello");
  ASSERT_EQ(first.code(), wire::OK);
  EXPECT_TRUE(first.opened().created());
  EXPECT_EQ(first.opened().stat().length(), 5u);
  const wire::Reply second = one.make(2, "/f", "other");
  EXPECT_FALSE(second.opened().created());
  EXPECT_EQ(contents("/f"), "hello");
  EXPECT_EQ(one.call(TestClient::open_call(3, "/f", kRead, wire::Open::MUST)).code(), wire::NODE_EXISTS);
  EXPECT_EQ(one.open(4, "/f").opened().handle().instance(), first.opened().stat().instance());
}

TEST_F(CallsTest, CH_21_NothingIsBelowAFile) {
  TestClient one = client();
  one.make(1, "/f");
  EXPECT_EQ(one.make(2, "/f/x").code(), wire::NOT_A_DIRECTORY);
  EXPECT_EQ(one.make(3, "/none/x").code(), wire::NO_NODE);
}

TEST_F(CallsTest, CH_45_OpenRefusesWhatMakesNoSense) {
  TestClient one = client();
  const auto code = [&](auto change) {
    wire::Call call = TestClient::open_call(1, "/f", kRead, wire::Open::IF_MISSING);
    change(*call.mutable_open());
    return one.call(call).code();
  };
  EXPECT_EQ(code([](wire::Open& o) { o.set_handle(0); }), wire::BAD_ARGUMENT);
  EXPECT_EQ(code([](wire::Open& o) { o.set_path("f"); }), wire::BAD_ARGUMENT);
  EXPECT_EQ(code([](wire::Open& o) { o.set_path("/a/../b"); }), wire::BAD_ARGUMENT);
  EXPECT_EQ(code([](wire::Open& o) { o.set_path("/" + std::string(5'000, 'x')); }), wire::BAD_ARGUMENT);
  EXPECT_EQ(code([](wire::Open& o) { o.set_mode(0); }), wire::BAD_ARGUMENT);
  EXPECT_EQ(code([](wire::Open& o) { o.set_mode(9); }), wire::BAD_ARGUMENT);
  EXPECT_EQ(code([](wire::Open& o) { o.set_events(16); }), wire::BAD_ARGUMENT);
  EXPECT_EQ(code([](wire::Open& o) { o.set_lock_delay_ms(60'001); }), wire::BAD_ARGUMENT) << "CH-39";
  EXPECT_EQ(code([](wire::Open& o) { o.set_creation(static_cast<wire::Open::Creation>(3)); }), wire::BAD_ARGUMENT);
  EXPECT_EQ(code([](wire::Open& o) { o.set_creation(static_cast<wire::Open::Creation>(-1)); }), wire::BAD_ARGUMENT);
  EXPECT_EQ(code([](wire::Open& o) {
              o.set_directory(true);
              o.set_contents("x");
            }),
            wire::BAD_ARGUMENT);
  EXPECT_EQ(code([](wire::Open& o) { o.set_contents(std::string((256 << 10) + 1, 'x')); }), wire::TOO_LARGE);
  EXPECT_FALSE(exists("/f"));
  EXPECT_EQ(code([](wire::Open& o) { o.set_contents(std::string(256 << 10, 'x')); }), wire::OK) << "CH-97";
}

TEST_F(CallsTest, CH_45_ANameBelowAHandleIsThatOfThisInstance) {
  TestClient one = client();
  const uint64_t before = one.make_directory(1, "/d").opened().handle().instance();
  ASSERT_EQ(one.make(2, "/d/f").code(), wire::OK);
  const auto below = [&](uint64_t handle, std::string path, wire::Open::Creation creation) {
    wire::Call call = TestClient::open_call(handle, std::move(path), kRead, creation);
    call.mutable_open()->set_parent_instance(before);
    return one.call(call).code();
  };
  EXPECT_EQ(below(3, "/d/f", wire::Open::NEVER), wire::OK);
  EXPECT_EQ(below(4, "/d/g", wire::Open::MUST), wire::OK);
  EXPECT_EQ(below(5, "/d/none", wire::Open::NEVER), wire::NO_NODE);
  gateway.apply(state::DeleteRequest{"/d/f"}, {}, {{"super", ""}});
  gateway.apply(state::DeleteRequest{"/d/g"}, {}, {{"super", ""}});
  gateway.apply(state::DeleteRequest{"/d"}, {}, {{"super", ""}});
  ASSERT_EQ(one.make_directory(6, "/d").code(), wire::OK);
  ASSERT_EQ(one.make(7, "/d/f").code(), wire::OK);
  EXPECT_EQ(below(8, "/d/f", wire::Open::NEVER), wire::HANDLE_INVALID);
  EXPECT_EQ(below(9, "/d/f", wire::Open::IF_MISSING), wire::HANDLE_INVALID);
  EXPECT_EQ(below(10, "/d/h", wire::Open::MUST), wire::HANDLE_INVALID);
  EXPECT_EQ(below(11, "/d/none", wire::Open::NEVER), wire::HANDLE_INVALID);
}

TEST_F(CallsTest, CH_46_CloseEndsAHandleAndNeverFails) {
  TestClient one = client();
  one.make(1, "/f");
  EXPECT_EQ(one.close(1), wire::OK);
  EXPECT_EQ(one.close(1), wire::OK);
  EXPECT_EQ(one.close(99), wire::OK);
  EXPECT_EQ(one.get(1).code(), wire::NOT_OPEN);
}

// The master makes sure that it is still one before it answers a read.
TEST_F(CallsTest, CH_46_ACloseBehindAReadDoesNotTakeItsHandleAway) {
  TestClient one = client();
  one.make_directory(1, "/d");
  one.make(2, "/d/f", "x");
  wire::Call contents;
  contents.mutable_get_contents()->set_handle(2);
  wire::Call stat;
  stat.mutable_get_stat()->set_handle(2);
  wire::Call directory;
  directory.mutable_read_directory()->set_handle(1);
  const uint64_t first = one.ask(contents, /*run=*/false);
  const uint64_t second = one.ask(stat, /*run=*/false);
  const uint64_t third = one.ask(directory, /*run=*/false);
  for (const uint64_t handle : {1, 2}) {
    wire::Call close;
    close.mutable_close()->set_handle(handle);
    one.ask(close, /*run=*/false);
  }
  const uint64_t late = one.ask(contents);
  EXPECT_EQ(one.reply(first).value().contents().contents(), "x");
  EXPECT_EQ(one.reply(second).value().stat().length(), 1u);
  EXPECT_EQ(one.reply(third).value().directory().entries_size(), 1);
  EXPECT_EQ(one.reply(late).value().code(), wire::NOT_OPEN);
}

TEST_F(CallsTest, CH_47_ContentsAndStatComeTogether) {
  TestClient one = client();
  one.make(1, "/f", "hello");
  const wire::Reply reply = one.get(1);
  EXPECT_EQ(reply.contents().contents(), "hello");
  EXPECT_EQ(reply.contents().stat().checksum(), xxh3_64("hello")) << "CH-28";
  EXPECT_FALSE(reply.contents().stat().directory());
  const wire::Reply stat = one.call(stat_call(1));
  EXPECT_EQ(stat.stat().content_generation(), reply.contents().stat().content_generation());
}

TEST_F(CallsTest, CH_47_ReadDirectoryGivesNamesAndMetadata) {
  TestClient one = client();
  one.make_directory(1, "/d");
  one.make(2, "/d/b", "xy");
  one.make_directory(3, "/d/a");
  const wire::Reply reply = one.call(list_call(1));
  ASSERT_EQ(reply.directory().entries_size(), 2);
  EXPECT_EQ(reply.directory().entries(0).name(), "a");
  EXPECT_TRUE(reply.directory().entries(0).stat().directory());
  EXPECT_EQ(reply.directory().entries(1).name(), "b");
  EXPECT_EQ(reply.directory().entries(1).stat().length(), 2u);
  EXPECT_FALSE(reply.cacheable());
  EXPECT_EQ(one.call(list_call(2)).code(), wire::NOT_A_DIRECTORY);
  EXPECT_EQ(one.get(1).code(), wire::NOT_A_FILE);
  EXPECT_EQ(one.set(1, "x").code(), wire::NOT_A_FILE);
}

TEST_F(CallsTest, CH_48_AContentGenerationMakesSetContentsACompareAndSwap) {
  TestClient one = client();
  const uint64_t first = one.make(1, "/f").opened().stat().content_generation();
  const uint64_t second = one.set(1, "a", first).stat().content_generation();
  EXPECT_EQ(contents("/f"), "a");
  EXPECT_GT(second, first);
  const wire::Call swap = TestClient::set_call(1, "c", second);
  gateway.apply(state::SetDataRequest{.path = "/f", .data = "b"}, {}, {{"super", ""}});
  EXPECT_EQ(one.call(swap).code(), wire::GENERATION_MISMATCH);
  EXPECT_EQ(contents("/f"), "b");
}

TEST_F(CallsTest, CH_27_GenerationsGrow) {
  TestClient one = client();
  const wire::Stat before = one.make(1, "/f").opened().stat();
  gateway.apply(state::SetDataRequest{.path = "/f", .data = "b"}, {}, {{"super", ""}});
  const wire::Stat after = one.get(1).contents().stat();
  EXPECT_GT(after.content_generation(), before.content_generation());
  EXPECT_EQ(after.instance(), before.instance());
  gateway.apply(state::DeleteRequest{"/f"}, {}, {{"super", ""}});
  const wire::Stat next = one.make(2, "/f").opened().stat();
  EXPECT_GT(next.instance(), before.instance());
  EXPECT_GT(next.content_generation(), after.content_generation());
}

TEST_F(CallsTest, CH_97_AFileHasAtMost256KiB) {
  TestClient one = client();
  one.make(1, "/f");
  EXPECT_EQ(one.set(1, std::string((256 << 10) + 1, 'x')).code(), wire::TOO_LARGE);
}

TEST_F(CallsTest, CH_48_SetAclMayDependOnItsGeneration) {
  TestClient one = client();
  one.make_directory(1, "/acl");
  one.make(2, "/f");
  const auto conditional = [&](uint64_t generation) {
    wire::Call call = acl_call(2, "");
    call.mutable_set_acl()->set_conditional(true);
    call.mutable_set_acl()->set_generation(generation);
    return one.call(call);
  };
  EXPECT_EQ(conditional(7).code(), wire::GENERATION_MISMATCH);
  EXPECT_EQ(conditional(UINT32_MAX).code(), wire::GENERATION_MISMATCH) << "which is not 'whichever'";
  EXPECT_EQ(conditional(uint64_t{1} << 32).code(), wire::GENERATION_MISMATCH) << "which is not 0";
  const wire::Reply right = conditional(0);
  EXPECT_EQ(right.code(), wire::OK);
  EXPECT_EQ(right.stat().acl_generation(), 1u) << "CH-27";
  EXPECT_EQ(one.call(acl_call(2, "")).stat().acl_generation(), 2u);
}

TEST_F(CallsTest, CH_49_OnlyANodeWithoutChildrenIsDeleted) {
  TestClient one = client();
  one.make_directory(1, "/d");
  one.make(2, "/d/f");
  EXPECT_EQ(one.remove(1), wire::NOT_EMPTY);
  EXPECT_EQ(one.remove(2), wire::OK);
  EXPECT_EQ(one.remove(1), wire::OK);
  EXPECT_FALSE(exists("/d"));
}

TEST_F(CallsTest, CH_52_EveryCallNeedsTheModeOfItsHandle) {
  TestClient one = client();
  one.make(1, "/f");
  one.open(2, "/f", kRead);
  one.open(3, "/f", wire::MODE_CHANGE_ACL);
  EXPECT_EQ(one.set(2, "x").code(), wire::WRONG_MODE);
  EXPECT_EQ(one.remove(2), wire::WRONG_MODE);
  EXPECT_EQ(one.acquire(2).code(), wire::WRONG_MODE) << "CH-36";
  EXPECT_EQ(one.acquire(2, /*shared=*/true).code(), wire::WRONG_MODE) << "CH-36: nor a reader's lock";
  EXPECT_EQ(one.code(one.await(2)), wire::WRONG_MODE);
  EXPECT_EQ(one.release(2), wire::WRONG_MODE);
  EXPECT_EQ(one.call(acl_call(2, "")).code(), wire::WRONG_MODE);
  EXPECT_EQ(one.get(3).code(), wire::WRONG_MODE);
  EXPECT_EQ(one.call(stat_call(3)).code(), wire::WRONG_MODE);
  EXPECT_EQ(one.call(list_call(3)).code(), wire::WRONG_MODE);
  for (const wire::Call& call : {TestClient::get_call(9), stat_call(9), list_call(9), TestClient::set_call(9, ""),
                                 acl_call(9, ""), TestClient::delete_call(9), TestClient::acquire_call(9),
                                 TestClient::await_call(9), TestClient::release_call(9)}) {
    EXPECT_EQ(one.call(call).code(), wire::NOT_OPEN) << call.ShortDebugString();
  }
}

TEST_F(CallsTest, CH_25_AnAclOfNamesIsInheritedOrGiven) {
  TestClient one = client();
  one.make_directory(1, "/acl");
  one.make(2, "/acl/all", "world:anyone\n");
  wire::Call made = TestClient::open_call(3, "/d", kRead, wire::Open::MUST);
  made.mutable_open()->set_directory(true);
  made.mutable_open()->mutable_acl()->set_read("all");
  EXPECT_EQ(one.call(made).opened().stat().acl().read(), "all");
  const wire::Reply below = one.call(TestClient::open_call(4, "/d/f", kRead, wire::Open::MUST));
  EXPECT_EQ(below.opened().stat().acl().read(), "all");
  EXPECT_EQ(below.opened().stat().acl().write(), "");
}

TEST_F(CallsTest, CH_52_AccessIsCheckedAtOpenAndAtEveryCallAgain) {
  TestClient one = client();
  one.make_directory(1, "/acl");
  one.make(2, "/acl/list", "world:anyone");
  wire::Call made = TestClient::open_call(3, "/f", kReadWrite, wire::Open::MUST);
  made.mutable_open()->mutable_acl()->set_read("list");
  made.mutable_open()->mutable_acl()->set_write("list");
  ASSERT_EQ(one.call(made).code(), wire::OK);
  gateway.apply(state::SetDataRequest{.path = "/acl/list", .data = "digest:bob:h"}, {}, {{"super", ""}});
  EXPECT_EQ(one.get(3).code(), wire::PERMISSION_DENIED);
  EXPECT_EQ(one.set(3, "x").code(), wire::PERMISSION_DENIED);
  EXPECT_EQ(one.acquire(3).code(), wire::PERMISSION_DENIED) << "CH-36";
  EXPECT_EQ(one.open(4, "/f", kRead).code(), wire::PERMISSION_DENIED);
  EXPECT_EQ(one.open(5, "/f", wire::MODE_CHANGE_ACL).code(), wire::OK);
}

TEST_F(CallsTest, CH_45_WhoMayNotCreateMayStillOpenWhatIsThere) {
  TestClient one = client();
  one.make_directory(1, "/acl");
  wire::Call made = TestClient::open_call(2, "/d", kRead, wire::Open::MUST);
  made.mutable_open()->set_directory(true);
  ASSERT_EQ(one.call(made).code(), wire::OK);
  ASSERT_EQ(one.make(3, "/d/f").code(), wire::OK);
  gateway.apply(state::SetAclRequest{.path = "/d", .acl = {{state::kRead, "world", "anyone"}}}, {}, {{"super", ""}});
  EXPECT_EQ(one.make(4, "/d/g").code(), wire::PERMISSION_DENIED);
  EXPECT_EQ(one.make(5, "/d/f").code(), wire::OK);
}

TEST_F(CallsTest, CH_51_ACallOfNoKindIsRefused) {
  TestClient one = client();
  const wire::Reply reply = one.call({});
  EXPECT_EQ(reply.code(), wire::BAD_ARGUMENT);
  EXPECT_NE(reply.message(), "");
}

TEST_F(CallsTest, ReadsWaitForABarrierAndSeeWhatWasAnsweredBefore) {
  TestClient one = client();
  one.make(1, "/f", "old");
  gateway.hold_syncs = true;
  const uint64_t read = one.ask(TestClient::get_call(1));
  EXPECT_FALSE(one.code(read));
  gateway.apply(state::SetDataRequest{.path = "/f", .data = "new"}, {}, {{"super", ""}});
  gateway.complete_syncs();
  EXPECT_EQ(one.reply(read)->contents().contents(), "new");
}

TEST_F(CallsTest, WhatADeposedMasterKnowsIsNoAnswer) {
  TestClient one = client();
  one.make(1, "/f", "old");
  gateway.hold_syncs = true;
  const uint64_t read = one.ask(TestClient::get_call(1));
  const uint64_t open = one.ask(TestClient::open_call(2, "/none", kRead));
  gateway.end_mastership(ReplicaId(2));
  executor.run();
  EXPECT_FALSE(one.code(read));
  EXPECT_FALSE(one.code(open));
}

TEST_F(CallsTest, ListLocksAndSessionsTellWhatTheMasterKnows) {
  TestClient one = client();
  TestClient other = client();
  one.make(1, "/l");
  other.open(1, "/l", kWrite);
  ASSERT_EQ(one.acquire(1).code(), wire::OK);
  other.await(1, /*shared=*/true);
  wire::Call locks;
  locks.mutable_list_locks();
  const wire::Reply reply = one.call(locks);
  ASSERT_EQ(reply.locks().locks_size(), 1);
  const auto& lock = reply.locks().locks(0);
  EXPECT_EQ(lock.path(), "/l");
  ASSERT_EQ(lock.holders_size(), 1);
  EXPECT_EQ(lock.holders(0).session(), one.session);
  EXPECT_FALSE(lock.holders(0).shared());
  ASSERT_EQ(lock.waiters_size(), 1);
  EXPECT_EQ(lock.waiters(0).session(), other.session);
  EXPECT_TRUE(lock.waiters(0).shared());
  hang_up(other);
  wire::Call sessions;
  sessions.mutable_list_sessions();
  const wire::Reply known = one.call(sessions);
  ASSERT_EQ(known.sessions().sessions_size(), 2);
  EXPECT_EQ(known.sessions().sessions(0).client(), "10.0.0.1:40001");
  EXPECT_EQ(known.sessions().sessions(0).handles(), 1u);
  EXPECT_EQ(known.sessions().sessions(1).client(), "");
}

}  // namespace
}  // namespace conclave::frontend::chubby
