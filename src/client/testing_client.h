// The fixture of the client's tests: a server played by hand over fake streams.
#pragma once

#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "client/client.h"
#include "client/fake_world.h"
#include "wire/zookeeper/replies.h"
#include "wire/zookeeper/requests.h"

namespace conclave::client {

using namespace wire::zookeeper;

// A server played by hand: reads the frames of the client, answers with records.
class ClientTest : public testing::Test {
 protected:
  explicit ClientTest(std::vector<env::Address> servers = {{"a", 1}, {"b", 2}, {"c", 3}}) {
    client::Options options;
    options.servers = std::move(servers);
    client = std::make_unique<Client>(loop, loop, network, std::move(options));
    client->start([this](SessionState state) { states.push_back(state); });
  }

  struct Frame {
    RequestHeader header;
    Bytes body;
  };

  std::vector<Bytes> raw_frames() {
    std::vector<Bytes> out;
    FrameReader reader(1 << 20);
    const Bytes bytes = std::exchange(server->written, {});
    EXPECT_TRUE(reader.feed(bytes, [&](BytesView message) {
      out.emplace_back(message);
      return true;
    }));
    EXPECT_FALSE(reader.partial());
    return out;
  }
  std::vector<Frame> requests() {
    std::vector<Frame> out;
    for (const Bytes& raw : raw_frames()) {
      Reader in(raw);
      const auto header = in.get<RequestHeader>();
      out.push_back({header, Bytes(in.rest())});
    }
    return out;
  }

  template <class... Parts>
  static Bytes frame(const Parts&... parts) {
    Bytes out;
    FrameWriter writer(&out);
    Writer fields(&out);
    (fields.put(parts), ...);
    writer.finish();
    return out;
  }
  void send(const Bytes& bytes) {
    server->receive(bytes);
    loop.drain();
  }
  template <class... Body>
  void reply(int32_t xid, ErrorCode error, const Body&... body) {
    send(frame(ReplyHeader{.xid = xid, .zxid = Zxid(++zxid), .error = error}, body...));
  }
  void notify(EventType type, std::string_view path) {
    send(frame(ReplyHeader{.xid = kXidNotification, .zxid = kNotificationZxid},
               WatcherEvent{.type = type, .state = KeeperState::sync_connected, .path = path}));
  }
  void welcome(int64_t session = 77, int32_t timeout_ms = 9'000, bool read_only = false) {
    Bytes out;
    FrameWriter writer(&out);
    Writer fields(&out);
    encode(ConnectResponse{.timeout_ms = timeout_ms,
                           .session = SessionId(session),
                           .password = "0123456789abcdef",
                           .read_only = read_only},
           &fields);
    writer.finish();
    send(out);
  }
  // Accepts the connection under way, checks nothing, establishes the session.
  void connect() {
    server = network.accept();
    raw_frames();
    welcome();
  }
  ConnectRequest connect_request(const Bytes& raw) {
    Reader in(raw);
    const ConnectRequest request = decode_connect_request(&in);
    EXPECT_TRUE(in.done());
    return request;
  }

  // Not inlined: g++ 12 otherwise warns of an uninitialised error in paths that cannot be taken.
  template <class T>
  [[gnu::noinline]] static ErrorCode code_of(const Outcome<T>& outcome) {
    return outcome ? ErrorCode::ok : outcome.error();
  }
  template <class T>
  Completion<T> record(std::string name) {
    return [this, name](const Outcome<T>& outcome) {
      log.push_back(name + ": " + std::string(to_string(code_of(outcome))));
    };
  }
  WatchFunction watch(std::string name) {
    return [this, name](const WatchEvent& event) {
      log.push_back(name + ": " + std::string(to_string(event.type)) + " " + event.path);
    };
  }

  FakeLoop loop;
  FakeNetwork network{loop};
  std::unique_ptr<Client> client;
  std::shared_ptr<FakeConnection> server;
  std::vector<SessionState> states;
  std::vector<std::string> log;
  uint64_t zxid = 100;
};

}  // namespace conclave::client
