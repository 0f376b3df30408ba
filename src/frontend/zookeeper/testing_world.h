// For tests: a front end over fakes. The executor runs when told, the clock moves when told, the gateway is a real
// state service and evaluator that apply at once or when the test says, and clients are scripted streams.
#pragma once

#include <algorithm>
#include <deque>
#include <gtest/gtest.h>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "frontend/zookeeper/server.h"
#include "state/service/evaluator.h"
#include "wire/zookeeper/frame.h"
#include "wire/zookeeper/multi.h"

namespace conclave::frontend::zookeeper {

class FakeClock final : public env::Clock {
 public:
  Instant now() const override { return time; }
  int64_t wall_ms() const override { return 1'700'000'000'000 + time.us / 1000; }
  Instant time{1'000'000};
};

class FakeExecutor final : public env::Executor {
 public:
  explicit FakeExecutor(FakeClock* clock) : clock_(clock) {}
  void post(Task task) override { tasks_.push_back(std::move(task)); }
  env::TimerId schedule(Duration delay, Task task) override {
    timers_[{clock_->time + delay, ++last_}] = std::move(task);
    return last_;
  }
  void cancel(env::TimerId timer) override {
    std::erase_if(timers_, [&](const auto& entry) { return entry.first.second == timer; });
  }
  // Runs what is posted, and what that posts.
  void run() {
    while (!tasks_.empty()) {
      Task task = std::move(tasks_.front());
      tasks_.pop_front();
      task();
    }
  }
  // Moves the clock, running timers on the way.
  void advance(Duration by) {
    const Instant end = clock_->time + by;
    run();
    while (!timers_.empty() && timers_.begin()->first.first <= end) {
      clock_->time = std::max(clock_->time, timers_.begin()->first.first);
      Task task = std::move(timers_.begin()->second);
      timers_.erase(timers_.begin());
      task();
      run();
    }
    clock_->time = end;
  }

 private:
  FakeClock* clock_;
  std::deque<Task> tasks_;
  std::map<std::pair<Instant, env::TimerId>, Task> timers_;
  env::TimerId last_ = 0;
};

class FakeEntropy final : public env::Entropy {
 public:
  Bytes bytes(size_t size) override { return Bytes(size, static_cast<char>('A' + next_++ % 26)); }
  uint64_t u64() override { return next_++; }

 private:
  uint64_t next_ = 0;
};

// The test's end of a connection.
struct Pipe {
  env::StreamHandler* handler = nullptr;
  Bytes received;     // by the client
  size_t writes = 0;  // calls of write
  size_t unsent = 0;  // what the stream says; with `stuck`, what was written stays there
  bool stuck = false;
  bool paused = false;
  bool closed = false;  // destroyed, or closed after writes
};

class FakeStream final : public env::Stream {
 public:
  FakeStream(std::shared_ptr<Pipe> pipe, env::Address peer) : pipe_(std::move(pipe)), peer_(std::move(peer)) {}
  ~FakeStream() override {
    pipe_->closed = true;
    pipe_->handler = nullptr;
  }
  void set_handler(env::StreamHandler* handler) override { pipe_->handler = handler; }
  void write(Bytes bytes) override {
    ++pipe_->writes;
    if (pipe_->stuck) pipe_->unsent += bytes.size();
    pipe_->received += bytes;
  }
  size_t unsent_bytes() const override { return pipe_->unsent; }
  void pause_reading() override { pipe_->paused = true; }
  void resume_reading() override { pipe_->paused = false; }
  void close_after_writes() override { pipe_->closed = true; }
  const env::Address& peer() const override { return peer_; }

 private:
  std::shared_ptr<Pipe> pipe_;
  env::Address peer_;
};

class FakeGateway final : public replica::Gateway {
 public:
  explicit FakeGateway(env::Executor* executor) : executor_(executor) {
    evaluator_ = std::make_unique<state::Evaluator>(service_, Epoch(1), state::EvaluatorSettings{});
    apply_one(state::Request{.session = {}, .identities = {}, .body = state::EpochStartRequest{}});
  }

