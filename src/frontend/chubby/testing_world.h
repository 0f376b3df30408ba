// For tests: the front end over fakes (env/testing_fakes.h, replica/testing_gateway.h), whose clients are scripted:
// they send what the test says, message by message, and keep what comes back until the test takes it.
#pragma once

#include <cstring>
#include <deque>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/frame.h"
#include "env/testing_fakes.h"
#include "frontend/chubby/server.h"
#include "replica/testing_gateway.h"

namespace conclave::frontend::chubby {

constexpr uint32_t kRead = wire::MODE_READ;
constexpr uint32_t kWrite = wire::MODE_WRITE;
constexpr uint32_t kReadWrite = wire::MODE_READ | wire::MODE_WRITE;

// What a notice says: "invalidate /a", "fail-over", "3 content", "3 child-added x".
inline std::string to_text(const wire::Notice& notice) {
  static constexpr const char* kKinds[] = {"content",        "child-added",   "child-removed", "child-changed",
                                           "handle-invalid", "lock-acquired", "lock-conflict"};
  if (notice.has_invalidation()) return "invalidate " + notice.invalidation().path();
  if (notice.has_fail_over()) return "fail-over";
  const wire::Event& event = notice.event();
  return fmt::format("{} {}{}{}", event.handle(), kKinds[event.kind()], event.child().empty() ? "" : " ",
                     event.child());
}

class TestClient {
 public:
  TestClient(env::FakeExecutor* executor, std::shared_ptr<env::Pipe> pipe)
      : executor_(executor), pipe_(std::move(pipe)) {}

  // --- sending; each runs the loop unless told otherwise
  void send_raw(BytesView bytes, bool run = true) {
    if (pipe_->handler != nullptr) pipe_->handler->on_data(bytes);
    if (run) executor_->run();
  }
  void send(const wire::ClientMessage& message, bool run = true) {
    Bytes frame;
    wire::put_frame(message, &frame);
    send_raw(frame, run);
  }
  void hello(wire::Hello hello = {}) {
    wire::ClientMessage message;
    if (hello.protocol() == 0) hello.set_protocol(wire::kProtocol);
    *message.mutable_hello() = std::move(hello);
    send(message);
  }
  // Says Hello for a session that it has.
  void resume(const TestClient& former) {
    take_over(former);
    wire::Hello message;
    message.set_session(former.session);
    message.set_password(former.password);
    hello(std::move(message));
  }
  // Asks for a lease. Everything that it was told counts as acted on.
  void keep_alive() { keep_alive(acted_on); }
  void keep_alive(uint64_t acknowledged) {
    wire::ClientMessage message;
    wire::KeepAlive& ask = *message.mutable_keep_alive();
    ask.set_number(++keep_alives);
    ask.set_epoch(epoch);
    ask.set_acknowledged(acknowledged);
    send(message);
  }
  // Under the next number; gives it.
  uint64_t ask(wire::Call call, bool run = true) {
    call.set_number(++last_call);
    send_call(std::move(call), run);
    return last_call;
  }
  void send_call(wire::Call call, bool run = true) {
    if (call.epoch() == 0) call.set_epoch(epoch);
    if (call.answered_below() == 0) call.set_answered_below(answered_below);
    wire::ClientMessage message;
    *message.mutable_call() = std::move(call);
    send(message, run);
  }
  void cancel(uint64_t number) {
    wire::ClientMessage message;
    message.mutable_cancel()->set_number(number);
    send(message);
  }

  // --- receiving
  std::optional<wire::Welcome> welcomed() {
    auto message = take([](const wire::ServerMessage& m) { return m.has_welcome(); });
    if (!message) return std::nullopt;
    session = message->welcome().session();
    password = message->welcome().password();
    if (epoch != message->welcome().epoch()) acted_on = 0;
    epoch = message->welcome().epoch();
    return message->welcome();
  }
  std::optional<wire::Elsewhere> elsewhere() {
    auto message = take([](const wire::ServerMessage& m) { return m.has_elsewhere(); });
    return message ? std::optional(message->elsewhere()) : std::nullopt;
  }
  // The reason; nothing: its session goes on.
  std::optional<std::string> over() {
    auto message = take([](const wire::ServerMessage& m) { return m.has_session_over(); });
    return message ? std::optional(message->session_over().reason()) : std::nullopt;
  }
  std::optional<wire::KeepAliveReply> lease() {
    auto message = take([](const wire::ServerMessage& m) { return m.has_keep_alive(); });
    if (!message) return std::nullopt;
    for (const wire::Notice& notice : message->keep_alive().notices()) {
      EXPECT_GE(acted_on + 1, notice.sequence()) << "a gap";
      acted_on = std::max(acted_on, notice.sequence());
    }
    return message->keep_alive();
  }
  // What the KeepAlive reply that came tells; "-": none came.
  std::vector<std::string> told() {
    const auto reply = lease();
    if (!reply) return {"-"};
    std::vector<std::string> out;
    for (const wire::Notice& notice : reply->notices()) out.push_back(to_text(notice));
    return out;
  }
  // Acts on what it is told and asks for the next lease; false: it is told nothing.
  bool heed() {
    const bool told = lease().has_value();
    if (told) keep_alive();
    return told;
  }
  std::optional<wire::Reply> reply(uint64_t number) {
    auto message = take([&](const wire::ServerMessage& m) { return m.has_reply() && m.reply().number() == number; });
    return message ? std::optional(message->reply()) : std::nullopt;
  }
  // The answer's code; nothing: it is not answered.
  std::optional<wire::Code> code(uint64_t number) {
    const auto answer = reply(number);
    return answer ? std::optional(answer->code()) : std::nullopt;
  }
  size_t unread() {
    read();
    return inbox_.size();
  }
  bool closed() const { return pipe_->closed; }
  env::Pipe& pipe() { return *pipe_; }

