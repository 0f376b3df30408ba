// Nothing that may be cached is changed before every cache has dropped it (CH-55 … CH-59, AP-04).
#include "frontend/chubby/testing_world.h"

namespace conclave::frontend::chubby {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

const state::Identities kSuper = {{"super", ""}};

class InvalidationTest : public ChubbyTest {
 protected:
  void SetUp() override {
    lead();
    writer.emplace(client());
    reader.emplace(client());
    writer->make_directory(1, "/d");
    writer->call(TestClient::open_call(2, "/d/f", kWrite, wire::Open::MUST));  // which it does not cache
    writer->heed();
    ASSERT_TRUE(reader->open(1, "/d/f", kRead).cacheable());
  }
  uint64_t ask_to_set(std::string contents) { return writer->ask(TestClient::set_call(2, std::move(contents))); }

  std::optional<TestClient> writer, reader;
};

TEST_F(InvalidationTest, CH_57_AChangeWaitsUntilItIsAcknowledged) {
  const uint64_t set = ask_to_set("x");
  EXPECT_FALSE(writer->code(set));
  EXPECT_EQ(contents("/d/f"), "");
  EXPECT_EQ(server->figures().master.held_changes, 1u);
  EXPECT_THAT(reader->told(), ElementsAre("invalidate /d/f")) << "at once (CH-69), and without the contents (CH-59)";
  EXPECT_FALSE(writer->code(set));
  reader->keep_alive();
  EXPECT_EQ(writer->code(set), wire::OK);
  EXPECT_EQ(contents("/d/f"), "x");
  EXPECT_EQ(server->figures().master.held_changes, 0u);
  EXPECT_EQ(server->figures().master.closed_names, 0u);
}

TEST_F(InvalidationTest, CH_57_OrUntilTheSessionHasEnded) {
  const uint64_t set = ask_to_set("x");
  hang_up(*reader);
  EXPECT_FALSE(writer->code(set)) << "its lease runs";
  expire(*reader);
  EXPECT_EQ(writer->code(set), wire::OK);
}

TEST_F(InvalidationTest, CH_57_EveryOneOfThemHasTo) {
  TestClient third = client();
  third.open(1, "/d/f", kRead);
  const uint64_t set = ask_to_set("x");
  reader->heed();
  EXPECT_FALSE(writer->code(set));
  third.heed();
  EXPECT_EQ(writer->code(set), wire::OK);
}

TEST_F(InvalidationTest, CH_58_ReadsDoNotWaitAndAreNotCachedMeanwhile) {
  const uint64_t set = ask_to_set("x");
  TestClient third = client();
  const wire::Reply opened = third.open(1, "/d/f", kRead);
  EXPECT_EQ(opened.code(), wire::OK);
  EXPECT_FALSE(opened.cacheable());
  const wire::Reply read = third.get(1);
  EXPECT_EQ(read.contents().contents(), "") << "the old state";
  EXPECT_FALSE(read.cacheable());
  reader->heed();
  EXPECT_EQ(writer->code(set), wire::OK) << "one round is enough";
  EXPECT_TRUE(third.get(1).cacheable());
}

// Admitted and on its way: what reads show now will be replaced without another round.
TEST_F(InvalidationTest, CH_56_WhatIsAboutToBeAppliedIsNotCached) {
  reader->close(1);
  const uint64_t drops = ask_to_set("1");
  reader->heed();
  ASSERT_EQ(writer->code(drops), wire::OK);
  gateway.hold_log = true;
  const uint64_t set = ask_to_set("2");
  ASSERT_EQ(gateway.logged(), 1u);
  const wire::Reply read = reader->open(2, "/d/f", kRead);
  EXPECT_EQ(read.code(), wire::OK);
  EXPECT_FALSE(read.cacheable());
  gateway.hold_log = false;
  gateway.apply_log();
  EXPECT_EQ(writer->code(set), wire::OK);
  EXPECT_TRUE(reader->get(2).cacheable());
}

// It was admitted when there was no session, behind the opening of one (seed 373 of the profile `locks`).
TEST_F(InvalidationTest, CH_56_NorIfNobodyWasThereWhenItWasAdmitted) {
  expire(*reader);
  expire(*writer);
  gateway.hold_log = true;
  TestClient third = connect();
  third.hello();
  const auto set = write(state::SetDataRequest{.path = "/d/f", .data = "new"});
  ASSERT_EQ(gateway.logged(), 2u);
  gateway.apply_log(1);
  executor.run();
  ASSERT_TRUE(third.welcomed());
  const wire::Reply read = third.open(1, "/d/f", kRead);
  EXPECT_EQ(read.code(), wire::OK);
  EXPECT_FALSE(read.cacheable());
  gateway.hold_log = false;
  gateway.apply_log();
  EXPECT_EQ(*set, state::Code::ok);
  EXPECT_TRUE(third.get(1).cacheable());
}

TEST_F(InvalidationTest, CH_55_TheWritersOwnCacheIsInTheWayToo) {
  ASSERT_TRUE(writer->open(3, "/d/f", kRead).cacheable());
  const uint64_t set = ask_to_set("x");
  reader->heed();
  EXPECT_FALSE(writer->code(set));
  EXPECT_THAT(writer->told(), ElementsAre("invalidate /d/f"));
  writer->keep_alive();
  EXPECT_EQ(writer->code(set), wire::OK);
}

TEST_F(InvalidationTest, CH_56_EveryKindOfChangeInvalidates) {
  const auto dropped = [&] {
    const bool is = reader->told() == std::vector<std::string>{"invalidate /d/f"};
    reader->keep_alive();
    EXPECT_TRUE(reader->get(1).cacheable());
    return is;
  };
  writer->ask(TestClient::acquire_call(2));
  EXPECT_TRUE(dropped()) << "the lock generation is part of the stat";
  writer->ask(TestClient::set_call(2, "x"));
  EXPECT_TRUE(dropped());
  writer->open(4, "/d/f", wire::MODE_CHANGE_ACL);
  wire::Call set_acl;
  set_acl.mutable_set_acl()->set_handle(4);
  writer->ask(set_acl);
  EXPECT_TRUE(dropped());
  const uint64_t removal = writer->ask(TestClient::delete_call(2));
  EXPECT_THAT(reader->told(), ElementsAre("invalidate /d/f"));
  reader->keep_alive();
  EXPECT_EQ(writer->code(removal), wire::OK);
}

TEST_F(InvalidationTest, CH_56_AReleaseChangesNothingThatIsCached) {
  writer->ask(TestClient::acquire_call(2));
  reader->heed();
  ASSERT_TRUE(reader->get(1).cacheable());
  EXPECT_EQ(writer->release(2), wire::OK);
  EXPECT_THAT(reader->told(), ElementsAre("-"));
}

TEST_F(InvalidationTest, CH_55_TheAbsenceOfANodeIsCachedInAChubbyDirectory) {
  const wire::Reply absent = reader->open(2, "/d/g", kRead);
  EXPECT_EQ(absent.code(), wire::NO_NODE);
  EXPECT_TRUE(absent.cacheable());
  const uint64_t create = writer->ask(TestClient::open_call(3, "/d/g", kWrite, wire::Open::MUST));
  EXPECT_FALSE(writer->code(create));
  EXPECT_THAT(reader->told(), ElementsAre("invalidate /d/g"));
  reader->keep_alive();
  EXPECT_EQ(writer->code(create), wire::OK);
}

TEST_F(InvalidationTest, CH_55_AndNotElsewhere) {
  make_by_zookeeper("/z");
  const wire::Reply absent = reader->open(2, "/z/g", kRead);
  EXPECT_EQ(absent.code(), wire::NO_NODE);
  EXPECT_FALSE(absent.cacheable());
  EXPECT_FALSE(reader->open(3, "/none/g", kRead).cacheable());
}

TEST_F(InvalidationTest, ANodeMadeThroughZooKeeperIsReadThrough) {
  make_by_zookeeper("/z");
  const wire::Reply opened = reader->open(2, "/z", kRead);
  EXPECT_EQ(opened.code(), wire::OK);
  EXPECT_FALSE(opened.cacheable());
  EXPECT_FALSE(reader->get(2).cacheable());
  EXPECT_EQ(*write(state::SetDataRequest{.path = "/z", .data = "x"}), state::Code::ok) << "nobody waits";
}

TEST_F(InvalidationTest, CH_57_AWriteOfZooKeeperToAChubbyFileWaitsLikeAny) {
  const auto done = write(state::SetDataRequest{.path = "/d/f", .data = "z"});
  EXPECT_FALSE(*done);
  EXPECT_EQ(contents("/d/f"), "");
  reader->heed();
  EXPECT_EQ(*done, state::Code::ok);
  EXPECT_EQ(contents("/d/f"), "z");
}

TEST_F(InvalidationTest, CH_57_WhatChangesTwoNamesWaitsForBoth) {
  TestClient third = client();
  ASSERT_TRUE(third.open(1, "/d/g", kRead).cacheable());
  state::MultiRequest multi;
  multi.ops.emplace_back(state::SetDataRequest{.path = "/d/f", .data = "z"});
  multi.ops.emplace_back(state::CreateRequest{.path = "/d/g", .data = {}, .acl = {{31, "world", "anyone"}}});
  const auto done = write(multi);
  reader->heed();
  EXPECT_FALSE(*done);
  EXPECT_THAT(third.told(), ElementsAre("invalidate /d/g"));
  third.keep_alive();
  EXPECT_EQ(*done, state::Code::ok);
}

TEST_F(InvalidationTest, TwoChangesOfOneNameTakeOneRound) {
  const uint64_t first = ask_to_set("1");
  const auto second = write(state::SetDataRequest{.path = "/d/f", .data = "2"});
  EXPECT_THAT(reader->told(), ElementsAre("invalidate /d/f"));
  reader->keep_alive();
  EXPECT_EQ(writer->code(first), wire::OK);
  EXPECT_EQ(*second, state::Code::ok);
  EXPECT_EQ(contents("/d/f"), "2");
  EXPECT_THAT(reader->told(), ElementsAre("-"));
}

// Whoever may read by the list may have cached what it governs, and may have no right to it any more.
TEST_F(InvalidationTest, AP_04_AChangedListDropsWhatItGoverns) {
  writer->make_directory(10, "/acl");
  writer->call(TestClient::open_call(11, "/acl/list", kWrite, wire::Open::MUST));
  writer->set(11, "world:anyone");
  for (int i = 0; i < 5; ++i) {
    wire::Call made =
        TestClient::open_call(static_cast<uint64_t>(20 + i), "/d/" + std::to_string(i), kWrite, wire::Open::MUST);
    made.mutable_open()->mutable_acl()->set_read(i < 4 ? "list" : "");
    ASSERT_EQ(writer->call(made).code(), wire::OK);
    ASSERT_TRUE(reader->open(static_cast<uint64_t>(20 + i), "/d/" + std::to_string(i), kRead).cacheable());
  }
  const uint64_t set = writer->ask(TestClient::set_call(11, "digest:bob:h"));
  EXPECT_FALSE(writer->code(set));
  EXPECT_THAT(reader->told(),
              UnorderedElementsAre("invalidate /d/0", "invalidate /d/1", "invalidate /d/2", "invalidate /d/3"));
  reader->keep_alive();
  EXPECT_EQ(writer->code(set), wire::OK);
  EXPECT_EQ(reader->get(20).code(), wire::PERMISSION_DENIED);
  EXPECT_EQ(reader->get(24).code(), wire::OK);
}

TEST_F(InvalidationTest, AP_04_NothingIsCachedByAListThatIsAboutToChange) {
  writer->make_directory(10, "/acl");
  writer->call(TestClient::open_call(11, "/acl/list", kWrite, wire::Open::MUST));
  writer->set(11, "world:anyone");
  wire::Call made = TestClient::open_call(20, "/d/x", kWrite, wire::Open::MUST);
  made.mutable_open()->mutable_acl()->set_read("list");
  ASSERT_EQ(writer->call(made).code(), wire::OK);
  gateway.hold_log = true;
  const uint64_t set = writer->ask(TestClient::set_call(11, "digest:bob:h"));
  ASSERT_EQ(gateway.logged(), 1u);
  const wire::Reply read = reader->open(20, "/d/x", kRead);
  EXPECT_EQ(read.code(), wire::OK) << "by the list of now";
  EXPECT_FALSE(read.cacheable()) << "nobody would tell it to drop this";
  gateway.hold_log = false;
  gateway.apply_log();
  EXPECT_EQ(writer->code(set), wire::OK);
}

TEST_F(InvalidationTest, AP_04_TheListItselfIsCachedLikeAnyFile) {
  writer->make_directory(10, "/acl");
  writer->call(TestClient::open_call(11, "/acl/list", kWrite, wire::Open::MUST));
  ASSERT_TRUE(reader->open(11, "/acl/list", kRead).cacheable());
  const uint64_t set = writer->ask(TestClient::set_call(11, "world:anyone"));
  EXPECT_THAT(reader->told(), ElementsAre("invalidate /acl/list"));
  reader->keep_alive();
  EXPECT_EQ(writer->code(set), wire::OK);
}

TEST_F(InvalidationTest, CH_97_AClientMayCacheSoMuchAndNoMore) {
  Settings settings;
  settings.limits.cached_max = 2;
  server.reset();
  lead(5, settings);
  TestClient one = client();
  EXPECT_TRUE(one.open(1, "/d/f", kRead).cacheable());
  EXPECT_TRUE(one.open(2, "/d/a", kRead).cacheable());
  EXPECT_FALSE(one.open(3, "/d/b", kRead).cacheable());
}

TEST_F(InvalidationTest, AnEndedSessionCachesNothing) {
  EXPECT_EQ(server->figures().master.cached_names, 2u);
  expire(*reader);
  EXPECT_EQ(server->figures().master.cached_names, 1u) << "the writer's directory";
  EXPECT_EQ(writer->code(ask_to_set("x")), wire::OK);
}

TEST_F(InvalidationTest, WhileNobodyHasASessionHereNothingWaits) {
  expire(*reader);
  expire(*writer);
  EXPECT_EQ(*write(state::SetDataRequest{.path = "/d/f", .data = "z"}), state::Code::ok);
}

}  // namespace
}  // namespace conclave::frontend::chubby