  void add_observer(replica::GatewayObserver* observer) override { observer_ = observer; }
  void remove_observer(replica::GatewayObserver*) override { observer_ = nullptr; }
  void submit(state::Request request, replica::Completion done) override {
    requests.push_back(request);
    held_.push_back({std::move(request), std::move(done)});
    if (!hold) executor_->post([this] { release(); });
  }
  void sync(replica::Completion done) override {
    held_.push_back({std::nullopt, std::move(done)});
    if (!hold) executor_->post([this] { release(); });
  }
  void resume_session(SessionId id, BytesView password,
                      std::move_only_function<void(Result<replica::ResumedSession>)> done) override {
    executor_->post([this, id, word = Bytes(password), done = std::move(done)]() mutable {
      if (resume_fails) return done(fail(ErrorKind::unavailable, "no master"));
      const auto known = service_.session(id);
      const bool right = known && known->password == word;
      done(replica::ResumedSession{.known = right, .timeout_ms = right ? known->timeout_ms : 0});
    });
  }
  void touch(SessionId id) override { touched.push_back(id); }
  SessionId new_session_id() override { return SessionId(++last_session_); }
  const state::Service& state() const override { return service_; }
  bool serving() const override { return is_serving; }
  replica::Status status() const override {
    replica::Status out;
    out.self = ReplicaId(1);
    out.role = role;
    out.peers = peers;
    out.sessions_global = service_.sessions().size();
    return out;
  }

  // Applies and completes what is held, in order: all, or the first `count`.
  void release(size_t count = SIZE_MAX) {
    for (; count > 0 && !held_.empty(); --count) {
      auto held = std::move(held_.front());
      held_.pop_front();
      if (!held.request) {
        held.done({.outcome = {}, .zxid = service_.last_zxid()});
        continue;
      }
      state::Outcome outcome = apply_one(*held.request);
      held.done({.outcome = std::move(outcome), .zxid = service_.last_zxid()});
    }
  }
  // Completes the held request at `position` out of order, with a code and without applying it.
  void fail_held(size_t position, state::Code code) {
    auto held = std::move(held_[position]);
    held_.erase(held_.begin() + static_cast<ptrdiff_t>(position));
    held.done({.outcome = {.code = code, .ops = {}}, .zxid = service_.last_zxid()});
  }
  // Completes the held sync at `position` out of order.
  void complete_held(size_t position) { fail_held(position, state::Code::ok); }
  size_t held() const { return held_.size(); }
  // A write of somebody else.
  state::Outcome apply(state::RequestBody body, SessionId session = {}, state::Identities who = {}) {
    return apply_one({.session = session, .identities = std::move(who), .body = std::move(body)});
  }
  void set_serving(bool serving) {
    is_serving = serving;
    observer_->on_serving_changed(serving);
  }
  void state_replaced() { observer_->on_state_replaced(); }

  bool hold = false;
  bool is_serving = true;
  bool resume_fails = false;
  replica::Role role = replica::Role::leader;
  std::vector<replica::PeerStatus> peers;
  std::vector<state::Request> requests;
  std::vector<SessionId> touched;

 private:
  struct Held {
    std::optional<state::Request> request;  // nullopt: sync
    replica::Completion done;
  };

  state::Outcome apply_one(const state::Request& request) {
    auto made = evaluator_->evaluate(request, {.time_ms = 1'700'000'000'000, .origin = {}});
    if (auto* refusal = std::get_if<state::Refusal>(&made)) return refusal->outcome;
    const auto& txn = std::get<state::Transaction>(made);
    state::Applied applied = service_.apply(txn);
    evaluator_->on_applied(txn.zxid);
    if (observer_ != nullptr) observer_->on_applied(applied);
    return applied.outcome;
  }

  env::Executor* executor_;
  state::Service service_;
  std::unique_ptr<state::Evaluator> evaluator_;
  replica::GatewayObserver* observer_ = nullptr;
  std::deque<Held> held_;
  int64_t last_session_ = 0x100;
};

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
    wire::FrameWriter frame(&out);
    wire::Writer writer(&out);
    writer.put(wire::RequestHeader{.xid = xid, .op = op});
    (writer.put(body), ...);
    frame.finish();
    return out;
  }
  static Bytes multi(int32_t xid, const wire::MultiRequest& body, wire::OpCode op = wire::OpCode::multi) {
    Bytes out;
    wire::FrameWriter frame(&out);
    wire::Writer writer(&out);
    writer.put(wire::RequestHeader{.xid = xid, .op = op});
    encode(body, &writer);
    frame.finish();
    return out;
  }
  static Bytes connect_frame(const wire::ConnectRequest& request) {
    Bytes out;
    wire::FrameWriter frame(&out);
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
    length = wire::big_endian(length);
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
