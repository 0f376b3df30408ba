#include "sim/check/sessions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/check/testing_history.h"

namespace conclave::sim::check::sessions_test {
namespace {

using namespace testing;  // NOLINT: the builders
using ::testing::AllOf;
using ::testing::HasSubstr;

std::string judged(const Story& story) {
  return text_of(check_sessions(story.history));
}

TEST(Sessions, AcceptsOrderlyClients) {
  Story story;
  const ClientId c = story.client();
  const ClientId d = story.client();
  const Zxid old = story.op(story.write(c, create("/a", "1"))).zxid;
  story.write(c, set("/a", "2"));
  story.read_at(d, get("/a"), old);  // stale, but never back
  story.read(d, get("/a"));
  story.read(d, get("/a"));
  story.lose(d, set("/a", "3"), true);
  story.disconnect(d);
  story.connect(d);
  story.read(d, get("/a"));
  story.close(c);
  story.expire(d);
  EXPECT_EQ(judged(story), "");
}

// S1, B50
TEST(Sessions, RejectsCompletionsOutOfOrder) {
  Story story;
  const ClientId c = story.client();
  const size_t i = story.write(c, create("/a", "1"));
  const size_t j = story.write(c, create("/b", "2"));
  std::swap(story.op(i).seen, story.op(j).seen);
  EXPECT_THAT(judged(story), HasSubstr("operation 1 (client 1, create /b, invoked at 1.020 s) was completed before "
                                       "operation 0 (client 1, create /a"));
}

// S1: lost answers are told in order as well.
TEST(Sessions, RejectsALossOutOfOrder) {
  Story story;
  const ClientId c = story.client();
  const size_t i = story.lose(c, create("/a", "1"), false);
  const size_t j = story.lose(c, create("/b", "2"), false);
  std::swap(story.op(i).seen, story.op(j).seen);
  EXPECT_THAT(judged(story), HasSubstr("operation 1 (client 1, create /b"));
}

// S2
TEST(Sessions, RejectsAZxidThatGoesBackOverAConnection) {
  Story story;
  const ClientId c = story.client();
  const ClientId d = story.client();
  const Zxid old = story.op(story.write(c, create("/a", "1"))).zxid;
  story.write(c, set("/a", "2"));
  story.read(d, get("/a"));
  story.disconnect(d);
  story.connect(d);
  story.read_at(d, get("/a"), old);
  EXPECT_THAT(judged(story),
              HasSubstr("operation 3 (client 2, get /a, invoked at 1.050 s) was answered at 0x100000004, "
                        "after the client had been told 0x100000005 by operation 2"));
}

// S2: read-only mode excuses nothing.
TEST(Sessions, RejectsAZxidThatGoesBackInReadOnlyMode) {
  Story story;
  const ClientId c = story.client();
  const ClientId d = story.client();
  const Zxid old = story.op(story.write(c, create("/a", "1"))).zxid;
  story.write(c, set("/a", "2"));
  story.read(d, get("/a"));
  story.disconnect(d);
  story.connect_read_only(d);
  story.read_at(d, get("/a"), old);
  EXPECT_THAT(judged(story), HasSubstr("was answered at 0x100000004, after the client had been told 0x100000005"));
}

// S6
TEST(Sessions, AcceptsOldReadsInReadOnlyMode) {
  Story story;
  const ClientId c = story.client();
  const ClientId d = story.client();
  const Zxid old = story.op(story.write(c, create("/a", "1"))).zxid;
  story.read(d, get("/a"));
  story.disconnect(d);
  story.write(c, set("/a", "2"));
  story.connect_read_only(d);
  story.read_at(d, get("/a"), old);
  story.disconnect(d);
  story.connect(d);
  story.write(d, set("/a", "3"));
  EXPECT_EQ(judged(story), "");
}

TEST(Sessions, RejectsAWriteThatGoesWellInReadOnlyMode) {
  Story story;
  const ClientId c = story.client();
  story.disconnect(c);
  story.connect_read_only(c);
  story.write(c, create("/a", "1"));
  EXPECT_THAT(judged(story), HasSubstr("operation 0 (client 1, create /a, invoked at 1.010 s) was answered with ok in "
                                       "read-only mode, over the connection of 1.010 s"));
}

TEST(Sessions, RejectsASyncThatGoesWellInReadOnlyMode) {
  Story story;
  const ClientId c = story.client();
  story.connect_read_only(c);
  story.sync(c);
  EXPECT_THAT(judged(story), HasSubstr("was answered with ok in read-only mode"));
}

// S3
TEST(Sessions, RejectsAReadThatMissesAnOwnWrite) {
  Story story;
  const ClientId c = story.client();
  const Zxid old = story.op(story.write(c, create("/a", "1"))).zxid;
  story.write(c, set("/a", "2"));
  story.read_at(c, get("/a"), old);
  EXPECT_THAT(judged(story),
              HasSubstr("operation 2 (client 1, get /a, invoked at 1.030 s) was answered at 0x100000003, "
                        "though its client had written 0x100000004 before"));
}

// S3, B50
TEST(Sessions, RejectsAPipelinedReadThatShowsALaterWrite) {
  Story story;
  const ClientId c = story.client();
  story.write(c, create("/a", "1"));
  const size_t i = story.read(c, get("/a"));
  const size_t j = story.write(c, set("/a", "2"));
  story.op(i).completed = story.op(j).completed;
  story.op(i).zxid = story.op(j).zxid;
  EXPECT_THAT(judged(story),
              AllOf(HasSubstr("operation 1 (client 1, get /a"), HasSubstr("wrote 0x100000004 only later")));
}

// S3
TEST(Sessions, RejectsWritesThatTakeEffectOutOfOrder) {
  Story story;
  const ClientId c = story.client();
  const size_t i = story.write(c, create("/a", "1"));
  const size_t j = story.write(c, create("/b", "2"));
  std::swap(story.op(i).zxid, story.op(j).zxid);
  EXPECT_THAT(judged(story), AllOf(HasSubstr("operation 1 (client 1, create /b"),
                                   HasSubstr("though its client had written 0x100000004 before")));
}

// S4
TEST(Sessions, RejectsAnAnswerByAReplicaThatHasAppliedTheClose) {
  Story story;
  const ClientId c = story.client();
  story.expire(c, false);
  story.read(c, get("/a"));
  EXPECT_EQ(judged(story), "") << "an error";
  story.read(c, children("/"));
  EXPECT_THAT(judged(story), HasSubstr("operation 1 (client 1, children /, invoked at 1.030 s) was answered with ok at "
                                       "0x100000003, and its session ended with 0x100000003"));
}

// S4
TEST(Sessions, RejectsAnAnswerAfterTheClientKnewOfTheEnd) {
  Story story;
  const ClientId c = story.client();
  const ClientId d = story.client();
  const Zxid before = story.head();
  story.expire(c);
  story.close(d);
  story.read_at(c, children("/"), before);
  story.read_at(d, children("/"), before);
  EXPECT_THAT(judged(story), AllOf(HasSubstr("operation 1 (client 1, children /"), HasSubstr("operation 2 (client 2,"),
                                   HasSubstr("completed with ok after its session had ended")));
}

// S5
TEST(Sessions, RejectsAnEndThatTheCellDidNotDecide) {
  Story story;
  const ClientId c = story.client();
  story.expire(c);
  std::get<SessionClosed>(story.last().changes.front()).session = SessionId(0x999);
  EXPECT_THAT(judged(story), HasSubstr("client 1 was told at 1.020 s that session 0x101 has expired, which was open"));
}

// S5
TEST(Sessions, RejectsAnErrorThatSaysExpiredOfAnOpenSession) {
  Story story;
  const ClientId c = story.client();
  const size_t i = story.write(c, create("/a", "1"));
  story.op(i).answer = {.code = Code::session_expired, .stat = {}};
  EXPECT_THAT(judged(story), HasSubstr("operation 0 (client 1, create /a, invoked at 1.010 s) was told that session "
                                       "0x101 has expired"));
  story.op(i).answered = false;
  EXPECT_THAT(judged(story), HasSubstr("operation 0"))
      << "said by the client library, which must know it from the cell";
}

}  // namespace
}  // namespace conclave::sim::check::sessions_test
