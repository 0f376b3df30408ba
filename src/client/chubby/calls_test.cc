// Calls: on the wire and back, sent again, put off, cancelled; a new epoch.
#include <numeric>

#include "client/chubby/testing_client.h"

namespace conclave::chubby {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST_F(ClientTest, EveryCallOnTheWireAndBack) {  // CH-45, CH-47, CH-48, CH-49, CH-50
  const HandleId file = start_with(
      "/ls/local/f", {.mode = {.read = true, .write = true, .change_acl = true},
                      .events = {.contents = true, .children = true, .lock_acquired = true, .lock_conflict = true},
                      .lock_delay_ms = 500});
  const AclNames acl{.read = "r", .write = "w", .change_acl = "c"};
  client->get_contents(file, record<Contents>("get"));
  client->get_stat(file, record<Stat>("stat"));
  client->read_directory(file, record<Directory>("list"));
  client->set_contents(file, "new", std::nullopt, record<Stat>("set"));
  client->set_contents(file, "new", 20, record<Stat>("swap"));
  client->set_acl(file, acl, std::nullopt, record<Stat>("acl"));
  client->set_acl(file, acl, 0, record<Stat>("acl if"));
  client->remove(file, record<void>("remove"));
  client->try_acquire(file, LockMode::shared, record<Acquired>("acquire"));
  client->release(file, record<void>("release"));
  client->check_sequencer("text", record<bool>("check"));
  client->open(file, "child/of",
               {.creation = Creation::must, .directory = true, .ephemeral = true, .contents = "c", .acl = acl},
               record<Opened>("open"));
  client->close(file, record<void>("close"));
  std::vector<wire::Call> sent;
  for (int i = 0; i < 13; ++i) sent.push_back(next_call());
  EXPECT_EQ(sent[0].get_contents().handle(), 1u);
  EXPECT_EQ(sent[1].get_stat().handle(), 1u);
  EXPECT_EQ(sent[2].read_directory().handle(), 1u);
  EXPECT_EQ(sent[3].set_contents().contents(), "new");
  EXPECT_EQ(sent[3].set_contents().generation(), 0u);
  EXPECT_EQ(sent[4].set_contents().generation(), 20u);
  EXPECT_EQ(sent[5].set_acl().acl().change_acl(), "c");
  EXPECT_FALSE(sent[5].set_acl().conditional());
  EXPECT_TRUE(sent[6].set_acl().conditional());
  EXPECT_EQ(sent[7].delete_().handle(), 1u);
  EXPECT_TRUE(sent[8].acquire().shared());
  EXPECT_EQ(sent[9].release().handle(), 1u);
  EXPECT_EQ(sent[10].check_sequencer().sequencer(), "text");
  const wire::Open& open = sent[11].open();
  EXPECT_EQ(open.path(), "/f/child/of");
  EXPECT_EQ(open.parent_instance(), 9u);
  EXPECT_EQ(open.creation(), wire::Open::MUST);
  EXPECT_TRUE(open.directory() && open.ephemeral());
  EXPECT_EQ(open.contents(), "c");
  EXPECT_EQ(open.acl().read(), "r");
  EXPECT_EQ(sent[12].close().handle(), 1u);
  const auto stat = [](wire::Reply& r) { fill_stat(r.mutable_stat()); };
  reply(sent[0], wire::OK, contents("text", false));
  reply(sent[1], wire::OK, stat);
  reply(sent[2], wire::OK, [](wire::Reply& r) { r.mutable_directory()->add_entries()->set_name("a"); });
  reply(sent[3], wire::OK, stat);
  reply(sent[4], wire::GENERATION_MISMATCH);
  reply(sent[5], wire::OK, stat);
  reply(sent[6], wire::PERMISSION_DENIED);
  reply(sent[7], wire::NOT_EMPTY);
  reply(sent[8], wire::LOCK_DELAYED);
  reply(sent[9], wire::LOCK_NOT_HELD);
  reply(sent[10], wire::OK, [](wire::Reply& r) { r.mutable_sequencer()->set_valid(true); });
  reply(sent[11], wire::OK, opened(sent[11]));
  reply(sent[12]);
  EXPECT_THAT(
      log, ElementsAre("get: text", "stat: 20", "list: 1", "set: 20", "swap: another generation", "acl: 20",
                       "acl if: permission denied", "remove: the node has children", "acquire: the lock-delay passes",
                       "release: the lock is not held", "check: yes", "open: created", "close: ok"));
}

TEST_F(ClientTest, Names) {  // CH-20
  start_with("/ls/test");
  EXPECT_EQ(replica.calls.size(), 0u);
  client->open("/ls/test/a/b", {}, record<Opened>("own"));
  client->open("/ls/local/c", {}, record<Opened>("local"));
  client->open("/ls/other/a", {}, record<Opened>("other"));
  client->open("relative", {}, record<Opened>("relative"));
  client->open("/a//b", {}, record<Opened>("double"));
  client->open(client->root(), "d", {}, record<Opened>("below"));
  client->open(client->root(), "/d", {}, record<Opened>("absolute below"));
  EXPECT_EQ(next_call().open().path(), "/a/b");
  EXPECT_EQ(next_call().open().path(), "/c");
  const wire::Call below = next_call();
  EXPECT_EQ(below.open().path(), "/d");
  EXPECT_EQ(below.open().parent_instance(), 0u);
  EXPECT_TRUE(no_call());
  EXPECT_THAT(log, testing::UnorderedElementsAre("other: a name of another cell", "relative: bad argument",
                                                 "double: bad argument", "absolute below: bad argument"));
}

TEST_F(ClientTest, TheRootIsAlwaysThere) {  // CH-45
  start();
  client->read_directory(client->root(), record<Directory>("list"));
  client->close(client->root(), record<void>("close"));
  const wire::Call open = next_call();
  EXPECT_EQ(open.open().path(), "/");
  reply(open, wire::OK, opened(open));
  const wire::Call list = next_call();
  EXPECT_EQ(list.read_directory().handle(), open.open().handle());
  reply(list);
  client->read_directory(client->root(), record<Directory>("again"));
  reply(next_call());
  EXPECT_THAT(log, ElementsAre("close: ok", "list: 0", "again: 0"));
}

TEST_F(ClientTest, WhatAHandleWasNotOpenedForIsRefusedHere) {
  const HandleId file = start_with("/f");
  client->set_contents(file, "x", {}, record<Stat>("set"));
  client->acquire(file, LockMode::shared, record<Acquired>("acquire"));
  client->set_acl(file, {}, {}, record<Stat>("acl"));
  client->set_contents(file, Bytes(wire::kFileBytesMax + 1, 'x'), {}, record<Stat>("large"));  // CH-97
  client->get_stat(HandleId(99), record<Stat>("none"));
  EXPECT_TRUE(no_call());
  EXPECT_THAT(log, testing::UnorderedElementsAre(
                       "set: the handle was not opened for this", "acquire: the handle was not opened for this",
                       "acl: the handle was not opened for this", "large: too large", "none: the handle is not open"));
}

// What has no answer goes again on the next connection, under its number and in its order (RP-02).
TEST_F(ClientTest, CallsAreSentAgainUnderTheirNumbers) {
  const HandleId file = start_with("/f", {.mode = kReadWrite});
  for (int i = 0; i < 3; ++i) client->set_contents(file, std::to_string(i), {}, record<Stat>(std::to_string(i)));
  std::vector<wire::Call> first{next_call(), next_call(), next_call()};
  EXPECT_EQ(first[0].number(), 2u);
  EXPECT_EQ(first[2].answered_below(), 2u);
  reply(first[1], wire::GENERATION_MISMATCH);
  replica.disconnect();
  const wire::Call again = next_call();
  EXPECT_EQ(again.number(), first[0].number());
  EXPECT_EQ(again.set_contents().contents(), "0");
  EXPECT_EQ(next_call().number(), first[2].number());
  client->get_stat(file, record<Stat>("stat"));
  const wire::Call stat = next_call();
  EXPECT_EQ(stat.number(), 5u);
  EXPECT_EQ(stat.answered_below(), 2u);
  reply(again);
  reply(first[2]);
  reply(first[2]);  // a second answer is passed over
  reply(stat);
  client->get_stat(file, record<Stat>("last"));
  EXPECT_EQ(next_call().answered_below(), 6u);
  EXPECT_THAT(log, ElementsAre("1: another generation", "0: 0", "2: 0", "stat: 0"));
  EXPECT_EQ(client->figures().calls_sent_again, 2u);
  EXPECT_EQ(client->figures().violations, 0u);
}

TEST_F(ClientTest, APutOffCallGoesAgainAndNothingNewBeforeIt) {  // CH-73: a suffix is lost, nothing else
  const HandleId file = start_with("/f", {.mode = kReadWrite});
  client->set_contents(file, "a", {}, record<Stat>("a"));
  const wire::Call first = next_call();
  replica.reply(first.number(), wire::UNAVAILABLE);
  settle();
  client->set_contents(file, "b", {}, record<Stat>("b"));
  settle(Duration::millis(10));
  EXPECT_THAT(replica.calls, IsEmpty());
  const wire::Call again = next_call();
  EXPECT_EQ(again.number(), first.number());
  const wire::Call second = next_call();
  EXPECT_EQ(second.set_contents().contents(), "b");
  reply(again, wire::BUSY);
  reply(second);
  reply(next_call());
  EXPECT_THAT(log, ElementsAre("b: 0", "a: 0"));
}

TEST_F(ClientTest, AtMostAWindowOfCallsIsUnanswered) {  // CH-97
  const HandleId file = start_with("/f", {.mode = kReadWrite});
  for (int i = 0; i < 300; ++i) client->set_contents(file, "x", {}, nullptr);
  settle(Duration::millis(100));
  EXPECT_EQ(replica.calls.size(), 256u);
  reply(next_call());
  EXPECT_EQ(replica.calls.size(), 256u);
  EXPECT_EQ(replica.calls.back().number(), 258u);
}

// The new master gets the handles first, then what the former one left unanswered.
TEST_F(ClientTest, ANewEpochBeginsWithTheHandles) {  // CH-77, CH-30
  const HandleId file = start_with("/f", {.mode = kReadWrite, .on_event = hear("f")});
  open_file("/g");
  const HandleId closed = open_file("/h", {.events = {.contents = true}});
  client->close(closed, nullptr);
  reply(next_call());
  client->set_contents(file, "x", {}, record<Stat>("set"));
  const wire::Call before = next_call();
  replica.epoch = 6;
  replica.disconnect();
  const wire::Call present = next_call();
  ASSERT_TRUE(present.has_reopen());
  EXPECT_EQ(present.epoch(), 6u);
  EXPECT_GT(present.number(), before.number());
  ASSERT_EQ(present.reopen().handles_size(), 2);
  EXPECT_EQ(present.reopen().handles(0).path(), "/f");
  EXPECT_EQ(present.reopen().handles(0).check_digits(), 4711u);
  EXPECT_EQ(present.reopen().handles(0).epoch(), 5u);
  EXPECT_TRUE(no_call()) << "before the answer";
  reply(present, wire::OK, [](wire::Reply& r) {
    r.mutable_reopened()->add_codes(wire::OK);
    r.mutable_reopened()->add_codes(wire::HANDLE_INVALID);
  });
  const wire::Call after = next_call();
  EXPECT_EQ(after.number(), before.number());
  EXPECT_EQ(after.epoch(), 6u);
  replica.grant({ScriptedReplica::fail_over(1)});
  reply(after);
  EXPECT_THAT(log, ElementsAre("f: fail-over", "set: 0"));
  EXPECT_EQ(replica.keep_alives.back().epoch(), 6u);
  EXPECT_EQ(replica.keep_alives.back().acknowledged(), 1u);
}

TEST_F(ClientTest, NothingNewIsSentBeforeTheHandlesAreAnswered) {  // CH-77, step 8
  const HandleId file = start_with("/f");
  replica.epoch = 6;
  replica.disconnect();
  const wire::Call present = next_call();
  client->get_stat(file, nullptr);
  EXPECT_TRUE(no_call());
  reply(present, wire::OK, [](wire::Reply& r) { r.mutable_reopened()->add_codes(wire::OK); });
  EXPECT_TRUE(next_call().has_get_stat());
}

TEST_F(ClientTest, AHandleThatTheNewMasterRefusesIsInvalid) {  // CH-31
  const HandleId file = start_with("/f", {.on_event = hear("f")});
  replica.epoch = 6;
  replica.disconnect();
  reply(next_call(), wire::OK, [](wire::Reply& r) { r.mutable_reopened()->add_codes(wire::HANDLE_INVALID); });
  client->get_stat(file, record<Stat>("stat"));
  settle();
  EXPECT_THAT(log, ElementsAre("f: handle invalid", "stat: the handle's node is gone"));
}

TEST_F(ClientTest, ManyHandlesArePresentedInParts) {  // CH-77
  replica.on_call = yes;
  start();
  size_t open = 0;
  const std::string name(4'000, 'n');
  for (int i = 0; i < 300; ++i) client->open("/" + name + std::to_string(i), {}, [&](Outcome<Opened>) { ++open; });
  ASSERT_TRUE(until([&] { return open == 300; }));
  std::vector<int> parts;
  replica.on_call = [&](const wire::Call& call) {
    EXPECT_LT(call.ByteSizeLong(), wire::kClientFrameBytesMax);
    parts.push_back(call.reopen().handles_size());
    return yes(call);
  };
  replica.epoch = 6;
  replica.disconnect();
  settle(Duration::millis(500));
  EXPECT_GE(parts.size(), 2u);
  EXPECT_EQ(std::accumulate(parts.begin(), parts.end(), 0), 300);
}

// The replica stays master, in another epoch: it says so on the connection of the former one.
TEST_F(ClientTest, AnotherEpochOnTheSameConnection) {  // CH-77
  const HandleId file = start_with("/f", {.mode = kReadWrite});
  client->set_contents(file, "x", {}, record<Stat>("set"));
  const wire::Call before = next_call();
  replica.epoch = 6;
  replica.reply(before.number(), wire::WRONG_EPOCH);
  const wire::Call present = next_call();
  EXPECT_TRUE(present.has_reopen());
  reply(present, wire::OK, [](wire::Reply& r) { r.mutable_reopened()->add_codes(wire::OK); });
  EXPECT_EQ(next_call().number(), before.number());
  EXPECT_EQ(replica.connections, 2u);
  replica.epoch = 7;
  replica.grant({}, Duration{});
  EXPECT_TRUE(next_call().has_reopen());
  EXPECT_EQ(client->epoch(), 7u);
}

TEST_F(ClientTest, AMasterInANewEpochIsAskedAgain) {         // CH-77
  options.replicas.push_back(sim::World::address(3, 7000));  // answers nothing
  start();
  client->open("/f", {}, nullptr);
  ASSERT_TRUE(until([&] { return !replica.calls.empty(); }, Duration::seconds(5)));
  replica.epoch = 6;
  const size_t before = replica.hellos.size();
  replica.reply(next_call().number(), wire::WRONG_EPOCH);
  EXPECT_TRUE(until([&] { return replica.hellos.size() > before; }, Duration::millis(10)));
  replica.epoch = 7;
  settle();
  replica.grant({}, Duration{});
  EXPECT_TRUE(until([&] { return client->epoch() == 7; }, Duration::millis(10)));
}

// A Close that the old master may have carried out must not bring the handle back at the new one.
TEST_F(ClientTest, AHandleThatIsBeingClosedIsNotPresented) {  // CH-77, step 8
  const HandleId file = start_with("/f", {.events = {.contents = true}});
  client->close(file, record<void>("close"));
  next_call();
  replica.epoch = 6;
  replica.disconnect();
  const wire::Call again = next_call();
  EXPECT_TRUE(again.has_close());
  reply(again);
  EXPECT_THAT(log, ElementsAre("close: ok"));
}

TEST_F(ClientTest, Cancel) {  // CH-98
  const HandleId file = start_with("/f", {.mode = kReadWrite});
  const CallId call = client->get_contents(file, record<Contents>("get"));
  const wire::Call sent = next_call();
  EXPECT_TRUE(client->cancel(call));
  EXPECT_FALSE(client->cancel(call));
  EXPECT_THAT(log, IsEmpty()) << "never from inside";
  settle();
  EXPECT_THAT(log, ElementsAre("get: cancelled"));
  EXPECT_THAT(replica.cancels, ElementsAre(sent.number()));
  reply(sent, wire::OK, contents("late", false));
  EXPECT_THAT(log, ElementsAre("get: cancelled"));
  EXPECT_FALSE(client->cancel(CallId(1234)));
}

TEST_F(ClientTest, ACancelledOpenLeavesNoHandle) {  // CH-98
  start();
  const CallId call = client->open("/f", {}, record<Opened>("open"));
  const wire::Call sent = next_call();
  client->cancel(call);
  reply(sent, wire::OK, opened(sent));
  const wire::Call close = next_call();
  EXPECT_EQ(close.close().handle(), sent.open().handle());
  EXPECT_THAT(log, ElementsAre("open: cancelled"));
}

TEST_F(ClientTest, ACallThatWasNotSentIsCancelledForGood) {  // CH-98
  replica.answers_hello = false;
  start();
  const CallId call = client->open("/f", {}, record<Opened>("open"));
  settle(Duration::millis(100));
  EXPECT_TRUE(client->cancel(call));
  replica.answers_hello = true;
  settle(Duration::seconds(5));
  EXPECT_THAT(replica.calls, IsEmpty());
  EXPECT_THAT(replica.cancels, IsEmpty());
  EXPECT_THAT(log, ElementsAre("open: cancelled"));
}

TEST_F(ClientTest, Poison) {  // CH-46
  const HandleId file = start_with("/f", {.mode = kReadWrite, .events = {.contents = true}});
  const HandleId other = open_file("/g");
  client->get_contents(file, record<Contents>("outstanding"));
  client->get_contents(other, record<Contents>("other"));
  next_call();
  const wire::Call unharmed = next_call();
  client->poison(file);
  client->get_stat(file, record<Stat>("later"));
  EXPECT_TRUE(no_call()) << "it is not closed";
  reply(unharmed, wire::OK, contents("text", false));
  client->close(file, record<void>("close"));
  reply(next_call());
  EXPECT_THAT(log, ElementsAre("outstanding: the handle is poisoned", "later: the handle is poisoned", "other: text",
                               "close: ok"));
}

}  // namespace
}  // namespace conclave::chubby
