// For tests: a front end over fakes (testing_fakes.h), whose clients are scripted streams.
#pragma once

#include <cstring>
#include <gtest/gtest.h>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/frame.h"
#include "frontend/zookeeper/server.h"
#include "frontend/zookeeper/testing_fakes.h"
#include "wire/zookeeper/multi.h"

namespace conclave::frontend::zookeeper {

const std::vector<wire::Acl> kOpen = {{31, {"world", "anyone"}}};

// What a client got: one reply or event, its body as bytes.
struct Frame {
  wire::ReplyHeader header;
  Bytes body;
};

// A scripted client.
class TestClient {
 public:
  TestClient(FakeExecutor* executor, std::shared_ptr<Pipe> pipe) : executor_(executor), pipe_(std::move(pipe)) {}

  // --- sending; each runs the loop unless told otherwise
  void send_raw(BytesView bytes, bool run = true) {
    if (pipe_->handler != nullptr) pipe_->handler->on_data(bytes);
    if (run) executor_->run();
  }
  template <class... Body>
  static Bytes request(int32_t xid, wire::OpCode op, const Body&... body) {
    Bytes out;
    FrameWriter frame(&out);
    wire::Writer writer(&out);
    writer.put(wire::RequestHeader{.xid = xid, .op = op});
    (writer.put(body), ...);
    frame.finish();
    return out;
  }
  static Bytes multi(int32_t xid, const wire::MultiRequest& body, wire::OpCode op = wire::OpCode::multi) {
    Bytes out;
    FrameWriter frame(&out);
    wire::Writer writer(&out);
    writer.put(wire::RequestHeader{.xid = xid, .op = op});
    encode(body, &writer);
    frame.finish();
    return out;
  }
  static Bytes connect_frame(const wire::ConnectRequest& request) {
    Bytes out;
    FrameWriter frame(&out);
    wire::Writer writer(&out);
    encode(request, &writer);
    frame.finish();
    return out;
  }

  // Connects with a new session; the reply, or nullopt if there was none.
  std::optional<wire::ConnectResponse> connect(wire::ConnectRequest request = {.timeout_ms = 10'000,
                                                                               .read_only = false}) {
    static const Bytes kZeroes(16, '\0');
    if (request.password.empty()) request.password = kZeroes;
    send_raw(connect_frame(request));
    return connected();
  }
  std::optional<wire::ConnectResponse> connected() {
    const auto message = take_message();
    if (!message) return std::nullopt;
    connect_reply_ = *message;
    wire::Reader in(connect_reply_);
    auto response = decode_connect_response(&in);
    EXPECT_TRUE(in.done());
    session = response.session;
    password = Bytes(response.password);
    return response;
  }

  // Sends one request and takes the one frame that answers it.
  template <class... Body>
  Frame call(wire::OpCode op, const Body&... body) {
    send_raw(request(++xid, op, body...));
    Frame frame = next();
    EXPECT_EQ(frame.header.xid, xid);
    return frame;
  }
  wire::ErrorCode create(BytesView path, BytesView data = "", wire::CreateMode mode = {},
                         std::vector<wire::Acl> acl = kOpen) {
    return call(wire::OpCode::create, wire::CreateRequest{path, data, std::move(acl), mode}).header.error;
  }
  wire::ErrorCode set(BytesView path, BytesView data) {
    return call(wire::OpCode::set_data, wire::SetDataRequest{path, data}).header.error;
  }
  wire::ErrorCode remove(BytesView path) {
    return call(wire::OpCode::delete_node, wire::DeleteRequest{path}).header.error;
  }
  wire::ErrorCode authenticate(BytesView scheme, BytesView auth) {
    send_raw(request(wire::kXidAuth, wire::OpCode::auth, wire::AuthPacket{0, scheme, auth}));
    const Frame frame = next();
    EXPECT_EQ(frame.header.xid, wire::kXidAuth);
    return frame.header.error;
  }

  // --- receiving
  std::optional<Bytes> take_message() {
    Bytes& in = pipe_->received;
    if (in.size() < 4) return std::nullopt;
    int32_t length = 0;
    std::memcpy(&length, in.data(), 4);
    length = big_endian(length);
    EXPECT_LE(static_cast<size_t>(length) + 4, in.size());
    Bytes message = in.substr(4, static_cast<size_t>(length));
    in.erase(0, 4 + static_cast<size_t>(length));
    return message;
  }
  Frame next() {
    const auto message = take_message();
    if (!message) {
      ADD_FAILURE() << "no frame";
      return {};
    }
    wire::Reader in(*message);
    Frame frame{.header = in.get<wire::ReplyHeader>(), .body = {}};
    frame.body = Bytes(in.rest());
    EXPECT_TRUE(in.ok());
    return frame;
  }
  // The next frame as an event, "NodeCreated /a".
  std::string event() {
    const Frame frame = next();
    EXPECT_EQ(frame.header.xid, wire::kXidNotification);
    EXPECT_EQ(frame.header.zxid, wire::kNotificationZxid);
    wire::Reader in(frame.body);
    const auto event = in.get<wire::WatcherEvent>();
    EXPECT_TRUE(in.done());
    EXPECT_EQ(event.state, wire::KeeperState::sync_connected);
    return std::string(to_string(event.type)) + " " + std::string(event.path);
  }
  bool quiet() const { return pipe_->received.empty(); }
  bool closed() const { return pipe_->closed; }
  Pipe& pipe() { return *pipe_; }

  int32_t xid = 0;
  SessionId session;
  Bytes password;

 private:
  FakeExecutor* executor_;
  std::shared_ptr<Pipe> pipe_;
  Bytes connect_reply_;
};

// Reads a reply body as a record and checks that nothing is left.
template <class T>
T body_of(const Frame& frame) {
  wire::Reader in(frame.body);
  T value = in.get<T>();
  EXPECT_TRUE(in.done());
  return value;
}

class FrontEndTest : public testing::Test {
 protected:
  void start(Settings settings = {}) {
    server = std::make_unique<Server>(clock, executor, entropy, gateway, std::move(settings));
  }
  TestClient open(const std::string& host = "10.0.0.1") {
    if (!server) start();
    auto pipe = std::make_shared<Pipe>();
    server->accept(std::make_unique<FakeStream>(pipe, env::Address{host, ++port_}));
    executor.run();
    return TestClient(&executor, pipe);
  }
  TestClient connected(const std::string& host = "10.0.0.1") {
    TestClient client = open(host);
    EXPECT_TRUE(client.connect().has_value());
    return client;
  }
  std::string word(BytesView four) {
    TestClient client = open();
    client.send_raw(four);
    EXPECT_TRUE(client.closed());
    return client.pipe().received;
  }
  // The client's end breaks.
  void hang_up(TestClient& client) {
    if (client.pipe().handler != nullptr) client.pipe().handler->on_closed({ErrorKind::closed, "end of stream"});
    executor.run();
  }

  FakeClock clock;
  FakeExecutor executor{&clock};
  FakeEntropy entropy;
  FakeGateway gateway{&executor};
  std::unique_ptr<Server> server;

 private:
  uint16_t port_ = 40'000;
};

}  // namespace conclave::frontend::zookeeper
