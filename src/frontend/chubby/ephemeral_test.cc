// Nodes that live while somebody has them open (CH-23, CH-60, CH-77 step 9).
#include "frontend/chubby/testing_world.h"

namespace conclave::frontend::chubby {
namespace {

using testing::ElementsAre;

class EphemeralTest : public ChubbyTest {
 protected:
  void SetUp() override {
    lead();
    one.emplace(client());
    two.emplace(client());
  }
  void past_the_first_minute() {
    advance(Duration::seconds(61));
    keep_alive();
  }
  void keep_alive() {
    while (one->heed() || two->heed()) continue;
  }
  wire::Reply make(TestClient& client, uint64_t handle, const std::string& path, bool directory = false) {
    wire::Call made = TestClient::open_call(handle, path, kWrite, wire::Open::IF_MISSING);
    made.mutable_open()->set_ephemeral(true);
    made.mutable_open()->set_directory(directory);
    return client.call(made);
  }
  std::optional<TestClient> one, two;
};

TEST_F(EphemeralTest, CH_23_ItGoesWhenTheLastHandleCloses) {
  past_the_first_minute();
  const wire::Reply made = make(*one, 1, "/e");
  ASSERT_EQ(made.code(), wire::OK);
  EXPECT_TRUE(made.opened().stat().ephemeral());
  two->open(1, "/e", kWrite);
  EXPECT_EQ(one->close(1), wire::OK);
  EXPECT_TRUE(exists("/e"));
  EXPECT_EQ(two->close(1), wire::OK);
  executor.run();
  EXPECT_FALSE(exists("/e"));
}

TEST_F(EphemeralTest, CH_23_OrWhenTheSessionEnds) {
  past_the_first_minute();
  make(*one, 1, "/e");
  expire(*one);
  EXPECT_FALSE(exists("/e"));
}

TEST_F(EphemeralTest, CH_23_AnyoneMayDeleteIt) {
  past_the_first_minute();
  make(*one, 1, "/e");
  two->open(1, "/e", kWrite);
  EXPECT_EQ(two->remove(1), wire::OK);
  EXPECT_THAT(one->told(), ElementsAre("1 handle-invalid"));
  one->keep_alive();
  make(*two, 2, "/e");
  EXPECT_EQ(one->close(1), wire::OK);
  executor.run();
  EXPECT_TRUE(exists("/e")) << "it is another instance";
}

TEST_F(EphemeralTest, CH_77_NotDuringTheFirstMinuteOfAMaster) {
  make(*one, 1, "/e");
  one->close(1);
  executor.run();
  EXPECT_TRUE(exists("/e")) << "somebody else may have it open, and not have said so yet";
  past_the_first_minute();
  EXPECT_FALSE(exists("/e"));
}

TEST_F(EphemeralTest, CH_77_WhatIsPresentedInTimeStays) {
  past_the_first_minute();
  const wire::Handle handle = make(*one, 1, "/e").opened().handle();
  fail_over();
  expire(*two);
  TestClient again = come_back(*one);
  advance(Duration::seconds(50));
  EXPECT_THAT(again.reopen({handle}), ElementsAre(wire::OK));
  advance(Duration::seconds(30));
  EXPECT_TRUE(exists("/e"));
  again.heed();
  EXPECT_EQ(again.close(1), wire::OK);
  executor.run();
  EXPECT_FALSE(exists("/e"));
}

TEST_F(EphemeralTest, CH_23_ADirectoryGoesWhenItIsEmptyToo) {
  past_the_first_minute();
  make(*one, 1, "/e", /*directory=*/true);
  make(*one, 2, "/e/f");
  one->close(1);
  executor.run();
  EXPECT_TRUE(exists("/e"));
  one->close(2);
  executor.run();
  EXPECT_FALSE(exists("/e/f"));
  EXPECT_FALSE(exists("/e"));
}

TEST_F(EphemeralTest, CH_23_ItWaitsForTheCachesLikeAnyDeletion) {
  past_the_first_minute();
  make(*one, 1, "/e");
  two->open(1, "/e", kRead);
  two->close(1);
  one->close(1);
  executor.run();
  EXPECT_TRUE(exists("/e"));
  EXPECT_THAT(two->told(), ElementsAre("invalidate /e"));
  two->keep_alive();
  EXPECT_FALSE(exists("/e"));
}

TEST_F(EphemeralTest, CH_60_AnOpenWhileItIsGoingWaitsAndFindsNothing) {
  past_the_first_minute();
  make(*one, 1, "/e");
  two->open(1, "/e", kRead);
  two->close(1);
  one->close(1);
  ASSERT_TRUE(exists("/e")) << "a cache is in the way";
  const uint64_t open = one->ask(TestClient::open_call(2, "/e", kWrite));
  EXPECT_FALSE(one->code(open));
  two->heed();
  EXPECT_EQ(one->code(open), wire::NO_NODE);
}

TEST_F(EphemeralTest, CH_60_OneThatCreatesMakesTheNext) {
  past_the_first_minute();
  const uint64_t before = make(*one, 1, "/e").opened().handle().instance();
  two->open(1, "/e", kRead);
  two->close(1);
  one->close(1);
  wire::Call create = TestClient::open_call(2, "/e", kWrite, wire::Open::IF_MISSING);
  create.mutable_open()->set_ephemeral(true);
  const uint64_t open = one->ask(create);
  EXPECT_FALSE(one->code(open));
  two->heed();
  const auto reply = one->reply(open);
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->code(), wire::OK);
  EXPECT_TRUE(reply->opened().created());
  EXPECT_GT(reply->opened().handle().instance(), before);
  executor.run();
  EXPECT_TRUE(exists("/e"));
}

// Its maker cannot open it, so it would never be closed.
TEST_F(EphemeralTest, CH_23_ANodeThatItsMakerMayNotOpenGoesAtOnce) {
  past_the_first_minute();
  wire::Call made = TestClient::open_call(1, "/e", kRead, wire::Open::MUST);
  made.mutable_open()->set_ephemeral(true);
  made.mutable_open()->mutable_acl()->set_read("nobody");
  EXPECT_EQ(one->call(made).code(), wire::PERMISSION_DENIED);
  executor.run();
  EXPECT_FALSE(exists("/e"));
}

TEST_F(EphemeralTest, CH_23_ANodeWhoseMakerEndedMeanwhileGoes) {
  past_the_first_minute();
  gateway.hold_log = true;
  wire::Call made = TestClient::open_call(1, "/e", kWrite, wire::Open::MUST);
  made.mutable_open()->set_ephemeral(true);
  one->ask(made);
  ASSERT_EQ(gateway.logged(), 1u);
  hang_up(*one);
  gateway.hold_log = false;
  gateway.apply_log();
  expire(*one);
  EXPECT_FALSE(exists("/e"));
}

// A deletion that could not be decided is asked for again.
TEST_F(EphemeralTest, CH_23_AMissedDeletionIsMadeUpFor) {
  past_the_first_minute();
  make(*one, 1, "/e");
  gateway.hold = true;
  one->ask(TestClient::close_call(1));
  ASSERT_EQ(gateway.held(), 1u);
  gateway.fail_held(0, state::Code::connection_loss);
  gateway.hold = false;
  executor.run();
  ASSERT_TRUE(exists("/e"));
  past_the_first_minute();
  EXPECT_FALSE(exists("/e"));
}

}  // namespace
}  // namespace conclave::frontend::chubby
