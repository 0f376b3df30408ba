// Limits, deadlines and hostile bytes: the offender gets an error or a closed connection, nobody else notices.
#include "base/log.h"
#include "base/random.h"
#include "frontend/zookeeper/testing_world.h"

namespace conclave::frontend::zookeeper {
namespace {

using wire::ErrorCode;
using wire::OpCode;
using wire::PathWatchRequest;

TEST_F(FrontEndTest, ConnectionsPerAddressAndInTotal) {
  start({.limits = {.connections_per_address_max = 2, .connections_max = 3}});
  TestClient a = open("10.0.0.1");
  TestClient b = open("10.0.0.1");
  EXPECT_TRUE(open("10.0.0.1").closed());
  TestClient c = open("10.0.0.2");
  EXPECT_FALSE(c.closed());
  EXPECT_TRUE(open("10.0.0.3").closed());
  hang_up(a);
  EXPECT_FALSE(open("10.0.0.1").closed());
  EXPECT_EQ(server->statistics().connections_rejected, 2u);
}

TEST_F(FrontEndTest, FramesAreSmallerBeforeTheSessionThanAfter) {
  start({.limits = {.frame_bytes_max = 1000, .first_frame_bytes_max = 100}});
  TestClient big_first = open();
  big_first.send_raw(Bytes("\0\0\0\145", 4));  // 101
  EXPECT_TRUE(big_first.closed());
  TestClient client = connected();
  EXPECT_EQ(client.create("/a", Bytes(500, 'x')), ErrorCode::ok);
  client.send_raw(Bytes("\0\0\3\351", 4));  // 1001
  EXPECT_TRUE(client.closed());
  TestClient negative = connected();
  negative.send_raw(Bytes("\377\377\377\377", 4));
  EXPECT_TRUE(negative.closed());
}

TEST_F(FrontEndTest, AConnectRequestMustBeCompleteInTime) {
  TestClient silent = open();
  TestClient slow = open();
  TestClient fine = connected();
  for (int second = 0; second < 4; ++second) {
    executor.advance(Duration::seconds(1));
    slow.send_raw(Bytes("\0", 1));
  }
  EXPECT_FALSE(silent.closed());
  executor.advance(Duration::seconds(2));
  EXPECT_TRUE(silent.closed());
  EXPECT_TRUE(slow.closed());
  EXPECT_FALSE(fine.closed());
}

TEST_F(FrontEndTest, AFrameThatHasBegunMustBeCompletedInTime) {
  TestClient client = connected();
  TestClient idle = connected();
  const Bytes frame = TestClient::request(1, OpCode::exists, PathWatchRequest{"/"});
  client.send_raw(BytesView(frame).substr(0, 5));
  executor.advance(Duration::seconds(9));
  EXPECT_FALSE(client.closed());
  client.send_raw(BytesView(frame).substr(5));
  EXPECT_EQ(client.next().header.xid, 1);
  executor.advance(Duration::seconds(30));
  EXPECT_FALSE(client.closed());
  client.send_raw(BytesView(frame).substr(0, 5));
  executor.advance(Duration::seconds(5));
  client.send_raw(BytesView(frame).substr(5, 1));  // a byte now and then does not help
  executor.advance(Duration::seconds(6));
  EXPECT_TRUE(client.closed());
  EXPECT_FALSE(idle.closed());
}

TEST_F(FrontEndTest, EachFrameHasADeadlineOfItsOwn) {
  TestClient client = connected();
  const Bytes frame = TestClient::request(1, OpCode::exists, PathWatchRequest{"/"});
  client.send_raw(BytesView(frame).substr(0, 5));
  for (int round = 0; round < 5; ++round) {  // always in the middle of one, never long
    executor.advance(Duration::seconds(6));
    client.send_raw(Bytes(frame.substr(5)) + frame.substr(0, 5));
    EXPECT_FALSE(client.closed());
  }
}

TEST_F(FrontEndTest, TooManyOutstandingRequestsPauseReading) {
  start({.limits = {.outstanding_requests_max = 3}});
  TestClient client = connected();
  gateway.hold = true;
  gateway.requests.clear();
  Bytes many;
  for (int32_t i = 1; i <= 5; ++i)
    many += TestClient::request(i, OpCode::set_data, wire::SetDataRequest{"/zookeeper", ""});
  client.send_raw(many);
  EXPECT_TRUE(client.pipe().paused);
  EXPECT_EQ(gateway.requests.size(), 3u);
  gateway.let_go(1);
  executor.run();
  EXPECT_EQ(gateway.requests.size(), 4u);
  EXPECT_TRUE(client.pipe().paused);
  gateway.let_go();
  gateway.let_go();
  executor.run();
  EXPECT_FALSE(client.pipe().paused);
  for (int32_t i = 1; i <= 5; ++i) EXPECT_EQ(client.next().header.xid, i);
}

TEST_F(FrontEndTest, OutstandingBytesPauseReadingToo) {
  start({.limits = {.outstanding_bytes_max = 1000}});
  TestClient client = connected();
  gateway.hold = true;
  client.send_raw(TestClient::request(1, OpCode::set_data, wire::SetDataRequest{"/zookeeper", Bytes(2000, 'x')}));
  EXPECT_TRUE(client.pipe().paused);
  gateway.let_go();
  executor.run();
  EXPECT_FALSE(client.pipe().paused);
}

TEST_F(FrontEndTest, ASlowReaderIsPausedThenClosed) {
  start({.limits = {.unsent_bytes_pause = 1000, .unsent_bytes_max = 5000}});
  TestClient client = connected();
  TestClient other = connected();
  ASSERT_EQ(other.create("/a", Bytes(900, 'x')), ErrorCode::ok);
  client.call(OpCode::add_watch, wire::AddWatchRequest{"/a", wire::AddWatchMode::persistent});
  client.pipe().stuck = true;
  client.send_raw(TestClient::request(1, OpCode::get_data, PathWatchRequest{"/a"}) +
                  TestClient::request(2, OpCode::get_data, PathWatchRequest{"/a"}));
  EXPECT_TRUE(client.pipe().paused);
  client.pipe().unsent = 0;  // it reads again
  executor.advance(Duration::millis(20));
  EXPECT_FALSE(client.pipe().paused);

  client.pipe().unsent = 4000;
  other.set("/a", "y");
  EXPECT_FALSE(client.closed());
  client.pipe().unsent = 5001;
  other.set("/a", "z");
  executor.run();
  EXPECT_TRUE(client.closed());
  EXPECT_FALSE(other.closed());
}

TEST_F(FrontEndTest, OutputLimitHoldsFramesBackWithinOneTurn) {
  start({.limits = {.unsent_bytes_pause = 1000}});
  TestClient client = connected();
  client.create("/a", Bytes(900, 'x'));
  Bytes many;
  for (int32_t i = 1; i <= 20; ++i) many += TestClient::request(i, OpCode::get_data, PathWatchRequest{"/a"});
  client.send_raw(many);
  EXPECT_LT(client.pipe().received.size(), 3000u);
  executor.advance(Duration::seconds(1));
  for (int32_t i = 1; i <= 20; ++i) EXPECT_EQ(client.next().header.xid, i);
  EXPECT_FALSE(client.pipe().paused);
}

TEST_F(FrontEndTest, WatchLimitAnswersQuotaExceededAndSetWatchesCloses) {
  start({.limits = {.watches = {.watches_per_watcher_max = 1}}});
  TestClient client = connected();
  EXPECT_EQ(client.call(OpCode::exists, PathWatchRequest{"/a", true}).header.error, ErrorCode::no_node);
  EXPECT_EQ(client.call(OpCode::get_data, PathWatchRequest{"/", true}).header.error, ErrorCode::quota_exceeded);
  EXPECT_EQ(client.call(OpCode::add_watch, wire::AddWatchRequest{"/b"}).header.error, ErrorCode::quota_exceeded);
  EXPECT_EQ(client.call(OpCode::get_data, PathWatchRequest{"/"}).header.error, ErrorCode::ok);
  client.send_raw(TestClient::request(9, OpCode::set_watches, wire::SetWatchesRequest{.exists = {"/x", "/y"}}));
  EXPECT_TRUE(client.closed());
}

TEST_F(FrontEndTest, MultiAndIdentitiesAreBounded) {
  start({.limits = {.multi_ops_max = 2, .identities_max = 2}});
  TestClient client = connected();
  const wire::MultiOp op{OpCode::check, wire::CheckVersionRequest{"/"}};
  client.send_raw(TestClient::multi(1, {{op, op, op}}));
  EXPECT_EQ(client.next().header.error, ErrorCode::marshalling_error);
  EXPECT_EQ(client.authenticate("digest", "a:a"), ErrorCode::ok);
  EXPECT_EQ(client.authenticate("digest", "b:b"), ErrorCode::auth_failed);
}

TEST_F(FrontEndTest, ARequestWithoutAWholeHeaderCloses) {
  TestClient client = connected();
  client.send_raw(Bytes("\0\0\0\4abcd", 8));
  EXPECT_TRUE(client.closed());
}

TEST_F(FrontEndTest, RandomBytesHurtNobodyElse) {  // promise 7
  Random random(21);
  TestClient witness = connected("10.9.9.9");
  for (int round = 0; round < 2000; ++round) {
    TestClient client = open();
    if (random.chance(3, 4)) client.connect();
    for (uint64_t frames = random.below(4); frames > 0; --frames) {
      Bytes noise(random.below(60), '\0');
      for (char& c : noise) c = static_cast<char>(random.chance(2, 3) ? random.below(24) : random.below(256));
      if (random.chance(3, 4)) {  // a whole frame with a plausible opcode
        Bytes framed;
        FrameWriter frame(&framed);
        wire::Writer writer(&framed);
        writer.put(static_cast<int32_t>(random.below(100)));
        writer.put(static_cast<int32_t>(random.chance(1, 4) ? 98 + random.below(12) : random.below(24)));
        framed += noise;
        frame.finish();
        client.send_raw(framed);
      } else {
        client.send_raw(noise);
      }
    }
    hang_up(client);
  }
  EXPECT_EQ(server->connection_count(), 1u);
  EXPECT_EQ(server->watch_count(), 0u);
  EXPECT_EQ(server->statistics().outstanding, 0u);
  EXPECT_EQ(witness.create("/alive"), ErrorCode::ok);
}

TEST_F(FrontEndTest, StoppingClosesEverything) {
  TestClient a = connected();
  TestClient b = open();
  server->stop();
  executor.run();
  EXPECT_TRUE(a.closed());
  EXPECT_TRUE(b.closed());
  server.reset();
  executor.advance(Duration::seconds(1));
}

// A client must not be able to fill the log.
TEST_F(FrontEndTest, OfEachKindOfRefusalOneLineASecondIsLogged) {
  std::vector<std::pair<std::string, std::string>> lines;  // message, left_out
  log::set_sink([&](log::Level, std::string_view, std::string_view message, log::Fields fields) {
    std::string left_out;
    for (const log::Field& field : fields) {
      if (field.key == "left_out") left_out = field.value;
    }
    lines.emplace_back(message, left_out);
  });
  for (int second = 0; second < 2; ++second) {
    for (int i = 0; i < 5; ++i) {
      connected().call(static_cast<OpCode>(77));
      connected().authenticate("nosuch", "x");
      open().send_raw(Bytes(4, '\xFF'));  // a frame of negative length
    }
    clock.time = clock.time + Duration{1'000'000};
  }
  log::set_sink({});
  const std::vector<std::pair<std::string, std::string>> expected = {
      {"refused an opcode that is not served", "0"}, {"authentication failed", "0"}, {"closed a connection", "0"},
      {"refused an opcode that is not served", "4"}, {"authentication failed", "4"}, {"closed a connection", "4"}};
  EXPECT_EQ(lines, expected);
}

}  // namespace
}  // namespace conclave::frontend::zookeeper
