// Each rule of linear.h by a small history that it must reject, beside good ones.
#include "sim/check/linear.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/check/testing_history.h"

namespace conclave::sim::check::linear_test {
namespace {

using namespace testing;  // NOLINT: the builders
using ::testing::AllOf;
using ::testing::HasSubstr;

std::string judged(const Story& story) {
  return text_of(check_linear(story.history));
}

TEST(Linear, AcceptsWhatAGoodCellAnswers) {
  Story story;
  const ClientId c = story.client();
  const ClientId d = story.client();
  story.write(c, create("/a", "1"));
  story.write(d, create("/a", "2"));  // node exists
  story.write(d, set("/a", "3", 0));
  story.write(c, set("/a", "4", 0));  // bad version
  story.write(c, sequential("/a/s-", "5"));
  story.write(d, sequential("/a/s-", "6"));
  story.read(c, children("/a"));
  story.write(c, remove("/a"));  // not empty
  story.write(c, remove("/b"));  // no node
  story.write(c, create("/b/c"));
  story.write(c, ephemeral("/e", "7"));
  story.write(d, create("/e/f"));  // no children for ephemerals
  story.write(d, check("/a", 1));
  story.write(d, check("/a", 0));
  story.multi(c, {check("/a", 1), create("/a/m", "8"), set("/a/m", "9"), remove("/a/m")});
  story.multi(c, {set("/a", "10"), remove("/none"), set("/a", "11")});
  story.multi(c, {});
  story.read(d, get("/a"));
  story.read(d, exists("/none"));
  story.sync(d);
  story.close(c);
  story.read(d, exists("/e"));
  Figures figures;
  EXPECT_EQ(text_of(check_linear(story.history, &figures)), "");
  EXPECT_GT(figures.operations_linear, 15U);
}

// --- L1

TEST(Linear, RejectsAWrongStat) {
  Story story;
  const ClientId c = story.client();
  story.write(c, create("/a", "1"));
  const size_t i = story.write(c, set("/a", "2"));
  ++story.op(i).answer.stat->version;
  EXPECT_THAT(judged(story), AllOf(HasSubstr("operation 1 (client 1, set /a"), HasSubstr("the client was told")));
}

TEST(Linear, RejectsAWrongSequenceNumber) {
  Story story;
  const ClientId c = story.client();
  story.write(c, create("/a"));
  const size_t i = story.write(c, sequential("/a/s-", "1"));
  std::get<Created>(story.last().changes.front()).path = "/a/s-0000000007";
  story.op(i).answer.created = "/a/s-0000000007";
  EXPECT_THAT(judged(story), AllOf(HasSubstr("operation 1"), HasSubstr("expected /a/s-0000000000")));
}

TEST(Linear, RejectsAPathThatTheClientWasNotTold) {
  Story story;
  const ClientId c = story.client();
  story.write(c, create("/a"));
  const size_t i = story.write(c, sequential("/a/s-", "1"));
  story.op(i).answer.created = "/a/s-0000000001";
  EXPECT_THAT(judged(story), AllOf(HasSubstr("operation 1"), HasSubstr("was told the path /a/s-0000000001")));
}

TEST(Linear, RejectsOtherDataPathSessionOrOwner) {
  Story story;
  const ClientId c = story.client();
  story.client();
  story.write(c, ephemeral("/a", "1"));
  auto& created = std::get<Created>(story.last().changes.front());
  created.data = "2";
  EXPECT_THAT(judged(story), HasSubstr("data '2' instead of '1'"));
  created = {"/b", "1", Story::session_of(c)};
  EXPECT_THAT(judged(story), HasSubstr("created /b, expected /a"));
  created = {"/a", "1", SessionId()};
  EXPECT_THAT(judged(story), HasSubstr("the owner of the node is wrong"));
  created = {"/a", "1", Story::session_of(c)};
  story.last().session = SessionId(0x102);
  EXPECT_THAT(judged(story),
              HasSubstr("operation 0 (client 1, create /a, invoked at 1.020 s), transaction 0x100000004: "
                        "asked in session 0x101, done for session 0x102"));
}

TEST(Linear, RejectsAnotherKindOfChangeOrNumberOfChanges) {
  Story story;
  const ClientId c = story.client();
  story.write(c, create("/a", "1"));
  story.write(c, set("/a", "2"));
  const auto right = story.last().changes;
  story.last().changes = {Removed{"/a"}};
  EXPECT_THAT(judged(story), HasSubstr("is no set of that node"));
  story.last().changes = {right.front(), right.front()};
  EXPECT_THAT(judged(story), HasSubstr("2 changes instead of 1"));
}

TEST(Linear, RejectsAConditionalWriteOverAnotherVersion) {
  Story story;
  const ClientId c = story.client();
  story.write(c, create("/a", "1"));
  const size_t i = story.write(c, set("/a", "2", 0));
  const size_t j = story.write(c, remove("/a", 1));
  EXPECT_EQ(judged(story), "");
  story.op(i).call.version = 5;
  story.op(j).call.version = 6;
  EXPECT_THAT(
      judged(story),
      AllOf(HasSubstr("operation 1 (client 1, set /a"), HasSubstr("asked for version 5, done at version 0"),
            HasSubstr("operation 2 (client 1, remove /a"), HasSubstr("asked for version 6, done at version 1")));
}

TEST(Linear, RejectsAWriteTwiceInTheLog) {
  Story story;
  const ClientId c = story.client();
  story.write(c, create("/a", "1"));
  story.write(c, set("/a", "2"));
  story.append(Story::session_of(c), {DataSet{"/a", "2"}});
  EXPECT_THAT(judged(story),
              AllOf(HasSubstr("transaction 0x100000005 of session 0x101 (set /a 2) belongs to no operation"),
                    HasSubstr("operation 1 (client 1, set /a, invoked at 1.020 s) was told transaction "
                              "0x100000004")));
}

TEST(Linear, RejectsATransactionThatNobodyAskedFor) {
  Story story;
  story.append(story.session_of(story.client()), {Created{"/a", "1", {}}});
  EXPECT_THAT(judged(story), HasSubstr("(create 1) belongs to no operation; nobody asked for it"));
}

TEST(Linear, RejectsAnEffectOfWhatWasRefused) {
  Story story;
  const ClientId c = story.client();
  story.write(c, create("/a", "1"));
  story.write(c, set("/a", "2", 7));
  story.append(Story::session_of(c), {DataSet{"/a", "2"}});
  EXPECT_THAT(judged(story), AllOf(HasSubstr("belongs to no operation"), HasSubstr("was refused: bad version")));
}

TEST(Linear, RejectsTwoOperationsWithOneTransaction) {
  Story story;
  const ClientId c = story.client();
  story.write(c, create("/a", "1"));
  const size_t i = story.write(c, set("/a", "2"));
  story.history.operations.push_back(story.op(i));
  EXPECT_THAT(judged(story), AllOf(HasSubstr("operation 1"), HasSubstr("operation 2"), HasSubstr("were both told")));
}

TEST(Linear, AcceptsUnknownWritesThatTookEffectOnceOrNever) {
  Story story;
  const ClientId c = story.client();
  story.write(c, create("/a", "1"));
  story.lose(c, set("/a", "2"), true);
  story.lose(c, set("/a", "3"), false);
  const size_t late = story.lose(c, create("/b", "4"), false);
  story.pass(Duration::seconds(1));
  story.take_effect(late);
  story.lose(c, remove("/b"), true);
  story.lose(c, remove("/b"), false);
  story.write(c, create("/b", "6"));  // the time of the remove before it is over
  story.lose(c, remove("/b"), true);
  story.lose(c, sequential("/a/s-", "5"), true);
  EXPECT_EQ(judged(story), "");
}

TEST(Linear, AcceptsAnUnknownMultiAndAnUnknownClose) {
  Story story;
  const ClientId c = story.client();
  const size_t i = story.multi(c, {create("/a", "1"), set("/a", "2"), check("/a", 1)});
  const size_t j = story.close(c);
  for (const size_t lost : {i, j}) {
    story.op(lost).answered = false;
    story.op(lost).part_answers.clear();
  }
  EXPECT_EQ(judged(story), "");
}

TEST(Linear, RejectsAnUnknownWriteWithTwoEffects) {
  Story story;
  const ClientId c = story.client();
  story.write(c, create("/a", "1"));
  const size_t i = story.lose(c, set("/a", "2"), true);
  story.take_effect(i);
  EXPECT_THAT(judged(story), AllOf(HasSubstr("belongs to no operation"), HasSubstr("operation 1"),
                                   HasSubstr("took effect already, as transaction 0x100000004")));
}

TEST(Linear, RejectsAnUnknownWriteBehindLaterOnesOfItsClient) {
  Story story;
  const ClientId c = story.client();
  story.write(c, create("/a", "1"));
  const size_t i = story.lose(c, set("/a", "2"), false);
  story.write(c, set("/a", "3"));
  story.take_effect(i);
  EXPECT_THAT(judged(story),
              HasSubstr("operation 1 (client 1, set /a, invoked at 1.020 s) stands before a write of its "
                        "client that took effect as 0x100000004"));
}

TEST(Linear, RejectsUnknownWritesOutOfTheirOrder) {
  Story story;
  const ClientId c = story.client();
  story.write(c, create("/a", "1"));
  const size_t i = story.lose(c, set("/a", "2"), false);
  story.lose(c, set("/a", "3"), true);
  story.take_effect(i);
  EXPECT_THAT(judged(story), HasSubstr("stands before operation 2"));
}

// Two removes of one node look alike in the log: the first was refused, since its version was another.
TEST(Linear, AcceptsAnUnknownRemoveThatWasRefusedBeforeOneThatWasNot) {
  Story story;
  const ClientId c = story.client();
  story.write(c, create("/a", "1"));
  story.lose(c, remove("/a", 7), false);
  story.lose(c, remove("/a"), true);
  EXPECT_EQ(judged(story), "");
}

// The same, told apart by what took effect between the two.
TEST(Linear, AcceptsAnUnknownRemoveThatWasRefusedBeforeAnotherWrite) {
  Story story;
  const ClientId c = story.client();
  story.lose(c, remove("/a"), false);
  story.lose(c, create("/a", "1"), true);
  story.lose(c, remove("/a"), true);
  EXPECT_EQ(judged(story), "");
}

TEST(Linear, RejectsAnUnknownWriteBeforeItWasInvoked) {
  Story story;
  const ClientId c = story.client();
  story.write(c, create("/a", "1"));
  const size_t i = story.lose(c, set("/a", "2"), true);
  story.op(i).invoked = story.now();
  EXPECT_THAT(judged(story), AllOf(HasSubstr("belongs to no operation"), HasSubstr("was invoked later")));
}

TEST(Linear, RejectsAnUnknownSequentialCreateUnderAnotherName) {
  Story story;
  const ClientId c = story.client();
  story.write(c, create("/a"));
  story.lose(c, sequential("/a/s-", "1"), true);
  std::get<Created>(story.last().changes.front()).path = "/a/s-0000000009";
  EXPECT_THAT(judged(story), HasSubstr("created /a/s-0000000009, expected /a/s-0000000000"));
}

TEST(Linear, AcceptsACloseOfWhatTheCellHadClosedAndRejectsOneOfAnOpenSession) {
  Story story;
  const ClientId c = story.client();
  const size_t i = story.close(c);
  EXPECT_EQ(judged(story), "");
  story.client();
  story.op(i).zxid = story.head();
  story.op(i).completed = story.now();
  EXPECT_EQ(judged(story), "");
  story.op(i).zxid = story.history.log[1].zxid;
  EXPECT_THAT(judged(story), AllOf(HasSubstr("operation 0 (client 1, close session"), HasSubstr("and it was open")));
}

// --- L2

TEST(Linear, RejectsAWriteBehindOneThatWasCompleteBefore) {
  Story story;
  const ClientId c = story.client();
  const ClientId d = story.client();
  const size_t i = story.write(c, create("/a", "1"));
  const size_t j = story.write(d, create("/b", "2"));
  story.op(i).invoked = story.now();  // after the other was told, yet before it in the log
  story.op(i).completed = story.now() + Duration::millis(1);
  std::swap(story.op(i), story.op(j));
  EXPECT_THAT(judged(story), HasSubstr("operation 1 (client 1, create /a, invoked at 1.040 s) took effect as "
                                       "0x100000004, though 0x100000005 had been told"));
}

// --- L3

TEST(Linear, RejectsAReadOfOlderDataUnderANewZxid) {
  Story story;
  const ClientId c = story.client();
  story.write(c, create("/a", "1"));
  story.write(c, set("/a", "2"));
  const size_t i = story.read(c, get("/a"));
  story.op(i).answer.data = "1";
  EXPECT_THAT(judged(story),
              HasSubstr("operation 2 (client 1, get /a, invoked at 1.030 s) was told '1'; at 0x100000004 it is '2'"));
}

TEST(Linear, AcceptsAStaleReadUnderItsOldZxid) {
  Story story;
  const ClientId c = story.client();
  const ClientId d = story.client();
  const Zxid old = story.op(story.write(c, create("/a", "1"))).zxid;
  story.write(c, set("/a", "2"));
  story.read_at(d, get("/a"), old);
  EXPECT_EQ(judged(story), "");
}

TEST(Linear, RejectsAWrongStatOfARead) {
  Story story;
  const ClientId c = story.client();
  story.write(c, create("/a", "1"));
  const size_t i = story.read(c, exists("/a"));
  story.op(i).answer.stat->cversion = 1;
  EXPECT_THAT(judged(story), AllOf(HasSubstr("operation 1 (client 1, exists /a"), HasSubstr("cversion 1")));
}

TEST(Linear, RejectsWrongChildren) {
  Story story;
  const ClientId c = story.client();
  story.write(c, create("/a"));
  story.write(c, create("/a/b"));
  story.write(c, create("/a/c"));
  const size_t i = story.read(c, children("/a"));
  story.op(i).answer.children = {"c"};
  EXPECT_THAT(judged(story), AllOf(HasSubstr("operation 3"), HasSubstr("was told [c]; at 0x100000005 it is [b c]")));
}

TEST(Linear, RejectsAMissingNodeThatIsThereAndTheOtherWayRound) {
  Story story;
  const ClientId c = story.client();
  const size_t i = story.read(c, get("/a"));
  story.write(c, create("/a", "1"));
  const size_t j = story.read(c, get("/a"));
  std::swap(story.op(i).answer, story.op(j).answer);
  EXPECT_THAT(judged(story), AllOf(HasSubstr("operation 0 (client 1, get /a, invoked at 1.010 s) was told 'ok' at "
                                             "0x100000002, where the node is missing"),
                                   HasSubstr("operation 2"), HasSubstr("where the node is there")));
}

// --- L4

TEST(Linear, RejectsAReadBehindASyncThatIsOlderThanWhatWasAcknowledged) {
  Story story;
  const ClientId c = story.client();
  const ClientId d = story.client();
  const Zxid old = story.op(story.write(c, create("/a", "1"))).zxid;
  story.write(c, set("/a", "2"));
  const size_t sync = story.sync(d);
  story.read_at(d, get("/a"), old);
  EXPECT_THAT(judged(story),
              HasSubstr("operation 3 (client 2, get /a, invoked at 1.050 s) was answered at 0x100000004, "
                        "though 0x100000005 had been told to clients before its client's last sync"));
  story.op(sync).answered = false;
  EXPECT_EQ(judged(story), "") << "a sync that failed promises nothing";
  story.op(sync).answered = true;
  story.op(sync).zxid = old;
  EXPECT_THAT(judged(story), HasSubstr("operation 2 (client 2, sync, invoked at 1.040 s) was answered at 0x100000004"));
}

// --- L5

TEST(Linear, RejectsARefusalWithoutAReason) {
  Story story;
  const ClientId c = story.client();
  story.write(c, create("/a", "1"));
  const size_t i = story.write(c, set("/a", "2", 3));
  EXPECT_EQ(judged(story), "");
  for (const Code code : {Code::no_node, Code::node_exists, Code::not_empty, Code::no_children_for_ephemerals}) {
    story.op(i).answer.code = code;
    EXPECT_THAT(judged(story), AllOf(HasSubstr("operation 1 (client 1, set /a"), HasSubstr("at no zxid from")));
  }
}

TEST(Linear, RejectsARefusalForAReasonThatWasOver) {
  Story story;
  const ClientId c = story.client();
  const ClientId d = story.client();
  story.write(c, create("/a", "1"));
  const size_t i = story.write(d, create("/a", "2"));
  const size_t gone = story.write(c, remove("/a"));
  EXPECT_EQ(judged(story), "");
  story.op(i).invoked = story.now();
  story.op(i).completed = story.now() + Duration::millis(5);
  story.op(i).zxid = story.head();
  std::swap(story.op(i), story.op(gone));
  EXPECT_THAT(judged(story), AllOf(HasSubstr("operation 2 (client 2, create /a"), HasSubstr("'node exists'")));
}

TEST(Linear, AcceptsARefusalForAReasonThatCameAndWentMeanwhile) {
  Story story;
  const ClientId c = story.client();
  const ClientId d = story.client();
  const size_t i = story.write(c, create("/b", "1"));
  story.write(d, create("/a", "2"));
  const size_t j = story.write(c, create("/a", "3"));
  story.write(d, remove("/a"));
  story.op(j).invoked = story.op(i).completed + Duration::millis(1);
  story.op(j).completed = story.now();
  story.op(j).zxid = story.head();
  EXPECT_EQ(judged(story), "");
}

// A client's own pipelined writes bound it as well.
TEST(Linear, RejectsARefusalThatOverlooksAnEarlierWriteOfItsClient) {
  Story story;
  const ClientId c = story.client();
  const size_t i = story.write(c, create("/a", "1"));
  const size_t j = story.write(c, create("/a/b", "2"));
  story.history.log.pop_back();
  story.op(j).invoked = story.op(i).invoked;  // pipelined
  story.op(j).answer = {.code = Code::no_node, .stat = {}};
  story.op(j).zxid = story.op(i).zxid;
  EXPECT_THAT(judged(story), AllOf(HasSubstr("operation 1 (client 1, create /a/b"), HasSubstr("'no node'")));
}

TEST(Linear, RejectsAMultiThatFailedInAnotherPart) {
  Story story;
  const ClientId c = story.client();
  story.write(c, create("/a", "1"));
  const size_t i = story.multi(c, {set("/a", "2"), remove("/b"), remove("/a")});
  EXPECT_EQ(judged(story), "");
  std::swap(story.op(i).part_answers[0], story.op(i).part_answers[1]);
  EXPECT_THAT(judged(story), AllOf(HasSubstr("operation 1 (client 1, multi /a"), HasSubstr("'no node'")));
}

TEST(Linear, RejectsACheckThatDidNotHold) {
  Story story;
  const ClientId c = story.client();
  story.write(c, create("/a", "1"));
  const size_t i = story.write(c, check("/a", 4));
  story.op(i).answer.code = Code::ok;
  EXPECT_THAT(judged(story), AllOf(HasSubstr("operation 1 (client 1, check /a"), HasSubstr("'ok'")));
}

// --- L6

TEST(Linear, RejectsAnAnswerFromTheFuture) {
  Story story;
  const ClientId c = story.client();
  const ClientId d = story.client();
  const size_t i = story.read(d, get("/a"));
  story.write(c, create("/a", "1"));
  const size_t j = story.read(d, get("/a"));
  story.op(i).zxid = story.op(j).zxid;
  story.op(i).answer = story.op(j).answer;
  EXPECT_THAT(judged(story), HasSubstr("operation 0 (client 2, get /a, invoked at 1.020 s) was told 0x100000004 at "
                                       "1.028 s, first applied at 1.034 s"));
}

TEST(Linear, RejectsAnAcknowledgementWithoutAZxid) {
  Story story;
  const ClientId c = story.client();
  const size_t i = story.read(c, children("/"));
  story.op(i).zxid = Zxid();
  EXPECT_THAT(judged(story),
              HasSubstr("operation 0 (client 1, children /, invoked at 1.010 s) was acknowledged without"));
}

}  // namespace
}  // namespace conclave::sim::check::linear_test
