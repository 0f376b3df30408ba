// For tests: a replica of a cell that speaks the protocol and otherwise does as the test says.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/frame.h"
#include "client/chubby/convert.h"
#include "sim/world/world.h"
#include "wire/chubby/datagram.h"

namespace conclave::chubby {

class ScriptedReplica {
 public:
  static constexpr uint16_t kPort = 7000;
  static constexpr Duration kLease = Duration::seconds(12);
  static constexpr BytesView kPassword = "0123456789abcdef";

  ScriptedReplica(sim::World& world, uint32_t host) : world_(world), host_(host) {
    listener_ = world.host(host)
                    .env()
                    .network
                    .listen({.host = "0.0.0.0", .port = kPort},
                            [this](std::unique_ptr<env::Stream> stream) { accept(std::move(stream)); })
                    .value();
    socket_ = world.host(host)
                  .env()
                  .network
                  .open_datagrams({.host = "0.0.0.0", .port = kPort},
                                  [this](const env::Address& from, BytesView bytes) { on_datagram(from, bytes); })
                  .value();
  }
  env::Address address() const { return sim::World::address(host_, kPort); }

  // --- what it does by itself
  bool answers_hello = true;
  bool answers_keep_alives = false;  // after two thirds of a lease
  bool answers_datagrams = false;    // by a lease, at once
  std::optional<wire::Elsewhere> elsewhere;
  std::string session_over;  // not empty: the answer to Hello
  int64_t session = 77;
  uint64_t epoch = 5;
  // Answers calls at once; nothing: left to the test.
  std::function<std::optional<wire::Reply>(const wire::Call&)> on_call;

  // --- what it heard
  std::vector<wire::Hello> hellos;
  std::vector<wire::KeepAlive> keep_alives;
  std::vector<wire::LeaseRequest> lease_requests;  // in datagrams
  std::deque<wire::Call> calls;                    // not answered by on_call
  std::vector<uint64_t> cancels;
  size_t connections = 0;
  size_t closed = 0;

  // --- what the test makes it say, on the newest connection
  void send(const wire::ServerMessage& message) {
    Bytes frame;
    wire::put_frame(message, &frame);
    send_bytes(std::move(frame));
  }
  void send_bytes(Bytes bytes) {
    if (stream() != nullptr) stream()->write(std::move(bytes));
  }
  void welcome() {
    wire::ServerMessage message;
    wire::Welcome& out = *message.mutable_welcome();
    out.set_session(session);
    out.set_password(Bytes(kPassword));
    out.set_epoch(epoch);
    out.set_lease_ms(static_cast<uint32_t>(kLease.ms()));
    out.set_cell("test");
    send(message);
  }
  void reply(uint64_t number, wire::Code code, const std::function<void(wire::Reply&)>& fill = nullptr) {
    wire::ServerMessage message;
    message.mutable_reply()->set_number(number);
    message.mutable_reply()->set_code(code);
    if (fill) fill(*message.mutable_reply());
    send(message);
  }
  // Answers the KeepAlive that waits: a lease from now.
  void grant(const std::vector<wire::Notice>& notices = {}, Duration lease = kLease) {
    const wire::KeepAlive& waiting = keep_alives.back();
    wire::ServerMessage message;
    wire::KeepAliveReply& out = *message.mutable_keep_alive();
    out.set_number(waiting.number());
    out.set_epoch(epoch);
    out.set_held_us(static_cast<uint64_t>((world_.now() - keep_alive_arrived_).us));
    out.set_lease_us(static_cast<uint64_t>(lease.us));
    for (const wire::Notice& notice : notices) *out.add_notices() = notice;
    send(message);
  }
  // Answers a request that came in a datagram, the newest one.
  wire::LeaseAnswer lease_answer(Duration lease = kLease) const {
    wire::LeaseAnswer out;
    out.set_session(session);
    out.set_epoch(epoch);
    out.set_number(lease_requests.back().number());
    out.set_lease_us(static_cast<uint64_t>(lease.us));
    return out;
  }
  void send_datagram(const wire::LeaseAnswer& answer, BytesView password = kPassword) {
    CONCLAVE_ASSERT(socket_->send(datagram_from_, wire::seal(answer, password)).has_value());
  }
  void disconnect() {
    if (link_ != nullptr) ++closed;
    link_.reset();
  }
  bool connected() const { return link_ != nullptr; }

