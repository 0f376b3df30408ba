// For tests: a name server on host 1 of a virtual world, and a client on another host that asks it.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "frontend/dns/server.h"
#include "frontend/dns/testing_dns.h"
#include "sim/world/world.h"

namespace conclave::frontend::dns {

// The client's end of a connection.
class TestConnection final : public env::StreamHandler {
 public:
  explicit TestConnection(sim::World& world) : world_(world) {
    world.client(2).env().network.connect(sim::World::address(1, 53), Duration::seconds(1),
                                          [this](Result<std::unique_ptr<env::Stream>> stream) {
                                            if (!stream) return;
                                            stream_ = *std::move(stream);
                                            stream_->set_handler(this);
                                          });
    world.run_until([&] { return stream_ != nullptr; }, Duration::seconds(1));
  }
  void send(BytesView bytes) { stream_->write(Bytes(bytes)); }
  void ask(const TestQuery& query) {
    Bytes framed;
    append_u16(static_cast<uint16_t>(bytes_of(query).size()), &framed);
    send(framed + bytes_of(query));
  }
  std::optional<TestAnswer> answer() {
    const auto whole = [&] { return received_.size() >= 2 && received_.size() >= 2 + length(); };
    if (!world_.run_until(whole, Duration::seconds(10))) return std::nullopt;
    TestAnswer out(received_.substr(2, length()));
    received_.erase(0, 2 + length());
    return out;
  }
  bool open() const { return stream_ != nullptr; }

 private:
  size_t length() const {
    return static_cast<size_t>(static_cast<uint8_t>(received_[0])) << 8 | static_cast<uint8_t>(received_[1]);
  }
  void on_data(BytesView bytes) override { received_ += bytes; }
  void on_closed(const Error&) override { stream_.reset(); }

  sim::World& world_;
  std::unique_ptr<env::Stream> stream_;
  Bytes received_;
};

class NameServerTest : public testing::Test {
 protected:
  NameServerTest() {
    options.listen = {sim::World::address(1, 53)};
    options.responder.zones = {parse_zone("example.com=/dns").value()};
    options.responder.name_servers = {"ns"};
    socket = world.client(2)
                 .env()
                 .network
                 .open_datagrams(sim::World::address(sim::World::kFirstClient + 2, 5'353),
                                 [this](const env::Address&, BytesView bytes) { heard.emplace_back(Bytes(bytes)); })
                 .value();
  }
  void serve(conclave::chubby::LockService& service) {
    const env::World env = world.host(1).env();
    auto started = Server::start(
        {.clock = env.clock, .executor = env.executor, .network = env.network, .service = service}, options);
    ASSERT_TRUE(started) << started.error().message;
    server = *std::move(started);
  }
  void send(BytesView bytes) { ASSERT_TRUE(socket->send(sim::World::address(1, 53), bytes)); }
  // Nothing: no answer within ten seconds.
  std::optional<TestAnswer> ask(const TestQuery& query) {
    heard.clear();
    send(bytes_of(query));
    if (!world.run_until([&] { return !heard.empty(); }, Duration::seconds(10))) return std::nullopt;
    return heard.front();
  }
  std::vector<std::string> answers(std::string_view name, Type type = Type::a) {
    const auto answer = ask({.name = name, .type = type});
    if (!answer) return {"no answer"};
    if (answer->rcode() != 0) return {fmt::format("rcode {}", answer->rcode())};
    return answer->answers;
  }

  sim::World world{1};
  ServerOptions options;
  std::unique_ptr<env::DatagramSocket> socket;
  std::vector<TestAnswer> heard;
  std::unique_ptr<Server> server;
};

}  // namespace conclave::frontend::dns
