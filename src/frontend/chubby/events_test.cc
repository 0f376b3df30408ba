// Events: of those kinds that a handle asked for, each after its action (CH-40, CH-41).
#include "frontend/chubby/testing_world.h"

namespace conclave::frontend::chubby {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class EventsTest : public ChubbyTest {
 protected:
  void SetUp() override {
    lead();
    watcher.emplace(client());
    writer.emplace(client());
    writer->make_directory(1, "/d");
    writer->make(2, "/d/f");
  }
  void watch(uint64_t handle, const std::string& path, uint32_t events) {
    wire::Call open = TestClient::open_call(handle, path, wire::MODE_CHANGE_ACL);  // which caches nothing
    open.mutable_open()->set_events(events);
    ASSERT_EQ(watcher->call(open).code(), wire::OK);
  }
  std::vector<std::string> told() {
    auto out = watcher->told();
    if (out != std::vector<std::string>{"-"}) watcher->keep_alive();
    return out;
  }
  std::optional<TestClient> watcher, writer;
};

TEST_F(EventsTest, CH_40_ContentChanged) {
  watch(1, "/d/f", wire::EVENT_CONTENT_CHANGED);
  writer->set(2, "x");
  EXPECT_THAT(told(), ElementsAre("1 content"));
}

TEST_F(EventsTest, CH_40_ChildAddedChangedRemoved) {
  watch(1, "/d", wire::EVENT_CHILD_CHANGED);
  writer->make(3, "/d/g");
  EXPECT_THAT(told(), ElementsAre("1 child-added g"));
  writer->set(2, "x");
  EXPECT_THAT(told(), ElementsAre("1 child-changed f"));
  writer->remove(3);
  EXPECT_THAT(told(), ElementsAre("1 child-removed g"));
}

TEST_F(EventsTest, CH_40_LockAcquired) {
  watch(1, "/d/f", wire::EVENT_LOCK_ACQUIRED);
  writer->acquire(2);
  EXPECT_THAT(told(), ElementsAre("1 lock-acquired"));
  writer->release(2);
  EXPECT_THAT(told(), ElementsAre("-"));
}

TEST_F(EventsTest, CH_40_AnInvalidHandleIsToldToAll) {
  watch(1, "/d/f", 0);
  writer->remove(2);
  EXPECT_THAT(told(), ElementsAre("1 handle-invalid"));
  writer->make(3, "/d/f");
  writer->remove(3);
  EXPECT_THAT(told(), ElementsAre("-")) << "once";
}

TEST_F(EventsTest, CH_40_OnlyWhatWasAskedForIsTold) {
  watch(1, "/d", wire::EVENT_CONTENT_CHANGED | wire::EVENT_LOCK_ACQUIRED);
  watch(2, "/d/f", wire::EVENT_CHILD_CHANGED);
  writer->set(2, "x");
  writer->make(3, "/d/g");
  writer->acquire(2);
  EXPECT_THAT(told(), ElementsAre("-"));
}

TEST_F(EventsTest, CH_40_EachHandleIsTold) {
  watch(1, "/d/f", wire::EVENT_CONTENT_CHANGED);
  watch(2, "/d/f", wire::EVENT_CONTENT_CHANGED);
  writer->set(2, "x");
  EXPECT_THAT(told(), ElementsAre("1 content", "2 content"));
  watcher->close(1);
  writer->set(2, "y");
  EXPECT_THAT(told(), ElementsAre("2 content"));
}

TEST_F(EventsTest, CH_40_AFailOverIsToldToAll) {
  fail_over();
  TestClient again = connect();
  again.resume(*watcher);
  ASSERT_TRUE(again.welcomed());
  again.keep_alive();
  EXPECT_THAT(again.told(), ElementsAre("fail-over"));
}

TEST_F(EventsTest, CH_41_AnEventComesAfterItsAction) {
  watch(1, "/d/f", wire::EVENT_CONTENT_CHANGED);
  gateway.hold_log = true;
  const uint64_t set = writer->ask(TestClient::set_call(2, "x"));
  writer->heed();
  EXPECT_EQ(gateway.logged(), 1u);
  EXPECT_THAT(told(), ElementsAre("-")) << "it is not done yet";
  gateway.hold_log = false;
  gateway.apply_log();
  executor.run();
  EXPECT_THAT(told(), ElementsAre("1 content"));
  EXPECT_EQ(contents("/d/f"), "x");
  EXPECT_EQ(writer->code(set), wire::OK);
}

TEST_F(EventsTest, CH_40_ChangesOfZooKeepersClientsAreTold) {
  watch(1, "/d/f", wire::EVENT_CONTENT_CHANGED);
  const auto done = write(state::SetDataRequest{.path = "/d/f", .data = "z"});
  writer->heed();
  EXPECT_EQ(*done, state::Code::ok);
  EXPECT_THAT(told(), ElementsAre("1 content"));
}

TEST_F(EventsTest, CH_69_EventsThatNobodyFetchesWait) {
  watch(1, "/d/f", wire::EVENT_CONTENT_CHANGED);
  hang_up(*watcher);
  writer->set(2, "x");
  writer->set(2, "y");
  TestClient again = connect();
  again.resume(*watcher);
  ASSERT_TRUE(again.welcomed());
  again.keep_alive();
  EXPECT_THAT(again.told(), ElementsAre("1 content", "1 content"));
}

TEST_F(EventsTest, CH_40_BeyondABoundEventsAreDroppedAndARescanIsTold) {
  Settings settings;
  settings.limits.notices_max = 3;
  server.reset();
  lead(5, settings);
  TestClient slow = client();
  wire::Call open = TestClient::open_call(1, "/d/f", wire::MODE_CHANGE_ACL);
  open.mutable_open()->set_events(wire::EVENT_CONTENT_CHANGED);
  ASSERT_EQ(slow.call(open).code(), wire::OK);
  hang_up(slow);
  expire(*watcher);
  expire(*writer);
  for (int i = 0; i < 10; ++i) gateway.apply(state::SetDataRequest{.path = "/d/f", .data = "x"}, {}, {{"super", ""}});
  EXPECT_EQ(server->figures().master.notices, 4u);
  TestClient again = connect();
  again.resume(slow);
  ASSERT_TRUE(again.welcomed());
  again.keep_alive();
  EXPECT_THAT(again.told(), ElementsAre("1 content", "1 content", "1 content", "fail-over"));
  again.keep_alive();
  gateway.apply(state::SetDataRequest{.path = "/d/f", .data = "x"}, {}, {{"super", ""}});
  executor.run();
  EXPECT_THAT(again.told(), ElementsAre("1 content")) << "and then it goes on";
}

}  // namespace
}  // namespace conclave::frontend::chubby
