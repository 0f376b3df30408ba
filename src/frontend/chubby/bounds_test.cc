// What a client can make the master hold, and what it can send (CH-97): the offender is cut off, nobody else notices.
#include "frontend/chubby/testing_world.h"

namespace conclave::frontend::chubby {
namespace {

using testing::ElementsAre;

class BoundsTest : public ChubbyTest {
 protected:
  static Bytes frame(BytesView message) {
    Bytes out;
    FrameWriter writer(&out);
    out.append(message);
    writer.finish();
    return out;
  }
};

TEST_F(BoundsTest, CH_97_AFrameThatIsTooLargeClosesTheConnection) {
  lead();
  TestClient one = client();
  one.send_raw(Bytes("\x00\x10\x00\x01", 4));  // 1 MiB and one byte, of which nothing has come yet
  EXPECT_TRUE(one.closed());
  TestClient two = client();
  two.send_raw(Bytes("\xff\xff\xff\xff", 4));
  EXPECT_TRUE(two.closed());
}

TEST_F(BoundsTest, MalformedBytesCloseTheConnectionAndNotTheSession) {
  lead();
  TestClient one = client();
  one.make(1, "/f");
  for (const Bytes& bytes : {frame(""), frame("\xff\xff\xff"), frame("nonsense"), frame(Bytes("\x1a\x7f", 2))}) {
    one.send_raw(bytes);
    EXPECT_TRUE(one.closed());
    one = come_back(one);
  }
  EXPECT_EQ(one.get(1).code(), wire::OK);
}

TEST_F(BoundsTest, AMessageInPiecesIsOneMessage) {
  lead();
  TestClient one = client();
  wire::ClientMessage message;
  wire::Call call = TestClient::open_call(1, "/");
  call.set_number(1);
  call.set_epoch(2);
  *message.mutable_call() = call;
  Bytes bytes;
  wire::put_frame(message, &bytes);
  for (const char byte : bytes) one.send_raw(BytesView(&byte, 1));
  EXPECT_EQ(one.code(1), wire::OK);
}

TEST_F(BoundsTest, TheFirstMessageIsHelloAndTheNextWaits) {
  lead();
  TestClient impatient = connect();
  impatient.ask(TestClient::open_call(1, "/"));
  EXPECT_TRUE(impatient.closed());
  TestClient twice = client();
  twice.hello();
  EXPECT_TRUE(twice.closed());
  gateway.hold = true;
  TestClient early = connect();
  early.hello();
  early.keep_alive();
  EXPECT_TRUE(early.closed());
}

TEST_F(BoundsTest, ASilentConnectionIsClosed) {
  lead();
  TestClient silent = connect();
  TestClient half = connect();
  half.send_raw(Bytes("\x00\x00", 2));
  TestClient one = client();
  advance(Duration::millis(4'900));
  EXPECT_FALSE(silent.closed());
  advance(Duration::millis(200));
  EXPECT_TRUE(silent.closed());
  EXPECT_TRUE(half.closed());
  EXPECT_FALSE(one.closed());
  EXPECT_EQ(server->figures().connections, 1u);
}

TEST_F(BoundsTest, CH_97_TooManyCallsAtOnceAreBusy) {
  Settings settings;
  settings.limits.calls_max = 3;
  lead(2, settings);
  TestClient one = client();
  gateway.hold = true;
  std::vector<uint64_t> calls;
  for (int i = 0; i < 4; ++i) calls.push_back(one.ask(TestClient::open_call(1, "/")));
  EXPECT_EQ(one.code(calls.back()), wire::BUSY);
  gateway.hold = false;
  gateway.let_go();
  executor.run();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(one.code(calls[static_cast<size_t>(i)]), wire::OK);
  EXPECT_EQ(one.open(1, "/").code(), wire::OK);
  EXPECT_EQ(server->figures().master.calls, 0u);
}

TEST_F(BoundsTest, CH_97_TooManyHandlesAreBusy) {
  Settings settings;
  settings.limits.handles_max = 2;
  lead(2, settings);
  TestClient one = client();
  const wire::Handle first = one.open(1, "/").opened().handle();
  const wire::Handle second = one.open(2, "/").opened().handle();
  EXPECT_EQ(one.open(3, "/").code(), wire::BUSY);
  EXPECT_EQ(one.open(2, "/").code(), wire::OK) << "which it has";
  one.close(1);
  const wire::Handle third = one.open(3, "/").opened().handle();
  EXPECT_EQ(third.number(), 3u);
  fail_over();
  TestClient again = come_back(one);
  EXPECT_THAT(again.reopen({first, second, third}), ElementsAre(wire::OK, wire::OK, wire::BUSY));
}

// What was closed and never open must be remembered (CH-77, step 8), but not without end.
TEST_F(BoundsTest, WhoClosesWhatItNeverOpenedIsCutOffInTheEnd) {
  Settings settings;
  settings.limits.handles_max = 5;
  lead(2, settings);
  TestClient one = client();
  for (uint64_t handle = 1; handle <= 5; ++handle) EXPECT_EQ(one.close(handle), wire::OK);
  EXPECT_EQ(one.close(5), wire::OK);
  one.ask(TestClient::close_call(6));
  EXPECT_TRUE(one.closed());
  for (uint64_t handle = 7; handle < 20; ++handle) {
    TestClient two = client();
    two.open(1, "/");
    EXPECT_EQ(two.close(1), wire::OK);
  }
}

TEST_F(BoundsTest, ASlowReaderIsCutOff) {
  Settings settings;
  settings.limits.unsent_bytes_max = 10'000;
  lead(2, settings);
  TestClient one = client();
  one.make(1, "/f", std::string(4'000, 'x'));
  one.pipe().stuck = true;
  for (int i = 0; i < 2; ++i) one.ask(TestClient::get_call(1));
  EXPECT_FALSE(one.closed());
  one.ask(TestClient::get_call(1));
  EXPECT_TRUE(one.closed());
  EXPECT_EQ(server->figures().master.connected, 0u);
  EXPECT_EQ(server->figures().master.sessions, 1u) << "it may come back";
}

TEST_F(BoundsTest, TooManyConnectionsAreTurnedAway) {
  Settings settings;
  settings.limits.connections_max = 2;
  lead(2, settings);
  TestClient one = client(), two = client();
  TestClient third = connect();
  EXPECT_TRUE(third.closed());
  hang_up(one);
  TestClient fourth = connect();
  EXPECT_FALSE(fourth.closed());
}

TEST_F(BoundsTest, ADestroyedServerLeavesNobodyBehind) {
  lead();
  TestClient one = client();
  one.make(1, "/f");
  gateway.hold = true;
  one.ask(TestClient::get_call(1));
  one.ask(TestClient::set_call(1, "x"));
  one.ask(TestClient::close_call(1));
  server.reset();
  EXPECT_TRUE(one.closed());
  gateway.hold = false;
  gateway.let_go();
  executor.run();
  advance(Duration::seconds(100));
}

}  // namespace
}  // namespace conclave::frontend::chubby
