// One connection to a replica: frames and messages. Loop thread only.
//
// It may outlive the session's interest in it by a turn of the loop, since a stream must not be destroyed while it
// calls us.
#pragma once

#include <memory>
#include <string>

#include "base/frame.h"
#include "client/chubby/convert.h"
#include "env/network.h"

namespace conclave::chubby {

class LinkUser {
 public:
  virtual void on_message(const wire::ServerMessage& message) = 0;
  // The connection is over; `broken_protocol`: through bytes that mean nothing.
  virtual void on_lost(const std::string& reason, bool broken_protocol) = 0;

 protected:
  ~LinkUser() = default;
};

class Link final : public env::StreamHandler {
 public:
  Link(LinkUser* user, std::unique_ptr<env::Stream> stream)
      : user_(user), stream_(std::move(stream)), frames_(wire::kServerFrameBytesMax) {}

  void start() { stream_->set_handler(this); }
  void send(const wire::ClientMessage& message) {
    Bytes frame;
    wire::put_frame(message, &frame);
    stream_->write(std::move(frame));
  }
  const env::Address& peer() const { return stream_->peer(); }
  // Nothing is heard of it any more.
  void forget() { user_ = nullptr; }

  void on_data(BytesView bytes) override {
    if (user_ == nullptr) return;
    std::string violation;
    const auto read = frames_.feed(bytes, [&](BytesView frame) {
      const auto message = wire::decode_server_message(frame);
      if (!message) {
        violation = message.error().message;
      } else {
        user_->on_message(*message);
      }
      return message.has_value() && user_ != nullptr;
    });
    if (user_ == nullptr) return;
    if (!read) violation = read.error().message();
    if (!violation.empty()) user_->on_lost(violation, true);
  }
  void on_closed(const Error& reason) override {
    if (user_ != nullptr) user_->on_lost(reason.message, false);
  }

 private:
  LinkUser* user_;
  std::unique_ptr<env::Stream> stream_;
  FrameReader frames_;
};

}  // namespace conclave::chubby