  static wire::Notice invalidation(uint64_t sequence, const std::string& path) {
    wire::Notice out;
    out.set_sequence(sequence);
    out.mutable_invalidation()->set_path(path);
    return out;
  }
  static wire::Notice event(uint64_t sequence, uint64_t handle, wire::Event::Kind kind, const std::string& child = {}) {
    wire::Notice out;
    out.set_sequence(sequence);
    out.mutable_event()->set_handle(handle);
    out.mutable_event()->set_kind(kind);
    out.mutable_event()->set_child(child);
    return out;
  }
  static wire::Notice fail_over(uint64_t sequence) {
    wire::Notice out;
    out.set_sequence(sequence);
    out.mutable_fail_over();
    return out;
  }

 private:
  struct Link final : env::StreamHandler {
    Link(ScriptedReplica* o, std::unique_ptr<env::Stream> s) : owner(o), stream(std::move(s)) {}
    void on_data(BytesView bytes) override {
      const auto fed = frames.feed(bytes, [this](BytesView frame) {
        owner->on_message(wire::decode_client_message(frame).value());
        return true;
      });
      CONCLAVE_ASSERT(fed.has_value());
    }
    void on_closed(const Error&) override {
      ++owner->closed;
      if (owner->link_.get() == this) owner->link_.reset();
    }
    ScriptedReplica* owner;
    std::unique_ptr<env::Stream> stream;
    FrameReader frames{wire::kClientFrameBytesMax};
  };

  env::Stream* stream() { return link_ == nullptr ? nullptr : link_->stream.get(); }
  void accept(std::unique_ptr<env::Stream> incoming) {
    ++connections;
    if (link_ != nullptr) past_.push_back(std::move(link_));
    link_ = std::make_unique<Link>(this, std::move(incoming));
    link_->stream->set_handler(link_.get());
  }
  void on_message(const wire::ClientMessage& message) {
    if (message.has_hello()) {
      hellos.push_back(message.hello());
      on_hello();
    } else if (message.has_keep_alive()) {
      keep_alives.push_back(message.keep_alive());
      keep_alive_arrived_ = world_.now();
      if (!answers_keep_alives) return;
      world_.host(host_).env().executor.schedule(kLease * 2 / 3, [this, connection = connections] {
        if (connection == connections && link_ != nullptr) grant();
      });
    } else if (message.has_cancel()) {
      cancels.push_back(message.cancel().number());
    } else {
      on_new_call(message.call());
    }
  }
  void on_hello() {
    wire::ServerMessage message;
    if (elsewhere) {
      *message.mutable_elsewhere() = *elsewhere;
      send(message);
    } else if (!session_over.empty()) {
      message.mutable_session_over()->set_reason(session_over);
      send(message);
    } else if (answers_hello) {
      welcome();
    }
  }
  void on_new_call(const wire::Call& call) {
    std::optional<wire::Reply> answer = on_call ? on_call(call) : std::nullopt;
    if (!answer) return calls.push_back(call);
    wire::ServerMessage message;
    answer->set_number(call.number());
    *message.mutable_reply() = std::move(*answer);
    send(message);
  }

  void on_datagram(const env::Address& from, BytesView bytes) {
    const auto request = wire::open_request(bytes).value();
    CONCLAVE_ASSERT(wire::is_genuine(request, kPassword));
    lease_requests.push_back(request.message);
    datagram_from_ = from;
    if (answers_datagrams) send_datagram(lease_answer());
  }

  sim::World& world_;
  uint32_t host_;
  std::unique_ptr<env::Listener> listener_;
  std::unique_ptr<env::DatagramSocket> socket_;
  env::Address datagram_from_;
  std::unique_ptr<Link> link_;
  std::vector<std::unique_ptr<Link>> past_;
  Instant keep_alive_arrived_{0};
};

}  // namespace conclave::chubby