  // --- whole calls. Meanwhile the client acts on what it is told, as its own cache may be in the way.
  wire::Reply call(wire::Call call) {
    ask(std::move(call));
    auto answer = reply(last_call);
    while (!answer && heed()) answer = reply(last_call);
    if (!answer) ADD_FAILURE() << "call " << last_call << " is not answered";
    return answer.value_or(wire::Reply());
  }
  static wire::Call open_call(uint64_t handle, std::string path, uint32_t mode = kReadWrite,
                              wire::Open::Creation creation = wire::Open::NEVER) {
    wire::Call out;
    wire::Open& open = *out.mutable_open();
    open.set_handle(handle);
    open.set_path(std::move(path));
    open.set_mode(mode);
    open.set_creation(creation);
    return out;
  }
  wire::Reply open(uint64_t handle, std::string path, uint32_t mode = kReadWrite) {
    return call(open_call(handle, std::move(path), mode));
  }
  wire::Reply make(uint64_t handle, std::string path, std::string contents = "", uint32_t events = 0) {
    wire::Call made = open_call(handle, std::move(path), kReadWrite | wire::MODE_CHANGE_ACL, wire::Open::IF_MISSING);
    made.mutable_open()->set_contents(std::move(contents));
    made.mutable_open()->set_events(events);
    return call(std::move(made));
  }
  wire::Reply make_directory(uint64_t handle, std::string path) {
    wire::Call made = open_call(handle, std::move(path), kReadWrite | wire::MODE_CHANGE_ACL, wire::Open::IF_MISSING);
    made.mutable_open()->set_directory(true);
    return call(std::move(made));
  }
  static wire::Call get_call(uint64_t handle) {
    wire::Call out;
    out.mutable_get_contents()->set_handle(handle);
    return out;
  }
  wire::Reply get(uint64_t handle) { return call(get_call(handle)); }
  static wire::Call set_call(uint64_t handle, std::string contents, uint64_t generation = 0) {
    wire::Call out;
    out.mutable_set_contents()->set_handle(handle);
    out.mutable_set_contents()->set_contents(std::move(contents));
    out.mutable_set_contents()->set_generation(generation);
    return out;
  }
  wire::Reply set(uint64_t handle, std::string contents, uint64_t generation = 0) {
    return call(set_call(handle, std::move(contents), generation));
  }
  static wire::Call close_call(uint64_t handle) {
    wire::Call out;
    out.mutable_close()->set_handle(handle);
    return out;
  }
  wire::Code close(uint64_t handle) { return call(close_call(handle)).code(); }
  static wire::Call delete_call(uint64_t handle) {
    wire::Call out;
    out.mutable_delete_()->set_handle(handle);
    return out;
  }
  wire::Code remove(uint64_t handle) { return call(delete_call(handle)).code(); }
  static wire::Call acquire_call(uint64_t handle, bool shared = false) {
    wire::Call out;
    out.mutable_acquire()->set_handle(handle);
    out.mutable_acquire()->set_shared(shared);
    return out;
  }
  wire::Reply acquire(uint64_t handle, bool shared = false) { return call(acquire_call(handle, shared)); }
  static wire::Call await_call(uint64_t handle, bool shared = false) {
    wire::Call out;
    out.mutable_await_lock()->set_handle(handle);
    out.mutable_await_lock()->set_shared(shared);
    return out;
  }
  uint64_t await(uint64_t handle, bool shared = false) { return ask(await_call(handle, shared)); }
  static wire::Call release_call(uint64_t handle) {
    wire::Call out;
    out.mutable_release()->set_handle(handle);
    return out;
  }
  wire::Code release(uint64_t handle) { return call(release_call(handle)).code(); }
  bool is_valid(const std::string& sequencer) {
    wire::Call out;
    out.mutable_check_sequencer()->set_sequencer(sequencer);
    return call(std::move(out)).sequencer().valid();
  }
  // Codes of each, in their order.
  std::vector<int> reopen(const std::vector<wire::Handle>& handles) {
    wire::Call out;
    for (const wire::Handle& handle : handles) *out.mutable_reopen()->add_handles() = handle;
    const wire::Reply answer = call(std::move(out));
    return {answer.reopened().codes().begin(), answer.reopened().codes().end()};
  }

