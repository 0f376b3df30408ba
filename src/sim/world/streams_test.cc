// The virtual network: the contract of env::Network between hosts, under cuts and crashes.
#include "sim/world/streams.h"

#include <gtest/gtest.h>

#include "sim/world/world.h"

namespace conclave::sim {
namespace {

class Reader final : public env::StreamHandler {
 public:
  void on_data(BytesView bytes) override { text += bytes; }
  void on_closed(const Error& reason) override { closed = reason; }
  std::string text;
  std::optional<Error> closed;
};

class StreamsTest : public testing::Test {
 protected:
  void SetUp() override {
    listener_ = server()
                    .network
                    .listen({.host = "0.0.0.0", .port = 2181},
                            [this](std::unique_ptr<env::Stream> stream) {
                              accepted_ = std::move(stream);
                              accepted_->set_handler(&server_reader_);
                            })
                    .value();
  }
  void TearDown() override {
    connected_.reset();
    accepted_.reset();
    listener_.reset();
  }
  env::World server() { return world_.host(1).env(); }
  env::World client() { return world_.client(1).env(); }
  std::string connect(uint16_t port = 2181) {
    std::string outcome;
    client().network.connect(World::address(1, port), Duration::seconds(2), [&](auto result) {
      outcome = result ? "connected" : result.error().message;
      if (!result) return;
      connected_ = std::move(*result);
      connected_->set_handler(&client_reader_);
    });
    EXPECT_EQ(outcome, "") << "never from inside the call";
    world_.run_until([&] { return !outcome.empty(); }, Duration::seconds(5));
    return outcome;
  }

  World world_{1};
  Reader server_reader_, client_reader_;
  std::unique_ptr<env::Listener> listener_;
  std::unique_ptr<env::Stream> accepted_, connected_;
};

TEST_F(StreamsTest, BytesFlowBothWays) {
  ASSERT_EQ(connect(), "connected");
  connected_->write("hello ");
  connected_->write("there");
  accepted_->write("welcome");
  world_.run_for(Duration::millis(5));
  EXPECT_EQ(server_reader_.text, "hello there");
  EXPECT_EQ(client_reader_.text, "welcome");
  EXPECT_EQ(to_string(connected_->peer()), "host-1:2181");
  EXPECT_EQ(accepted_->peer().host, "host-1001");
}

TEST_F(StreamsTest, AStallHoldsStreamsAndLetsDatagramsPass) {
  ASSERT_EQ(connect(), "connected");
  std::string heard;
  const auto in = server()
                      .network
                      .open_datagrams({.host = "0.0.0.0", .port = 2181},
                                      [&](const env::Address&, BytesView bytes) { heard += bytes; })
                      .value();
  const auto out = client().network.open_datagrams({}, [](const env::Address&, BytesView) {}).value();
  world_.stall(1001, 1, Duration::seconds(3));
  world_.clog(1001, 1, Duration::seconds(1));
  connected_->write("slow");
  ASSERT_TRUE(out->send(World::address(1, 2181), "fast"));
  world_.run_for(Duration::millis(900));
  EXPECT_EQ(heard, "") << "a clog holds both";
  world_.run_for(Duration::millis(200));
  EXPECT_EQ(heard, "fast");
  world_.run_for(Duration::millis(1'800));
  EXPECT_EQ(server_reader_.text, "");
  world_.run_for(Duration::millis(200));
  EXPECT_EQ(server_reader_.text, "slow");
  world_.stall(1001, 1, Duration::seconds(100));
  connected_->write("er");
  world_.run_for(Duration::seconds(1));
  EXPECT_EQ(server_reader_.text, "slow");
  world_.heal_all();
  world_.run_for(Duration::millis(1));
  EXPECT_EQ(server_reader_.text, "slower");
}

TEST_F(StreamsTest, ConnectErrors) {
  EXPECT_EQ(connect(99), "connect host-1:99: Connection refused");
  world_.cut(1, 1001);
  EXPECT_EQ(connect(), "connect host-1:2181: timed out") << "no answer comes back";
  world_.heal_all();
  EXPECT_EQ(connect(), "connected");
  world_.host(1).crash(Crash::kill);
  EXPECT_EQ(connect(), "connect host-1:2181: Connection refused");
  world_.host(1).restart();
  world_.host(1).crash(Crash::power_cut);
  EXPECT_EQ(connect(), "connect host-1:2181: timed out");
  std::string outcome;
  client().network.connect({.host = "nowhere", .port = 1}, Duration::seconds(1),
                           [&](auto result) { outcome = result ? "connected" : result.error().message; });
  world_.run_for(Duration::millis(1));
  EXPECT_EQ(outcome, "resolve nowhere: unknown host");
}

TEST_F(StreamsTest, ListenErrors) {
  const auto refuse = [this](env::Address address) {
    auto result = server().network.listen(address, [](auto) {});
    return result ? std::string("listening") : result.error().message;
  };
  EXPECT_EQ(refuse({.host = "", .port = 2181}), "listen :2181: Address already in use");
  EXPECT_EQ(refuse({.host = "host-2", .port = 1}), "listen host-2:1: Cannot assign requested address");
  auto any = server().network.listen({.host = "localhost", .port = 0}, [](auto) {}).value();
  EXPECT_NE(any->local().port, 0);
  const auto again = any->local();
  any.reset();
  EXPECT_TRUE(server().network.listen(again, [](auto) {}).has_value()) << "the port is free again";
}

TEST_F(StreamsTest, CloseArrivesAfterTheData) {
  ASSERT_EQ(connect(), "connected");
  accepted_->pause_reading();
  connected_->write("last words");
  connected_->close_after_writes();
  world_.run_for(Duration::millis(5));
  ASSERT_TRUE(client_reader_.closed.has_value());
  EXPECT_EQ(server_reader_.text, "");
  EXPECT_FALSE(server_reader_.closed.has_value()) << "paused";
  accepted_->resume_reading();
  world_.run_for(Duration::millis(5));
  EXPECT_EQ(server_reader_.text, "last words");
  EXPECT_EQ(server_reader_.closed->kind, ErrorKind::closed);
}

TEST_F(StreamsTest, PausedReaderShowsAsUnsentBytes) {
  ASSERT_EQ(connect(), "connected");
  accepted_->pause_reading();
  connected_->write(Bytes(1 << 20, 'x'));
  world_.run_for(Duration::millis(5));
  EXPECT_GT(connected_->unsent_bytes(), size_t{700} << 10);
  accepted_->resume_reading();
  world_.run_for(Duration::millis(5));
  EXPECT_EQ(connected_->unsent_bytes(), 0u);
  EXPECT_EQ(server_reader_.text.size(), size_t{1} << 20);
}

TEST_F(StreamsTest, KillResetsAndLongCutTimesOut) {
  ASSERT_EQ(connect(), "connected");
  world_.client(1).crash(Crash::kill);
  world_.run_for(Duration::millis(5));
  EXPECT_EQ(server_reader_.closed->message, "connection reset by peer");
  world_.client(1).restart();
  server_reader_.closed.reset();
  ASSERT_EQ(connect(), "connected");
  world_.partition({1}, {1001});
  world_.run_for(Duration::seconds(6));
  EXPECT_EQ(server_reader_.closed->kind, ErrorKind::timed_out);
  EXPECT_EQ(client_reader_.closed->kind, ErrorKind::timed_out);
}

}  // namespace
}  // namespace conclave::sim
