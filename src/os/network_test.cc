// Streams over real loopback sockets: the contract of env::Network.
#include "os/network.h"

#include <atomic>
#include <gtest/gtest.h>
#include <optional>
#include <sys/socket.h>
#include <thread>

#include "base/log.h"
#include "os/listener.h"
#include "os/test_world.h"

namespace conclave::os {
namespace {

class Reader final : public env::StreamHandler {
 public:
  void on_data(BytesView bytes) override {
    EXPECT_FALSE(inside_call) << "never from inside a call";
    text += bytes;
    ++calls;
    if (on_bytes) on_bytes();
  }
  void on_closed(const Error& reason) override {
    EXPECT_FALSE(inside_call);
    EXPECT_FALSE(closed.has_value()) << "once";
    closed = reason;
    if (on_end) on_end();
  }
  std::string text;
  int calls = 0;
  bool inside_call = false;
  std::optional<Error> closed;
  std::function<void()> on_bytes, on_end;
};

class NetworkTest : public testing::Test {
 protected:
  void listen(std::string host = "127.0.0.1") {
    listener_ = network_
                    .listen({.host = std::move(host), .port = 0},
                            [this](std::unique_ptr<env::Stream> stream) {
                              accepted_ = std::move(stream);
                              server_.closed.reset();
                              accepted_->set_handler(&server_);
                            })
                    .value();
  }
  std::string connect(env::Address address, Duration timeout = Duration::seconds(5)) {
    std::optional<std::string> outcome;
    network_.connect(address, timeout, [&](Result<std::unique_ptr<env::Stream>> result) {
      outcome = result ? "connected" : result.error().message;
      if (!result) return;
      connected_ = std::move(*result);
      connected_->set_handler(&client_);
    });
    EXPECT_FALSE(outcome.has_value()) << "never from inside the call";
    EXPECT_TRUE(run_until(loop_, [&] { return outcome.has_value(); }));
    return outcome.value_or("nothing");
  }
  void connect_pair() {
    listen();
    ASSERT_EQ(connect(listener_->local()), "connected");
    ASSERT_TRUE(run_until(loop_, [&] { return accepted_ != nullptr; }));
  }

