// env::Stream on a connected TCP socket.
//
// Reading: one recv into the loop's shared buffer per turn (more if it came back full), handed to the handler as a
// view, so that an idle connection owns no buffer. Writing: small writes of a turn are joined, large ones are kept as
// they are, and all leave in one sendmsg at the end of the turn; what the socket does not take waits for EPOLLOUT.
// Closing: a stream that closes by its own wish sends what is queued, then its FIN, and reads on until the other side's
// FIN (for at most kLinger), so that the last bytes are not destroyed by a reset.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>

#include "env/network.h"
#include "os/loop.h"
#include "os/socket.h"

namespace conclave::os {

class TcpStream final : public env::Stream, private Watcher, private Flusher {
 public:
  static constexpr Duration kLinger = Duration::seconds(5);

  TcpStream(Loop& loop, Fd fd, env::Address peer);
  ~TcpStream() override;

  void set_handler(env::StreamHandler* handler) override;
  void write(Bytes bytes) override;
  size_t unsent_bytes() const override { return unsent_; }
  void pause_reading() override;
  void resume_reading() override;
  void close_after_writes() override;
  const env::Address& peer() const override { return peer_; }

 private:
  enum class State : uint8_t { open, closing, closed };

  void on_ready(uint32_t events) override;
  void flush() override;
  void read_some();
  void send_queued();
  void update_watch();
  void broke(Error reason);
  void close(const Error& reason);
  bool queue_empty() const { return unsent_ == 0; }

  Loop& loop_;
  Fd fd_;
  env::Address peer_;
  env::StreamHandler* handler_ = nullptr;
  State state_ = State::open;
  bool paused_ = false;
  bool blocked_ = false;  // the socket is full; EPOLLOUT tells when it is not
  bool fin_sent_ = false;
  std::optional<uint32_t> watched_;  // epoll events, if watched
  std::optional<Error> lost_;        // why it closed, if there was no handler to tell
  env::TimerId linger_ = 0;
  std::deque<Bytes> queue_;
  size_t front_sent_ = 0;  // bytes of queue_.front() that are sent
  size_t unsent_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace conclave::os
