// Sessions of clients: leases over two hops, silence, streams that come back, ends (CH-95).
#include "gateway/gateway.h"

#include "gateway/testing_gateway.h"

namespace conclave::gateway {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST_F(GatewayTest, EachClientHasASessionOfItsOwn) {
  api::SessionRequest request;
  api::Credential& credential = *request.mutable_begin()->add_credentials();
  credential.set_scheme("digest");
  credential.set_secret("jane:secret");
  gateway->on_request(stream, request);
  settle();
  begin(other);
  EXPECT_THAT(stream.take(), ElementsAre("begun"));
  EXPECT_THAT(other.take(), ElementsAre("begun"));
  EXPECT_NE(stream.token, other.token);
  EXPECT_EQ(stream.token.size(), 2U + 32U) << "16 bytes in hexadecimal behind the number: " << stream.token;
  ASSERT_EQ(cell_sessions.size(), 2U);
  ASSERT_EQ(cell_sessions[0].credentials.size(), 1U);
  EXPECT_EQ(cell_sessions[0].credentials[0].secret, "jane:secret");
  EXPECT_THAT(cell_sessions[1].credentials, IsEmpty());
}

// CH-70 over two hops, G1: the client is told no more than the cell promised.
TEST_F(GatewayTest, ALeaseIsWhatIsLeftOfTheCells) {
  begin(stream);
  keep_alive(stream, 1);
  executor.advance(Duration::seconds(5));
  keep_alive(stream, 2);
  executor.advance(Duration::seconds(8));
  keep_alive(stream, 3);  // the gateway hears from no master: it is in jeopardy itself
  renew();
  keep_alive(stream, 4);
  EXPECT_THAT(stream.take(),
              ElementsAre("begun", "lease 1 12000 ms", "lease 2 7000 ms", "lease 3 0 ms", "lease 4 12000 ms"));
}

// ... nor more than the gateway keeps the session for.
TEST_F(GatewayTest, ALeaseIsNoLongerThanSilenceIsBorne) {
  begin(stream);
  cell_sessions[0].lease_end = clock.time + Duration::seconds(60);
  ASSERT_EQ(settings_.client_timeout, Duration::seconds(12));
  keep_alive(stream, 1);
  EXPECT_THAT(stream.take(), ElementsAre("begun", "lease 1 12000 ms"));
}

// CH-67 for the second hop, G2: not before the lease that was granted has ended, and then without a word to the cell.
TEST_F(GatewayTest, ASilentClientIsLetGoAbnormally) {
  begin(stream);
  executor.advance(Duration::seconds(7));
  renew();
  keep_alive(stream, 1);
  EXPECT_THAT(stream.take(), ElementsAre("begun", "lease 1 12000 ms"));
  executor.advance(settings_.client_timeout - Duration::millis(1));
  EXPECT_EQ(gateway->sessions(), 1U);
  executor.advance(Duration::millis(200));
  EXPECT_EQ(gateway->sessions(), 0U);
  EXPECT_TRUE(cell_sessions[0].dropped);
  EXPECT_FALSE(cell_sessions[0].ended) << "its locks must be lost with their lock-delay (CH-39)";
  EXPECT_THAT(stream.take(), ElementsAre("ended SESSION_EXPIRED", "closed"));
}

// ... also one whose stream broke, which may come back until then.
TEST_F(GatewayTest, AStreamThatBrokeMayComeBack) {
  begin(stream);
  gateway->on_stream_lost(stream);
  executor.advance(settings_.client_timeout - Duration::seconds(1));
  EXPECT_FALSE(cell_sessions[0].dropped);
  begin(other, stream.token);
  EXPECT_THAT(other.take(), ElementsAre("resumed"));
  executor.advance(settings_.client_timeout - Duration::seconds(1));
  EXPECT_EQ(gateway->sessions(), 1U) << "it was heard from";
  gateway->on_stream_lost(other);
  executor.advance(Duration::seconds(2));
  EXPECT_TRUE(cell_sessions[0].dropped);
  TestStream late;
  begin(late, stream.token);
  EXPECT_THAT(late.take(), ElementsAre("closed NO_SESSION"));
}

// G3.
TEST_F(GatewayTest, WhenTheGatewayStoodStillTheClientWasNotSilent) {
  begin(stream);
  executor.advance(Duration::seconds(1));
  stand_still(Duration::seconds(60));
  executor.advance(Duration::seconds(1));
  EXPECT_EQ(gateway->sessions(), 1U);
  renew();
  keep_alive(stream, 1);
  EXPECT_THAT(stream.take(), ElementsAre("begun", "lease 1 12000 ms"));
  executor.advance(settings_.client_timeout + Duration::millis(200));
  EXPECT_EQ(gateway->sessions(), 0U) << "only then";
}

// CH-73.
TEST_F(GatewayTest, WhenTheCellEndsTheSessionTheClientHearsOfIt) {
  begin(stream);
  const uint64_t handle = open(stream, "/file", 1);
  stream.take();
  ask(stream, of<api::AcquireRequest>(handle), 2);
  settle();
  cell_sessions[0].fake->expire();
  settle();
  EXPECT_THAT(stream.take(), ElementsAre("ended SESSION_EXPIRED", "closed"));
  EXPECT_EQ(gateway->sessions(), 0U);
  take_answers();
  ask(stream, of<api::GetStatRequest>(handle));
  EXPECT_EQ(take_answers(), "NO_SESSION ");
}

TEST_F(GatewayTest, EndedInOrderItsLocksAreFreeAtOnce) {
  begin(stream);
  begin(other);
  const uint64_t handle = open(stream, "/file", 1);
  const uint64_t theirs = open(other, "/file", 1);
  ask(stream, of<api::AcquireRequest>(handle), 2);
  ask(other, of<api::AcquireRequest>(theirs), 2);
  settle();
  EXPECT_EQ(take_answers(), "AcquireReply ") << "one of the two";
  stream.take();
  end(stream);
  EXPECT_THAT(stream.take(), ElementsAre("ended CODE_UNKNOWN", "closed"));
  EXPECT_TRUE(cell_sessions[0].ended);
  EXPECT_TRUE(cell_sessions[0].dropped) << "when the cell knew";
  EXPECT_EQ(take_answers(), "AcquireReply ");
  EXPECT_EQ(gateway->sessions(), 1U);
}

TEST_F(GatewayTest, CallsUnderWayFailWhenTheSessionEnds) {
  begin(stream);
  begin(other);
  ask(other, of<api::AcquireRequest>(open(other, "/file", 1)), 2);
  settle();
  take_answers();
  ask(stream, of<api::AcquireRequest>(open(stream, "/file", 1)), 2);
  settle();
  EXPECT_EQ(take_answers(), "");
  end(stream);
  EXPECT_EQ(take_answers(), "SESSION_EXPIRED ");
}

// G4.
TEST_F(GatewayTest, ANewerStreamTakesOver) {
  begin(stream);
  begin(other, stream.token);
  EXPECT_THAT(stream.take(), ElementsAre("begun", "closed TAKEN_OVER"));
  EXPECT_THAT(other.take(), ElementsAre("resumed"));
  keep_alive(stream, 1);
  gateway->on_stream_lost(stream);  // the end of the former one is not that of the session
  keep_alive(other, 1);
  EXPECT_THAT(stream.take(), IsEmpty());
  EXPECT_THAT(other.take(), ElementsAre("lease 1 12000 ms"));
}

TEST_F(GatewayTest, AnotherTokenOpensNothing) {
  begin(stream);
  const uint64_t handle = open(stream, "/file", 1);
  std::string wrong = stream.token;
  wrong.back() = wrong.back() == '0' ? '1' : '0';
  for (const std::string& token : {wrong, std::string("1."), std::string("1"), std::string("x"), std::string("2.00")}) {
    TestStream guesser;
    begin(guesser, token);
    EXPECT_THAT(guesser.take(), ElementsAre("closed NO_SESSION")) << token;
    guesser.token = token;
    ask(guesser, of<api::GetStatRequest>(handle));
    EXPECT_EQ(take_answers(), "NO_SESSION ") << token;
  }
}

TEST_F(GatewayTest, StreamsThatBreakTheProtocolAreClosed) {
  keep_alive(stream, 1);
  EXPECT_THAT(stream.take(), ElementsAre("closed BAD_STREAM"));
  TestStream twice;
  begin(twice);
  begin(twice);
  EXPECT_THAT(twice.take(), ElementsAre("begun", "closed BAD_STREAM"));
  TestStream hasty;
  api::SessionRequest request;
  request.mutable_begin();
  gateway->on_request(hasty, request);
  keep_alive(hasty, 1);
  EXPECT_THAT(hasty.take(), ElementsAre("closed BAD_STREAM"));
  EXPECT_EQ(gateway->sessions(), 1U) << "that of `twice` waits for another stream, that of `hasty` is gone";
}

TEST_F(GatewayTest, AStreamLostWhileItsSessionOpensLeavesNothing) {
  api::SessionRequest request;
  request.mutable_begin();
  gateway->on_request(stream, request);
  gateway->on_stream_lost(stream);
  settle();
  EXPECT_EQ(gateway->sessions(), 0U);
  EXPECT_TRUE(cell_sessions[0].dropped);
}

// The end of a session that is being opened comes while its stream waits.
TEST_F(GatewayTest, EndBeforeBegunIsAnEnd) {
  api::SessionRequest request;
  request.mutable_begin();
  gateway->on_request(stream, request);
  end(stream);
  EXPECT_THAT(stream.take(), ElementsAre("ended CODE_UNKNOWN", "closed"));
  EXPECT_EQ(gateway->sessions(), 0U);
}

TEST_F(GatewayTest, ACellThatDoesNotAnswerIsSaid) {
  unreachable = true;
  begin(stream);
  EXPECT_THAT(stream.take(), ElementsAre("closed CELL_UNREACHABLE"));
  EXPECT_EQ(gateway->sessions(), 0U);
  unreachable = false;
  begin(other);
  EXPECT_THAT(other.take(), ElementsAre("begun"));
}

// A gateway that stops releases no lock in order: its clients may still believe in them.
TEST_F(GatewayTest, AGatewayThatStopsTellsItsClientsAndLetsThemGo) {
  begin(stream);
  begin(other);
  gateway->on_stream_lost(other);
  gateway->stop();
  EXPECT_THAT(stream.take(), ElementsAre("begun", "ended STOPPING", "closed"));
  for (const CellSessionRecord& record : cell_sessions) {
    EXPECT_TRUE(record.dropped);
    EXPECT_FALSE(record.ended);
  }
  TestStream late;
  begin(late);
  EXPECT_THAT(late.take(), ElementsAre("closed STOPPING"));
}

class SmallGatewayTest : public GatewayTest {
 protected:
  SmallGatewayTest() : GatewayTest({.sessions_max = 1, .calls_max = 2, .answers_max = 3, .events_max = 2}) {}
};

// CH-97, G5.
TEST_F(SmallGatewayTest, SessionsAreBounded) {
  begin(stream);
  begin(other);
  EXPECT_THAT(other.take(), ElementsAre("closed TOO_MANY_SESSIONS"));
  end(stream);
  TestStream next;
  begin(next);
  EXPECT_THAT(next.take(), ElementsAre("begun"));
}

// CH-40, CH-41 over two hops, S2.
TEST_F(GatewayTest, EventsComeInOrderAndAgainUntilAcknowledged) {
  begin(stream);
  const uint64_t handle = open(stream, "/file", 1);
  for (uint64_t number = 2; number <= 3; ++number) ask(stream, of<api::SetContentsRequest>(handle), number);
  settle();
  EXPECT_THAT(stream.take(), ElementsAre("begun", fmt::format("event 1 CONTENTS_CHANGED of {}", handle),
                                         fmt::format("event 2 CONTENTS_CHANGED of {}", handle)));
  keep_alive(stream, 1, 1);
  gateway->on_stream_lost(stream);
  ask(stream, of<api::DeleteRequest>(handle), 4);  // nobody listens
  settle();
  begin(other, stream.token);
  EXPECT_THAT(other.take(), ElementsAre("resumed", fmt::format("event 2 CONTENTS_CHANGED of {}", handle),
                                        fmt::format("event 3 HANDLE_INVALID of {}", handle)));
}

TEST_F(SmallGatewayTest, TooManyEventsBecomeOneThatSaysSo) {
  begin(stream);
  const uint64_t handle = open(stream, "/file", 1);
  for (uint64_t number = 2; number <= 4; ++number) {
    ask(stream, of<api::SetContentsRequest>(handle), number, number);
    settle();
  }
  EXPECT_THAT(stream.take(), ElementsAre("begun", testing::_, testing::_, "event 3 EVENTS_LOST of 0"));
  begin(other, stream.token);
  EXPECT_THAT(other.take(), ElementsAre("resumed", "event 3 EVENTS_LOST of 0"));
}

}  // namespace
}  // namespace conclave::gateway