  // What a client knows of its session, whichever connection it has.
  void take_over(const TestClient& former) {
    session = former.session;
    password = former.password;
    epoch = former.epoch;
    acted_on = former.acted_on;
    last_call = former.last_call;
    answered_below = former.answered_below;
  }
  int64_t session = 0;
  std::string password;
  uint64_t epoch = 0;
  uint64_t acted_on = 0;
  uint64_t keep_alives = 0;  // on this connection
  uint64_t last_call = 0;
  uint64_t answered_below = 1;

 private:
  void read() {
    Bytes& in = pipe_->received;
    while (in.size() >= kFrameLengthBytes) {
      int32_t length = 0;
      std::memcpy(&length, in.data(), kFrameLengthBytes);
      length = big_endian(length);
      ASSERT_LE(static_cast<size_t>(length) + kFrameLengthBytes, in.size());
      auto message = wire::decode_server_message(BytesView(in).substr(kFrameLengthBytes, static_cast<size_t>(length)));
      ASSERT_TRUE(message);
      inbox_.push_back(*std::move(message));
      in.erase(0, kFrameLengthBytes + static_cast<size_t>(length));
    }
  }
  template <class Which>
  std::optional<wire::ServerMessage> take(Which which) {
    read();
    const auto found = std::ranges::find_if(inbox_, which);
    if (found == inbox_.end()) return std::nullopt;
    wire::ServerMessage message = std::move(*found);
    inbox_.erase(found);
    return message;
  }

  env::FakeExecutor* executor_;
  std::shared_ptr<env::Pipe> pipe_;
  std::deque<wire::ServerMessage> inbox_;
};

class ChubbyTest : public testing::Test {
 protected:
  // The front end of a replica that is not the master.
  void start(Settings settings = {}) {
    settings.listen = {{"0.0.0.0", 7000}};
    settings.cell = "home";
    gateway.peers = {{.id = ReplicaId(1), .lock_service_address = {"one", 7001}},
                     {.id = ReplicaId(2), .lock_service_address = {"two", 7002}}};
    server = std::make_unique<Server>(clock, executor, entropy, gateway, std::move(settings));
    ASSERT_TRUE(server->listen(network));
  }
  // It is the master, and ready.
  void lead(uint32_t epoch = 2, Settings settings = {}) {
    if (!server) start(std::move(settings));
    gateway.begin_mastership(Epoch(epoch));
    gateway.start_epoch();
    executor.run();
  }
  // Another mastership of this replica: what the master knew is gone.
  void fail_over(uint32_t epoch = 3) {
    gateway.end_mastership();
    lead(epoch);
  }

  TestClient connect(const std::string& host = "10.0.0.1") {
    auto pipe = network.connect({host, ++port_});
    executor.run();
    return TestClient(&executor, pipe);
  }
  // With a new session, a lease, and a KeepAlive that waits.
  TestClient client() {
    TestClient out = connect();
    out.hello();
    EXPECT_TRUE(out.welcomed());
    out.keep_alive();
    EXPECT_TRUE(out.lease());
    out.keep_alive();
    return out;
  }
  // On a new connection, with its session, a lease and a KeepAlive that waits. What it is told is acted on.
  TestClient come_back(TestClient& former) {
    TestClient out = connect();
    out.resume(former);
    EXPECT_TRUE(out.welcomed());
    out.keep_alive();
    EXPECT_TRUE(out.lease());
    out.keep_alive();
    return out;
  }
  // The client's end breaks.
  void hang_up(TestClient& client) {
    if (client.pipe().handler != nullptr) client.pipe().handler->on_closed({ErrorKind::closed, "end of stream"});
    executor.run();
  }
  // Its lease has run out, which the proposer says by a fact.
  void expire(const TestClient& client) {
    gateway.apply(state::CloseSessionRequest{.expired = true}, SessionId(client.session));
    executor.run();
  }
  // A write that goes the way of ZooKeeper's; the outcome, once it is done.
  std::shared_ptr<std::optional<state::Code>> write(state::RequestBody body, SessionId session = {}) {
    auto out = std::make_shared<std::optional<state::Code>>();
    gateway.submit(
        {.session = session, .identities = {{"super", ""}}, .body = std::move(body), .guard = std::nullopt, .call = {}},
        [out](const replica::Reply& reply) { *out = reply.outcome.code; });
    executor.run();
    return out;
  }
  // A node as ZooKeeper's clients make them.
  void make_by_zookeeper(const std::string& path) {
    ASSERT_EQ(*write(state::CreateRequest{.path = path, .data = {}, .acl = {{31, "world", "anyone"}}}),
              state::Code::ok);
  }
  std::string contents(std::string_view path) {
    const auto node = gateway.state().get(path, {{"super", ""}});
    return node ? std::string(node->data) : "(none)";
  }
  bool exists(std::string_view path) { return gateway.state().exists(path); }
  // Ticks are 50 ms apart.
  void advance(Duration by) { executor.advance(by); }

  env::FakeClock clock;
  env::FakeExecutor executor{&clock};
  env::FakeEntropy entropy;
  env::FakeNetwork network;
  replica::FakeGateway gateway{&executor};
  std::unique_ptr<Server> server;

 private:
  uint16_t port_ = 40'000;
};

}  // namespace conclave::frontend::chubby
