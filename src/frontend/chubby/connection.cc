#include "frontend/chubby/connection.h"

#include "base/log.h"

namespace conclave::frontend::chubby {

Connection::Connection(ConnectionHost* host, uint64_t number, std::unique_ptr<env::Stream> stream,
                       size_t unsent_bytes_max, Instant opened)
    : host_(host), number_(number), stream_(std::move(stream)), unsent_bytes_max_(unsent_bytes_max), opened_(opened) {}

void Connection::send(const wire::ServerMessage& message) {
  if (closed_ || finishing_) return;
  Bytes bytes;
  put_frame(message, &bytes);
  stream_->write(std::move(bytes));
  if (stream_->unsent_bytes() > unsent_bytes_max_) fail("the client does not read what it asked for");
}

void Connection::finish() {
  if (closed_ || std::exchange(finishing_, true)) return;
  stream_->close_after_writes();
}

void Connection::fail(std::string_view reason) {
  if (closed_) return;
  log::warning("chubby", "closed a connection",
               {{"client", peer()}, {"session", to_string(session_)}, {"reason", reason}});
  close();
}

void Connection::close() {
  if (std::exchange(closed_, true)) return;
  host_->gone(this);
}

void Connection::on_data(BytesView bytes) {
  if (closed_ || finishing_) return;
  const auto read = frames_.feed(bytes, [this](BytesView frame) {
    auto message = wire::decode_client_message(frame);
    if (!message) {
      fail(message.error().message);
    } else if (session_ != SessionId() && !message->has_hello()) {
      host_->on_message(this, std::move(*message));
    } else if (!message->has_hello() || std::exchange(greeted_, true)) {
      fail("the first message of a connection is Hello, and the next waits for its answer");
    } else {
      host_->on_hello(this, message->hello());
    }
    return !closed_ && !finishing_;
  });
  if (!read && !closed_) fail(read.error().message() + ": not a Chubby client?");
}

void Connection::on_closed(const Error&) {
  close();
}

}  // namespace conclave::frontend::chubby
