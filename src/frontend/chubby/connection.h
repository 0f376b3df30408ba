// One client's connection: frames to messages, Hello, and then the session's way to its client. Loop thread only.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "env/network.h"
#include "frontend/chubby/session.h"

namespace conclave::frontend::chubby {

class Connection;

// What a connection asks of the server.
class ConnectionHost {
 public:
  virtual ~ConnectionHost() = default;
  virtual void on_hello(Connection* connection, const wire::Hello& hello) = 0;
  // Of a connection that was welcomed.
  virtual void on_message(Connection* connection, wire::ClientMessage message) = 0;
  // Called once: forget it, and destroy it later than now.
  virtual void gone(Connection* connection) = 0;
};

class Connection final : public ClientLink, private env::StreamHandler {
 public:
  Connection(ConnectionHost* host, uint64_t number, std::unique_ptr<env::Stream> stream, size_t unsent_bytes_max,
             Instant opened);
  void start() { stream_->set_handler(this); }

  // ClientLink
  std::string peer() const override { return env::to_string(stream_->peer()); }
  void send(const wire::ServerMessage& message) override;
  void finish() override;
  void fail(std::string_view reason) override;

  uint64_t number() const { return number_; }
  const std::string& host_name() const { return stream_->peer().host; }
  Instant opened() const { return opened_; }
  bool closed() const { return closed_; }
  // Its Hello came and is being answered, or was.
  bool greeted() const { return greeted_; }
  SessionId session() const { return session_; }
  void welcome(SessionId session) { session_ = session; }

 private:
  void on_data(BytesView bytes) override;
  void on_closed(const Error& reason) override;
  void close();

  ConnectionHost* host_;
  const uint64_t number_;
  std::unique_ptr<env::Stream> stream_;
  const size_t unsent_bytes_max_;
  const Instant opened_;
  FrameReader frames_{wire::kClientFrameBytesMax};
  SessionId session_;  // 0: none yet
  bool greeted_ = false;
  bool finishing_ = false;  // nothing more is read
  bool closed_ = false;
};

}  // namespace conclave::frontend::chubby