  Loop loop_;
  Network network_{loop_};
  Reader server_, client_;
  std::unique_ptr<env::Listener> listener_;
  std::unique_ptr<env::Stream> accepted_, connected_;
};

TEST_F(NetworkTest, BytesFlowBothWaysAndWritesOfATurnArriveTogether) {
  connect_pair();
  loop_.post([&] {
    client_.inside_call = true;
    for (int i = 0; i < 100; ++i) connected_->write("0123456789");
    EXPECT_EQ(connected_->unsent_bytes(), 1000u);
    client_.inside_call = false;
  });
  accepted_->write("welcome");
  ASSERT_TRUE(run_until(loop_, [&] { return server_.text.size() == 1000 && client_.text == "welcome"; }));
  EXPECT_EQ(server_.calls, 1);
  EXPECT_EQ(connected_->unsent_bytes(), 0u);
  EXPECT_EQ(connected_->peer(), listener_->local());
  EXPECT_EQ(accepted_->peer().host, "127.0.0.1");
}

TEST_F(NetworkTest, LargeAndSmallWritesKeepTheirOrder) {
  connect_pair();
  std::string expected;
  for (size_t i = 0; i < 300; ++i) {
    const Bytes part(i % 7 == 0 ? 100'000 + i : i % 50, static_cast<char>('a' + i % 26));
    expected += part;
    connected_->write(part);
  }
  ASSERT_TRUE(run_until(loop_, [&] { return server_.text.size() >= expected.size(); }));
  EXPECT_EQ(server_.text, expected);
}

TEST_F(NetworkTest, PausedReaderHoldsBackTheWriter) {
  connect_pair();
  accepted_->pause_reading();
  const Bytes bulk(64 << 20, 'x');
  connected_->write(bulk);
  ASSERT_TRUE(run_until(loop_, [&] { return connected_->unsent_bytes() < bulk.size(); }));
  EXPECT_GT(connected_->unsent_bytes(), size_t{16} << 20) << "more than socket buffers hold";
  EXPECT_EQ(server_.text.size(), 0u);
  server_.on_bytes = [&] {
    if (server_.calls == 3) accepted_->pause_reading();
  };
  accepted_->resume_reading();
  ASSERT_TRUE(run_until(loop_, [&] { return server_.calls == 3; }));
  accepted_->resume_reading();
  ASSERT_TRUE(run_until(loop_, [&] { return server_.text.size() == bulk.size(); }));
  EXPECT_EQ(connected_->unsent_bytes(), 0u);
}

TEST_F(NetworkTest, CloseAfterWritesDeliversEverythingFirst) {
  connect_pair();
  const Bytes bulk(8 << 20, 'x');
  accepted_->write("unread when the close begins");
  server_.inside_call = client_.inside_call = true;
  connected_->write(bulk);
  connected_->close_after_writes();
  connected_->write("too late");
  server_.inside_call = client_.inside_call = false;
  server_.on_end = [&] { accepted_.reset(); };
  ASSERT_TRUE(run_until(loop_, [&] { return server_.closed && client_.closed; }));
  EXPECT_EQ(server_.text.size(), bulk.size());
  EXPECT_EQ(server_.closed->kind, ErrorKind::closed);
  EXPECT_EQ(client_.closed->message, "closed here");
}

TEST_F(NetworkTest, DestroyingClosesAtOnceAndIsSilent) {
  connect_pair();
  connected_.reset();
  ASSERT_TRUE(run_until(loop_, [&] { return server_.closed.has_value(); }));
  EXPECT_FALSE(client_.closed.has_value());
}

TEST_F(NetworkTest, StreamMayBeDestroyedInsideItsOwnCallbacks) {
  connect_pair();
  server_.on_bytes = [&] { accepted_.reset(); };
  connected_->write(Bytes(2 << 20, 'x'));
  client_.on_end = [&] { connected_.reset(); };
  ASSERT_TRUE(run_until(loop_, [&] { return client_.closed.has_value(); }));
  EXPECT_EQ(server_.calls, 1);
  EXPECT_FALSE(server_.closed.has_value());
}

TEST_F(NetworkTest, ResetIsReportedWhilePaused) {
  connect_pair();
  accepted_->pause_reading();
  connected_->pause_reading();
  accepted_->write("unread");  // closing with unread bytes makes the kernel send a reset
  ASSERT_TRUE(run_until(loop_, [&] { return accepted_->unsent_bytes() == 0; }));
  connected_.reset();
  ASSERT_TRUE(run_until(loop_, [&] { return server_.closed.has_value(); }));
}

TEST_F(NetworkTest, BrokenBeforeAnyoneListensIsToldLater) {
  listener_ =
      network_.listen({.host = "127.0.0.1", .port = 0}, [this](auto stream) { accepted_ = std::move(stream); }).value();
  ASSERT_EQ(connect(listener_->local()), "connected");
  ASSERT_TRUE(run_until(loop_, [&] { return accepted_ != nullptr; }));
  connected_.reset();
  accepted_->write("into a closed connection");
  accepted_->set_handler(&server_);
  ASSERT_TRUE(run_until(loop_, [&] { return server_.closed.has_value(); }));
}

TEST_F(NetworkTest, ConnectErrorsSayWhat) {
  listen();
  const env::Address gone = listener_->local();
  listener_.reset();
  EXPECT_EQ(connect(gone), "connect " + to_string(gone) + ": Connection refused");
  EXPECT_EQ(connect(gone, Duration{0}).substr(0, 8), "connect ");
}

TEST_F(NetworkTest, ListenErrorsSayWhat) {
  listen();
  const auto taken = network_.listen(listener_->local(), [](auto) {});
  ASSERT_FALSE(taken.has_value());
  EXPECT_EQ(taken.error().message, "listen " + to_string(listener_->local()) + ": Address already in use");
  EXPECT_FALSE(network_.listen({.host = "192.0.2.1", .port = 0}, [](auto) {}).has_value()) << "not ours";
}

TEST_F(NetworkTest, EmptyHostTakesIPv4AndIPv6) {
  listen("");
  const uint16_t port = listener_->local().port;
  EXPECT_EQ(connect({.host = "127.0.0.1", .port = port}), "connected");
  ASSERT_TRUE(run_until(loop_, [&] { return accepted_ != nullptr; }));
  EXPECT_EQ(accepted_->peer().host, "127.0.0.1") << "shown as IPv4";
  if (network_.listen({.host = "::1", .port = 0}, [](auto) {})) {
    EXPECT_EQ(connect({.host = "::1", .port = port}), "connected");
  }
}

TEST_F(NetworkTest, NamesAreTriedAddressByAddressAnewEachTime) {
  std::atomic<int> look_ups = 0;
  listen();
  const env::Address open = listener_->local();
  auto resolver = std::make_unique<Resolver>(loop_, [&](const env::Address& address) {
    ++look_ups;
    EXPECT_EQ(address.host, "replica.example");
    auto both = resolve_literal({.host = "127.0.0.9", .port = open.port});  // refused: bound to 127.0.0.1 only
    for (const auto& one : resolve_literal(open)) both.push_back(one);
    return Result<std::vector<SocketAddress>>(both);
  });
  Network network(loop_, std::move(resolver));
  for (int i = 1; i <= 2; ++i) {
    bool done = false;
    network.connect({.host = "replica.example", .port = open.port}, Duration::seconds(5), [&](auto stream) {
      EXPECT_TRUE(stream.has_value());
      done = true;
    });
    ASSERT_TRUE(run_until(loop_, [&] { return done; }));
    EXPECT_EQ(look_ups, i);
  }
}

// B15: DNS that never answers for one name delays nobody else, and times out.
TEST_F(NetworkTest, SilentDnsDelaysNobodyElse) {
  std::atomic<bool> release = false;
  listen();
  {
    Network network(
        loop_, std::make_unique<Resolver>(loop_, [&](const env::Address& address) {
          if (address.host == "silent.example") release.wait(false);
          return Result<std::vector<SocketAddress>>(resolve_literal({.host = "127.0.0.1", .port = address.port}));
        }));
    std::string silent, other;
    network.connect({.host = "silent.example", .port = 1}, Duration::millis(30),
                    [&](auto result) { silent = result ? "connected" : result.error().message; });
    network.connect({.host = "other.example", .port = listener_->local().port}, Duration::seconds(5),
                    [&](auto result) { other = result ? "connected" : result.error().message; });
    ASSERT_TRUE(run_until(loop_, [&] { return !other.empty(); }));
    EXPECT_EQ(other, "connected");
    ASSERT_TRUE(run_until(loop_, [&] { return !silent.empty(); }));
    EXPECT_EQ(silent, "connect silent.example:1: timed out in name resolution");
    release = true;
    release.notify_all();
    ASSERT_TRUE(run_until(loop_, [&] { return network.lookups_waiting() == 0; }));
  }
}

TEST_F(NetworkTest, OutOfDescriptorsPausesAndSaysSoOnce) {
  int calls = 0, lines = 0, accepted = 0;
  log::set_sink([&](log::Level, std::string_view, std::string_view message, log::Fields) {
    lines += message.find("cannot accept") != std::string_view::npos;
  });
  {
    TcpListener listener(
        loop_, listen_on({.host = "127.0.0.1", .port = 0}).value(), {}, [&](auto) { ++accepted; },
        [&](int fd, SocketAddress* from) {
          if (++calls <= 2) {
            errno = EMFILE;
            return -1;
          }
          from->size = sizeof(from->storage);
          return accept4(fd, from->get(), &from->size, SOCK_NONBLOCK | SOCK_CLOEXEC);
        });
    ASSERT_EQ(connect(listener.local()), "connected");
    ASSERT_TRUE(run_until(loop_, [&] { return accepted == 1; }));
  }
  log::set_sink({});
  EXPECT_LE(calls, 4) << "it must not spin";
  EXPECT_EQ(lines, 1);
}

}  // namespace
}  // namespace conclave::os
