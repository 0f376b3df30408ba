// A connection between two members: whole messages over a stream. Loop thread only.
#pragma once

#include <functional>
#include <memory>

#include "app/roofline/batch.h"
#include "env/network.h"

namespace conclave::app::roofline {

class PeerLink final : public env::StreamHandler {
 public:
  // An error ends the link, as a closed connection does.
  using Received = std::function<Result<>(Bytes message)>;
  using Closed = std::function<void(const Error& reason)>;

  PeerLink(std::unique_ptr<env::Stream> stream, Received received, Closed closed)
      : stream_(std::move(stream)), received_(std::move(received)), closed_(std::move(closed)) {
    stream_->set_handler(this);
  }

  void send(Bytes message) { stream_->write(std::move(message)); }

 private:
  void on_data(BytesView bytes) override {
    if (auto ok = reader_.feed(bytes, received_); !ok) closed_(ok.error());
  }
  void on_closed(const Error& reason) override { closed_(reason); }

  std::unique_ptr<env::Stream> stream_;
  Received received_;
  Closed closed_;  // may destroy the link
  MessageReader reader_;
};

}  // namespace conclave::app::roofline
