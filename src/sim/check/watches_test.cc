#include "sim/check/watches.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/check/testing_history.h"

namespace conclave::sim::check::watches_test {
namespace {

using namespace testing;  // NOLINT: the builders
using ::testing::AllOf;
using ::testing::HasSubstr;

std::string judged(const Story& story) {
  return text_of(check_watches(story.history));
}

// One who watches and one who changes things.
struct Pair : Story {
  const ClientId w = client();
  const ClientId c = client();
  void reconnect() {
    disconnect(w);
    connect(w);
  }
};

TEST(Watches, AcceptsTheEventOfEveryKindBeforeWhatShowsTheChange) {
  Pair story;
  const size_t none = story.watch(story.w, exists("/a"));
  story.write(story.c, create("/a", "1"));
  story.event(none, EventKind::created);
  const size_t got = story.watch(story.w, get("/a"));
  const size_t there = story.watch(story.w, exists("/a"));
  const size_t listed = story.watch(story.w, children("/a"));
  story.write(story.c, create("/a/b", "2"));
  story.event(listed, EventKind::children_changed);
  story.write(story.c, set("/a", "3"));
  story.event(got, EventKind::data_changed);
  story.event(there, EventKind::data_changed);
  story.read(story.w, get("/a"));
  story.write(story.c, remove("/a/b"));
  const size_t got_again = story.watch(story.w, get("/a"));
  const size_t listed_again = story.watch(story.w, children("/a"));
  story.write(story.c, remove("/a"));
  story.event(got_again, EventKind::deleted);
  story.event(listed_again, EventKind::deleted);
  story.read(story.w, exists("/a"));
  Figures figures;
  EXPECT_EQ(text_of(check_watches(story.history, &figures)), "");
  EXPECT_EQ(figures.watches, 6U);
  EXPECT_EQ(figures.watch_events, 6U);
}

TEST(Watches, AcceptsAnEventStillUnderWayWhileNothingNewWasTold) {
  Pair story;
  story.write(story.c, create("/a", "1"));
  const size_t i = story.watch(story.w, get("/a"));
  story.write(story.c, set("/a", "2"));
  story.read_at(story.w, get("/a"), story.op(i).zxid);
  EXPECT_EQ(judged(story), "");
}

// A get that found nothing sets nothing; a close ends all watches.
TEST(Watches, DemandsNothingOfWatchesThatWereNotSetOrAreOver) {
  Pair story;
  story.watch(story.w, get("/a"));
  story.watch(story.w, children("/a"));
  story.write(story.c, create("/a", "1"));
  story.read(story.w, get("/a"));
  story.watch(story.w, get("/a"));
  story.write(story.c, set("/a", "2"));
  story.close(story.w);
  EXPECT_EQ(judged(story), "");
}

// W1, B49
TEST(Watches, RejectsALostEvent) {
  Pair story;
  story.write(story.c, create("/a", "1"));
  story.watch(story.w, get("/a"));
  story.write(story.c, set("/a", "2"));
  story.read(story.w, exists("/none"));
  EXPECT_THAT(
      judged(story),
      HasSubstr("operation 1 (client 1, get /a, invoked at 1.030 s) set a watch at 0x100000004 that 0x100000005 "
                "fires, and operation 3 (client 1, exists /none, invoked at 1.050 s) was answered at 0x100000005 "
                "without its event"));
}

// W1, ZK-07
TEST(Watches, RejectsAnEventBehindTheReadThatShowsTheChange) {
  Pair story;
  story.write(story.c, create("/a", "1"));
  const size_t i = story.watch(story.w, get("/a"));
  story.write(story.c, set("/a", "2"));
  story.read(story.w, get("/a"));
  story.event(i, EventKind::data_changed);
  EXPECT_THAT(judged(story), AllOf(HasSubstr("operation 1"), HasSubstr("before its event")));
}

// W1: an exists that found no node waits for the creation.
TEST(Watches, RejectsALostCreationAndALostChild) {
  Pair story;
  story.write(story.c, create("/p"));
  story.watch(story.w, exists("/p/a"));
  story.watch(story.w, children("/p"));
  story.write(story.c, create("/p/a", "1"));
  story.sync(story.w);
  EXPECT_THAT(judged(story),
              AllOf(HasSubstr("operation 1 (client 1, exists /p/a"), HasSubstr("operation 2 (client 1, children /p")));
}

// W2
TEST(Watches, RejectsTheWrongKindAndTheWrongPath) {
  Pair story;
  story.write(story.c, create("/a", "1"));
  const size_t i = story.watch(story.w, get("/a"));
  story.write(story.c, set("/a", "2"));
  story.event(i, EventKind::deleted);
  EXPECT_THAT(judged(story),
              HasSubstr("event 'deleted' of /a, told to client 1 at 1.050 s, for the watch of operation 1 "
                        "(client 1, get /a, invoked at 1.030 s): the watch was set at 0x100000004, and "
                        "0x100000005 makes 'data changed'"));
  story.history.watch_events.front().path = "/b";
  EXPECT_THAT(judged(story), HasSubstr("belongs to another watch"));
}

// W2, B49
TEST(Watches, RejectsAnEventFromTheFuture) {
  Pair story;
  story.write(story.c, create("/a", "1"));
  const size_t i = story.watch(story.w, get("/a"));
  story.event(i, EventKind::data_changed);
  EXPECT_THAT(judged(story), HasSubstr("has no cause"));
  story.write(story.c, set("/a", "2"));
  EXPECT_THAT(judged(story), HasSubstr("has no cause")) << "it was applied only later";
}

// W2: the client hears of a change and then reads the state before it.
TEST(Watches, RejectsAnOldReadBehindTheEvent) {
  Pair story;
  story.write(story.c, create("/a", "1"));
  const size_t i = story.watch(story.w, get("/a"));
  story.write(story.c, set("/a", "2"));
  story.event(i, EventKind::data_changed);
  const size_t j = story.read_at(story.w, get("/a"), story.op(i).zxid);
  EXPECT_THAT(judged(story), HasSubstr("comes from 0x100000005, and operation 3 (client 1, get /a, invoked at 1.060 s) "
                                       "behind it was answered at 0x100000004"));
  story.history.session_events.push_back({story.w, Story::session_of(story.w), SessionChange::connected,
                                          Duration::seconds(10), story.now(), story.op(j).seen});
  story.op(j).seen += 1;
  EXPECT_EQ(judged(story), "") << "events carry no zxid to a new connection";
}

// W3
TEST(Watches, RejectsASecondEvent) {
  Pair story;
  story.write(story.c, create("/a", "1"));
  const size_t i = story.watch(story.w, get("/a"));
  story.write(story.c, set("/a", "2"));
  story.event(i, EventKind::data_changed);
  story.write(story.c, set("/a", "3"));
  story.event(i, EventKind::data_changed);
  EXPECT_THAT(judged(story), HasSubstr("the second event of this watch"));
}

// W3
TEST(Watches, RejectsAnEventOfAWatchThatWasNeverSet) {
  Pair story;
  story.write(story.c, create("/a", "1"));
  const size_t unwatched = story.read(story.w, get("/a"));
  const size_t failed = story.watch(story.w, get("/b"));
  const size_t lost = story.watch(story.w, get("/a"));
  story.op(lost).answered = false;
  story.write(story.c, set("/a", "2"));
  story.write(story.c, create("/b", "3"));
  story.event(unwatched, EventKind::data_changed);
  story.event(failed, EventKind::created);
  story.event(lost, EventKind::data_changed);
  const std::string text = judged(story);
  EXPECT_THAT(text, AllOf(HasSubstr("operation 1 (client 1, get /a"), HasSubstr("operation 2 (client 1, get /b"),
                          HasSubstr("operation 3 (client 1, get /a")));
  EXPECT_EQ(std::ranges::count(text, '\n'), 3);
  EXPECT_THAT(text, HasSubstr("no such watch was ever set"));
}

// W4, B49
TEST(Watches, RejectsEventsOutOfOrder) {
  Pair story;
  story.write(story.c, create("/a", "1"));
  story.write(story.c, create("/b", "2"));
  const size_t a = story.watch(story.w, get("/a"));
  const size_t b = story.watch(story.w, get("/b"));
  story.write(story.c, set("/a", "3"));
  story.write(story.c, set("/b", "4"));
  story.event(b, EventKind::data_changed);
  story.event(a, EventKind::data_changed);
  EXPECT_THAT(judged(story), AllOf(HasSubstr("event 'data changed' of /a"),
                                   HasSubstr("comes from 0x100000006, and the event before it from 0x100000007")));
}

// --- over a loss of connection

TEST(Watches, AcceptsTheNetDifferenceAfterAReconnect) {
  Pair story;
  story.write(story.c, create("/a", "1"));
  const size_t got = story.watch(story.w, get("/a"));
  const size_t listed = story.watch(story.w, children("/a"));
  story.write(story.c, set("/a", "2"));
  story.write(story.c, create("/a/b", "3"));
  story.write(story.c, remove("/a/b"));
  story.write(story.c, remove("/a"));
  story.reconnect();
  story.event(got, EventKind::deleted);
  story.event(listed, EventKind::deleted);
  story.read(story.w, exists("/a"));
  EXPECT_EQ(judged(story), "");
}

TEST(Watches, RejectsTheNetDifferenceWithoutAReconnectAndOneThatNeverWas) {
  Pair story;
  story.write(story.c, create("/a", "1"));
  const size_t i = story.watch(story.w, get("/a"));
  story.write(story.c, set("/a", "2"));
  story.write(story.c, remove("/a"));
  story.event(i, EventKind::deleted);
  EXPECT_THAT(judged(story), HasSubstr("makes 'data changed'"));

  Pair other;
  other.write(other.c, create("/a", "1"));
  const size_t j = other.watch(other.w, get("/a"));
  other.write(other.c, set("/a", "2"));
  other.reconnect();
  other.event(j, EventKind::deleted);
  EXPECT_THAT(judged(other), HasSubstr("makes 'data changed'")) << "the node was there all the time";
  other.history.watch_events.front().kind = EventKind::created;
  EXPECT_THAT(judged(other), HasSubstr("makes 'data changed'")) << "a get waits for no creation";
}

// W1: setting a watch again must fire it if the change is there already.
TEST(Watches, RejectsAnEventLostOverAReconnect) {
  Pair story;
  story.write(story.c, create("/a", "1"));
  story.watch(story.w, get("/a"));
  story.write(story.c, set("/a", "2"));
  story.reconnect();
  story.read(story.w, get("/a"));
  EXPECT_THAT(judged(story), AllOf(HasSubstr("operation 1 (client 1, get /a"), HasSubstr("without its event")));
}

TEST(Watches, ACreationMayGoUnseenOverAReconnectIfTheNodeIsGoneAgain) {
  Pair story;
  story.watch(story.w, exists("/a"));
  story.write(story.c, create("/a", "1"));
  story.write(story.c, remove("/a"));
  story.reconnect();
  story.read(story.w, exists("/a"));
  EXPECT_EQ(judged(story), "");
  // It is set anew: the next creation fires it.
  story.write(story.c, create("/a", "2"));
  story.read(story.w, get("/a"));
  EXPECT_THAT(judged(story), AllOf(HasSubstr("operation 0 (client 1, exists /a"), HasSubstr("without its event")));
}

TEST(Watches, ACreationMustBeSeenWithoutAReconnectOrIfTheNodeStays) {
  Pair story;
  story.watch(story.w, exists("/a"));
  story.write(story.c, create("/a", "1"));
  story.write(story.c, remove("/a"));
  story.read(story.w, exists("/a"));
  EXPECT_THAT(judged(story), HasSubstr("without its event"));

  Pair other;
  other.watch(other.w, exists("/a"));
  other.write(other.c, create("/a", "1"));
  other.reconnect();
  other.read(other.w, exists("/a"));
  EXPECT_THAT(judged(other), HasSubstr("without its event"));
}

}  // namespace
}  // namespace conclave::sim::check::watches_test
