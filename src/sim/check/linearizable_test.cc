#include "sim/check/linearizable.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/check/search.h"
#include "sim/check/testing_history.h"

namespace conclave::sim::check::linearizable_test {
namespace {

using namespace testing;  // NOLINT: the builders
using ::testing::AllOf;
using ::testing::HasSubstr;
using Verdict = SearchResult::Verdict;

std::string judged(const Story& story) {
  return text_of(check_linearizable(story.history));
}

// Two operations that the story put one behind the other were really under way at the same time.
void overlap(Story* story, size_t i, size_t j) {
  const Instant begin = std::min(story->op(i).invoked, story->op(j).invoked);
  const Instant end = std::max(story->op(i).completed, story->op(j).completed);
  for (const size_t k : {i, j}) {
    story->op(k).invoked = begin;
    story->op(k).completed = end;
  }
}

// A read that must be linearizable.
size_t fresh(Story* story, ClientId client, const Call& call) {
  story->sync(client);
  return story->read(client, call);
}

TEST(Linearizable, AcceptsWhatAGoodCellAnswers) {
  Story story;
  const ClientId c = story.client();
  const ClientId d = story.client();
  story.write(c, create("/a", "1"));
  story.write(d, create("/a", "2"));
  story.write(d, set("/a", "3", 0));
  story.write(c, set("/a", "4", 0));
  story.write(c, check("/a", 1));
  fresh(&story, d, get("/a"));
  story.multi(c, {check("/a", 1), set("/a", "5"), create("/a/b", "6"), set("/a/b", "7")});
  story.multi(c, {set("/a", "8"), check("/a", 0)});
  fresh(&story, d, get("/a/b"));
  story.write(d, remove("/a"));
  story.write(d, remove("/a/b"));
  story.write(d, remove("/a"));
  story.write(d, remove("/a"));
  story.write(d, create("/a/c", "9"));
  fresh(&story, c, exists("/a"));
  Figures figures;
  EXPECT_EQ(text_of(check_linearizable(story.history, {}, &figures)), "");
  EXPECT_EQ(figures.searches, 3U);
  EXPECT_EQ(figures.searches_exhausted, 0U);
  EXPECT_EQ(figures.operations_order_blind, 15U);
}

TEST(Linearizable, IsBlindToZxids) {
  Story story;
  const ClientId c = story.client();
  story.write(c, create("/a", "1"));
  story.write(c, set("/a", "2"));
  fresh(&story, c, get("/a"));
  for (Operation& op : story.history.operations) op.zxid = Zxid(7);
  story.history.log.clear();
  EXPECT_EQ(judged(story), "");
}

TEST(Linearizable, RejectsAStaleReadBehindASync) {
  Story story;
  const ClientId c = story.client();
  const ClientId d = story.client();
  const Zxid old = story.op(story.write(c, create("/a", "1"))).zxid;
  const size_t changed = story.write(c, set("/a", "2"));
  story.sync(d);
  const size_t read = story.read_at(d, get("/a"), old);
  EXPECT_THAT(judged(story), AllOf(HasSubstr("no order of the 3 operations on /a"),
                                   HasSubstr("2 can be put in an order"), HasSubstr("operation 3 (client 2, get /a")));
  overlap(&story, changed, read);
  EXPECT_EQ(judged(story), "") << "the write was still under way";
}

TEST(Linearizable, LeavesOutPlainReads) {
  Story story;
  const ClientId c = story.client();
  const ClientId d = story.client();
  const Zxid old = story.op(story.write(c, create("/a", "1"))).zxid;
  story.write(c, set("/a", "2"));
  story.read_at(d, get("/a"), old);
  const size_t sync = story.sync(d);
  story.read_at(d, get("/a"), old);
  story.op(sync).answered = false;
  EXPECT_EQ(judged(story), "") << "a sync that failed promises nothing";
}

TEST(Linearizable, RejectsAWrongVersion) {
  Story story;
  const ClientId c = story.client();
  story.write(c, create("/a", "1"));
  const size_t i = story.write(c, set("/a", "2"));
  story.op(i).answer.stat->version = 2;
  EXPECT_THAT(judged(story), HasSubstr("operation 1 (client 1, set /a"));
}

TEST(Linearizable, RejectsErrorsThatCannotBe) {
  const auto with = [](const Call& call, Code code) {
    Story story;
    const ClientId c = story.client();
    story.write(c, create("/a", "1"));
    const size_t i = story.write(c, call);
    story.op(i).answer = {.code = code, .stat = {}};
    return judged(story);
  };
  EXPECT_EQ(with(set("/a", "2", 4), Code::bad_version), "");
  EXPECT_EQ(with(remove("/a"), Code::not_empty), "") << "children are another node's matter";
  EXPECT_THAT(with(set("/a", "2", 0), Code::bad_version), HasSubstr("operation 1"));
  EXPECT_THAT(with(set("/a", "2"), Code::no_node), HasSubstr("operation 1"));
  EXPECT_THAT(with(remove("/a"), Code::no_node), HasSubstr("operation 1"));
  EXPECT_THAT(with(create("/a", "2"), Code::ok), HasSubstr("operation 1"));
  EXPECT_THAT(with(create("/a", "2"), Code::no_node), HasSubstr("operation 1"));
  EXPECT_THAT(with(set("/b", "2"), Code::bad_version), HasSubstr("operation 1"));
  EXPECT_THAT(with(check("/a", 3), Code::ok), HasSubstr("operation 1"));
}

// Two sets at the same time both won against version 0: one of them was lost.
TEST(Linearizable, RejectsALostUpdate) {
  Story story;
  const ClientId c = story.client();
  const ClientId d = story.client();
  story.write(c, create("/a", "1"));
  const size_t i = story.write(c, set("/a", "2", 0));
  const size_t j = story.write(d, set("/a", "3", 0));
  overlap(&story, i, j);
  EXPECT_EQ(judged(story), "") << "the story refused the second";
  story.op(j).answer = story.op(i).answer;
  EXPECT_THAT(judged(story), HasSubstr("no order of the 3 operations on /a"));
}

// The order of two writes is open until a read tells it, and two reads tell it differently.
TEST(Linearizable, CarriesEveryPossibleEndOfAWindow) {
  Story story;
  const ClientId c = story.client();
  const ClientId d = story.client();
  story.write(c, create("/a", "1"));
  const size_t i = story.write(c, set("/a", "2"));
  const size_t j = story.write(d, set("/a", "3"));
  overlap(&story, i, j);
  for (const size_t k : {i, j}) story.op(k).answer.stat.reset();
  const size_t first = fresh(&story, c, get("/a"));
  const size_t second = fresh(&story, c, get("/a"));
  EXPECT_EQ(judged(story), "");
  story.op(first).answer.data = story.op(second).answer.data = "2";
  EXPECT_EQ(judged(story), "") << "the other order";
  story.op(first).answer.data = "3";
  EXPECT_THAT(judged(story), HasSubstr("operation 6 (client 1, get /a")) << "3, then 2, without a write in between";
}

TEST(Linearizable, AcceptsAnUnknownWriteAtAnyLaterTimeOrNever) {
  Story story;
  const ClientId c = story.client();
  const ClientId d = story.client();
  story.write(c, create("/a", "1"));
  story.lose(c, set("/a", "never"), false);
  const size_t late = story.lose(c, set("/a", "late"), false);
  fresh(&story, d, get("/a"));
  story.write(d, set("/a", "3", 0));
  story.take_effect(late);
  const size_t read = fresh(&story, d, get("/a"));
  EXPECT_EQ(story.op(read).answer.data, "late");
  EXPECT_EQ(judged(story), "");
  // Once seen, it cannot be undone, nor happen again.
  const size_t again = fresh(&story, d, get("/a"));
  story.op(again).answer.data = "3";
  story.op(again).answer.stat.reset();
  EXPECT_THAT(judged(story), HasSubstr("no order"));
}

TEST(Linearizable, RejectsAnUnknownWriteThatWasSeenBeforeItWasInvoked) {
  Story story;
  const ClientId c = story.client();
  const ClientId d = story.client();
  story.write(c, create("/a", "1"));
  const size_t read = fresh(&story, d, get("/a"));
  story.lose(c, set("/a", "2"), false);
  story.op(read).answer.data = "2";
  ++story.op(read).answer.stat->version;
  EXPECT_THAT(judged(story), HasSubstr("no order"));
}

TEST(Linearizable, LeavesOutWhatVanishesByItself) {
  Story story;
  const ClientId c = story.client();
  const ClientId d = story.client();
  story.write(c, ephemeral("/e", "1"));
  story.expire(c);
  fresh(&story, d, exists("/e"));
  story.write(d, create("/p"));
  story.lose(d, sequential("/p/s-", "2"), true);
  fresh(&story, d, get("/p/s-0000000000"));
  Figures figures;
  EXPECT_EQ(text_of(check_linearizable(story.history, {}, &figures)), "");
  EXPECT_EQ(figures.searches, 1U) << "/p alone";
}

// --- the search

Entry written(int64_t from, int64_t to, uint32_t data, bool known = true) {
  return {.invoked = Instant{from},
          .completed = Instant{to},
          .known = known,
          .steps = {Step{.action = Action::set, .written = data, .known = known, .version = {}}},
          .operation = data};
}
Entry created(int64_t from, int64_t to) {
  return {.invoked = Instant{from}, .completed = Instant{to}, .steps = {Step{.action = Action::create, .version = {}}}};
}
Entry seen(int64_t from, int64_t to, uint32_t data) {
  return {.invoked = Instant{from},
          .completed = Instant{to},
          .steps = {Step{.action = Action::get, .version = {}, .read = data}},
          .operation = 100 + data};
}

TEST(Search, FindsTheOneOrderOfConcurrentWrites) {
  std::vector<Entry> entries{created(0, 1)};
  for (uint32_t i = 1; i <= 8; ++i) entries.push_back(written(10, 100, i));
  for (uint32_t i = 8; i >= 1; --i) entries.push_back(seen(20 + i * 0, 90, i));
  EXPECT_EQ(search_order(entries, 1'000'000).verdict, Verdict::linearizable);
}

TEST(Search, TellsWhereItGotStuck) {
  const std::vector<Entry> entries{created(0, 1), written(10, 20, 1), written(30, 40, 2), seen(50, 60, 1)};
  const SearchResult result = search_order(entries, 1000);
  EXPECT_EQ(result.verdict, Verdict::not_linearizable);
  EXPECT_EQ(result.ordered, 3U);
  EXPECT_EQ(result.stuck_before, 101U);
}

TEST(Search, GivesNoVerdictWhenItsBudgetIsSpent) {
  std::vector<Entry> entries{created(0, 1)};
  for (uint32_t i = 1; i <= 20; ++i) entries.push_back(written(10, 100, i));
  entries.push_back(seen(200, 201, 99));  // never written: all orders have to be tried
  const SearchResult result = search_order(entries, 5'000);
  EXPECT_EQ(result.verdict, Verdict::unknown);
  EXPECT_LE(result.steps, 5'000U);
}

// Cost goes with the number of windows, not with two to the number of operations: in each, two writes have either
// order.
TEST(Search, IsLinearInTheNumberOfWindows) {
  std::vector<Entry> entries{created(0, 1)};
  for (uint32_t i = 1; i <= 500; ++i) {
    entries.push_back(written(i * 10, i * 10 + 4, 2 * i));
    entries.push_back(written(i * 10, i * 10 + 4, 2 * i + 1));
  }
  entries.push_back(seen(10'000, 10'001, 1));  // never written: every order has to be tried
  const SearchResult result = search_order(entries, 1'000'000);
  EXPECT_EQ(result.verdict, Verdict::not_linearizable);
  EXPECT_EQ(result.ordered, 1001U);
  EXPECT_LT(result.steps, 10'000U);
}

TEST(Search, WhatTouchesInTimeOverlaps) {
  EXPECT_EQ(search_order({created(0, 5), written(5, 10, 1), seen(10, 20, 0)}, 1000).verdict, Verdict::linearizable);
  EXPECT_EQ(search_order({created(0, 5), written(5, 10, 1), seen(11, 20, 0)}, 1000).verdict, Verdict::not_linearizable);
}

}  // namespace
}  // namespace conclave::sim::check::linearizable_test
