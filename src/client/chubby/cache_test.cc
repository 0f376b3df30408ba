// The cache, notices and events.
#include "client/chubby/testing_client.h"

namespace conclave::chubby {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class CacheTest : public ClientTest {
 protected:
  // Reads once at the master, with leave to keep it.
  void fill_cache(HandleId file, const std::string& text = "text") {
    client->get_contents(file, nullptr);
    reply(next_call(), wire::OK, contents(text, true));
  }
};

TEST_F(CacheTest, ASecondReadAsksNobody) {  // CH-55
  const HandleId file = start_with("/f");
  fill_cache(file);
  client->get_contents(file, record<Contents>("get"));
  client->get_stat(file, record<Stat>("stat"));
  EXPECT_THAT(log, IsEmpty()) << "never from inside the call";
  EXPECT_TRUE(no_call());
  EXPECT_THAT(log, ElementsAre("get: text", "stat: 20"));
  EXPECT_EQ(client->figures().cache_hits, 2u);
  EXPECT_EQ(client->figures().cache_misses, 1u);
}

TEST_F(CacheTest, WhatIsNotCacheableIsAskedEachTime) {  // CH-58
  const HandleId file = start_with("/f");
  client->get_contents(file, nullptr);
  reply(next_call(), wire::OK, contents("text", false));
  client->get_contents(file, nullptr);
  EXPECT_TRUE(next_call().has_get_contents());
}

TEST_F(CacheTest, AnInvalidationIsActedOnThenAcknowledged) {  // CH-56, CH-57, CH-69
  const HandleId file = start_with("/f");
  fill_cache(file);
  replica.grant({ScriptedReplica::invalidation(1, "/f")});
  ASSERT_TRUE(until([&] { return replica.keep_alives.size() == 2; }, Duration::millis(5)));
  EXPECT_EQ(replica.keep_alives.back().acknowledged(), 1u);
  client->get_contents(file, record<Contents>("get"));
  reply(next_call(), wire::OK, contents("new", false));
  EXPECT_THAT(log, ElementsAre("get: new"));
  EXPECT_EQ(client->figures().invalidations, 1u);
}

TEST_F(CacheTest, NoticesAreActedOnOnce) {  // CH-69
  start_with("/f", {.events = {.contents = true}, .on_event = hear("f")});
  const auto first = ScriptedReplica::event(1, 1, wire::Event::CONTENT_CHANGED);
  const auto second = ScriptedReplica::event(2, 1, wire::Event::CONTENT_CHANGED);
  replica.grant({first});
  settle();
  replica.disconnect();
  ASSERT_TRUE(until([&] { return client->figures().connections == 2 && replica.keep_alives.back().number() == 1; }));
  settle();
  EXPECT_EQ(replica.keep_alives.back().acknowledged(), 1u);
  replica.grant({first, second});  // the acknowledgement of the first was on its way
  settle();
  replica.grant({second});
  settle();
  EXPECT_THAT(log, ElementsAre("f: contents changed", "f: contents changed"));
}

// A reply that was made before the invalidation and comes behind it.
TEST_F(CacheTest, ALateReplyIsNotKept) {  // CH-56
  const HandleId file = start_with("/f");
  client->get_contents(file, record<Contents>("get"));
  const wire::Call call = next_call();
  replica.grant({ScriptedReplica::invalidation(1, "/f")});
  settle();
  reply(call, wire::OK, contents("old", true));
  client->get_contents(file, nullptr);
  EXPECT_TRUE(next_call().has_get_contents());
  EXPECT_THAT(log, ElementsAre("get: old"));
}

TEST_F(CacheTest, AnInvalidationOfAnotherNameDoesNoHarm) {
  const HandleId file = start_with("/f");
  client->get_contents(file, nullptr);
  const wire::Call call = next_call();
  replica.grant({ScriptedReplica::invalidation(1, "/g")});
  settle();
  reply(call, wire::OK, contents("text", true));
  client->get_contents(file, record<Contents>("get"));
  EXPECT_TRUE(no_call());
  EXPECT_THAT(log, ElementsAre("get: text"));
}

TEST_F(CacheTest, WriteThrough) {  // CH-55
  const HandleId file = start_with("/f", {.mode = kReadWrite});
  fill_cache(file);
  client->set_contents(file, "mine", {}, nullptr);
  client->get_contents(file, record<Contents>("during"));
  const wire::Call set = next_call();
  const wire::Call get = next_call();
  client->get_contents(file, record<Contents>("early"));
  reply(next_call(), wire::OK, contents("text", true));
  client->get_contents(file, record<Contents>("still"));
  reply(next_call(), wire::OK, contents("text", true));  // not from the cache while the change is under way
  reply(set, wire::OK, [](wire::Reply& r) {
    r.set_cacheable(true);
    fill_stat(r.mutable_stat(), 9, 21);
  });
  reply(get, wire::OK, contents("text", true));  // what it was before: must not replace what we wrote
  client->get_contents(file, record<Contents>("after"));
  EXPECT_TRUE(no_call());
  EXPECT_THAT(log, ElementsAre("early: text", "still: text", "during: text", "after: mine"));
}

TEST_F(CacheTest, JeopardyEmptiesTheCache) {  // CH-71
  const HandleId file = start_with("/f");
  fill_cache(file);
  replica.answers_hello = false;
  replica.disconnect();
  settle(Duration::seconds(13));
  EXPECT_EQ(client->cached_nodes(), 0u);
  client->get_contents(file, record<Contents>("get"));
  settle(Duration::seconds(1));
  EXPECT_THAT(log, ElementsAre("jeopardy"));
}

// The clock decides, not the timer that would tell of it.
TEST_F(CacheTest, NothingIsReadFromTheCacheBehindTheLease) {  // CH-70
  const HandleId file = start_with("/f");
  fill_cache(file);
  host().jump_clock(Duration::seconds(12));
  client->get_contents(file, record<Contents>("get"));
  EXPECT_EQ(client->session_state(), SessionState::jeopardy);
  EXPECT_EQ(client->figures().cache_hits, 0u);
}

TEST_F(CacheTest, NothingIsOpenedFromTheCacheBehindTheLease) {  // CH-70
  start();
  open_file("/f", {}, true);
  host().jump_clock(Duration::seconds(12));
  client->open("/f", {}, record<Opened>("open"));
  EXPECT_EQ(client->figures().open_hits, 0u);
}

TEST_F(CacheTest, ANewEpochEmptiesTheCache) {  // CH-77
  const HandleId file = start_with("/f");
  fill_cache(file);
  replica.on_call = yes;
  replica.epoch = 6;
  replica.disconnect();
  ASSERT_TRUE(until([&] { return client->epoch() == 6; }));
  EXPECT_EQ(client->cached_nodes(), 0u);
}

TEST_F(CacheTest, TheSameEpochKeepsIt) {  // CH-65
  const HandleId file = start_with("/f");
  fill_cache(file);
  replica.disconnect();
  ASSERT_TRUE(until([&] { return client->figures().connections == 2; }));
  client->get_contents(file, record<Contents>("get"));
  EXPECT_TRUE(no_call());
  EXPECT_THAT(log, ElementsAre("get: text"));
}

TEST_F(CacheTest, AbsenceIsCached) {  // CH-55, CH-97
  start();
  client->open("/gone", {}, record<Opened>("first"));
  reply(next_call(), wire::NO_NODE, [](wire::Reply& r) { r.set_cacheable(true); });
  for (int i = 0; i < 3; ++i) client->open("/gone", {}, record<Opened>("next"));
  EXPECT_TRUE(no_call());
  EXPECT_EQ(log.size(), 4u);
  EXPECT_EQ(log.back(), "next: no such node");
  client->open("/gone", {.creation = Creation::if_missing}, record<Opened>("create"));
  const wire::Call create = next_call();
  reply(create, wire::OK, opened(create));
  client->open("/gone", {}, record<Opened>("now"));
  EXPECT_TRUE(next_call().has_open());
}

TEST_F(CacheTest, RepeatedOpensCostOneCall) {  // CH-60
  start();
  open_file("/f", {}, true);
  client->open("/f", {}, record<Opened>("same"));
  client->open("/f", {.creation = Creation::if_missing}, record<Opened>("if missing"));
  EXPECT_TRUE(no_call());
  EXPECT_THAT(log, ElementsAre("same: opened", "if missing: opened"));
  EXPECT_EQ(client->figures().open_hits, 2u);
  client->open("/f", {.mode = kReadWrite}, nullptr);  // more than the open one may
  EXPECT_TRUE(next_call().has_open());
  client->open("/f", {.events = {.contents = true}}, nullptr);
  EXPECT_TRUE(next_call().has_open());
  client->open("/f", {.creation = Creation::must}, nullptr);
  EXPECT_TRUE(next_call().has_open());
}

TEST_F(CacheTest, AClosedHandleIsUsedAgain) {  // CH-60
  start();
  const HandleId first = open_file("/f", {}, true);
  client->close(first, record<void>("close"));
  client->get_stat(first, record<Stat>("closed"));
  client->open("/f", {}, record<Opened>("again"));
  EXPECT_TRUE(no_call());
  EXPECT_THAT(log, ElementsAre("close: ok", "closed: the handle is not open", "again: opened"));
}

TEST_F(CacheTest, AnInvalidatedNodeIsOpenedAtTheMaster) {  // CH-56
  start();
  open_file("/f", {}, true);
  replica.grant({ScriptedReplica::invalidation(1, "/f")});
  settle();
  client->open("/f", {}, nullptr);
  EXPECT_TRUE(next_call().has_open());
}

// The master has not told yet that the first is gone.
TEST_F(CacheTest, AHandleDoesNotReadAnotherInstance) {  // CH-31
  const HandleId old = start_with("/f");
  HandleId fresh;
  client->open("/f", {}, [&](Outcome<Opened> result) { fresh = result->handle; });
  const wire::Call open = next_call();
  reply(open, wire::OK, opened(open, true, 10));
  client->get_contents(fresh, nullptr);
  reply(next_call(), wire::OK, [](wire::Reply& r) {
    contents("new", true)(r);
    r.mutable_contents()->mutable_stat()->set_instance(10);
  });
  client->get_contents(fresh, record<Contents>("fresh"));
  client->get_contents(old, record<Contents>("old"));
  const wire::Call get = next_call();
  EXPECT_EQ(get.get_contents().handle(), 1u);
  reply(get, wire::HANDLE_INVALID);
  client->get_stat(old, record<Stat>("old"));
  reply(next_call(), wire::HANDLE_INVALID);
  client->open("/f", {}, record<Opened>("open"));  // behind the new one, not the old one
  EXPECT_TRUE(no_call());
  EXPECT_THAT(log, ElementsAre("fresh: new", "old: the handle's node is gone", "old: the handle's node is gone",
                               "open: opened"));
}

TEST_F(CacheTest, ARelativeNameIsKnownIfItsParentIs) {  // CH-45, CH-60
  start();
  open_file("/d/f", {}, true);
  const HandleId parent = open_file("/d");
  client->open(parent, "f", {}, nullptr);
  const wire::Call first = next_call();  // is the parent the same still?
  EXPECT_EQ(first.open().parent_instance(), 9u);
  reply(first, wire::OK, opened(first, true));
  client->get_stat(parent, nullptr);
  reply(next_call(), wire::OK, [](wire::Reply& r) {
    r.set_cacheable(true);
    fill_stat(r.mutable_stat());
  });
  client->open(parent, "f", {}, record<Opened>("known"));
  EXPECT_TRUE(no_call());
  EXPECT_THAT(log, ElementsAre("known: opened"));
}

TEST_F(CacheTest, AHandleOfAnEphemeralFileIsClosedAtOnce) {  // CH-60
  start();
  const HandleId file = open_file("/e", {.creation = Creation::must, .ephemeral = true}, true);
  client->close(file, nullptr);
  EXPECT_TRUE(next_call().has_close());
}

TEST_F(CacheTest, AHandleThatMayLockIsNotShared) {  // CH-60
  start();
  const HandleId first = open_file("/f", {.mode = kReadWrite}, true);
  client->open("/f", {.mode = kReadWrite}, nullptr);
  const wire::Call second = next_call();
  EXPECT_TRUE(second.has_open());
  reply(second, wire::NO_NODE);
  client->close(first, nullptr);
  client->get_stat(open_file("/g"), nullptr);
  next_call();
  EXPECT_TRUE(no_call()) << "the first is kept";
}

TEST_F(CacheTest, IdleHandlesAreBounded) {  // CH-60
  options.idle_handles_max = 2;
  start();
  for (const char* path : {"/a", "/b", "/c"}) client->close(open_file(path), nullptr);
  const wire::Call close = next_call();
  EXPECT_EQ(close.close().handle(), 1u);
}

TEST_F(CacheTest, EntriesAreBounded) {  // CH-55
  options.cache_entries_max = 2;
  const HandleId a = start_with("/a");
  const HandleId b = open_file("/b");
  const HandleId c = open_file("/c");
  fill_cache(a);
  fill_cache(b);
  client->get_stat(a, nullptr);  // used last
  fill_cache(c);
  EXPECT_EQ(client->cached_nodes(), 2u);
  client->get_contents(a, nullptr);
  EXPECT_TRUE(no_call());
  client->get_contents(b, nullptr);
  EXPECT_TRUE(next_call().has_get_contents());
}

TEST_F(CacheTest, BytesAreBounded) {  // CH-55
  options.cache_bytes_max = 10'000;
  const HandleId a = start_with("/a");
  const HandleId b = open_file("/b");
  fill_cache(a, Bytes(6'000, 'a'));
  fill_cache(b, Bytes(6'000, 'b'));
  EXPECT_EQ(client->cached_nodes(), 1u);
  fill_cache(a, Bytes(20'000, 'a'));
  EXPECT_EQ(client->cached_nodes(), 0u);
}

TEST_F(CacheTest, EventsReachWhoAskedForThem) {  // CH-40
  start();
  open_file("/d", {.events = {.children = true}, .on_event = hear("children")}, true);
  client->open("/d", {.on_event = hear("plain")}, nullptr);  // on the same handle at the master
  EXPECT_TRUE(no_call());
  replica.grant({ScriptedReplica::event(1, 1, wire::Event::CHILD_ADDED, "x"),
                 ScriptedReplica::event(2, 1, wire::Event::CHILD_REMOVED, "x"),
                 ScriptedReplica::event(3, 9, wire::Event::CHILD_ADDED, "of nobody"),
                 ScriptedReplica::event(4, 1, wire::Event::HANDLE_INVALID)});
  settle();
  EXPECT_THAT(log, ElementsAre("children: child added x", "children: child removed x", "children: handle invalid",
                               "plain: handle invalid"));
}

TEST_F(CacheTest, AnEventMayComeBeforeTheAnswerToOpen) {  // CH-40
  start();
  client->open("/f", {.events = {.contents = true}, .on_event = hear("f")}, record<Opened>("open"));
  const wire::Call open = next_call();
  replica.grant({ScriptedReplica::event(1, 1, wire::Event::CONTENT_CHANGED)});
  settle();
  reply(open, wire::OK, opened(open));
  EXPECT_THAT(log, ElementsAre("open: opened", "f: contents changed"));
}

}  // namespace
}  // namespace conclave::chubby
