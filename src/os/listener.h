// A listening TCP socket. When the process or the machine is out of descriptors or memory, accepting pauses for a
// moment and says so, instead of spinning on a socket that stays ready.
#pragma once

#include <functional>
#include <memory>

#include "env/network.h"
#include "os/loop.h"
#include "os/socket.h"

namespace conclave::os {

class TcpListener final : public env::Listener, private Watcher {
 public:
  static constexpr Duration kPause = Duration::millis(100);
  using AcceptCall = std::function<int(int fd, SocketAddress* from)>;  // as accept4; replaceable for tests

  TcpListener(Loop& loop, Fd fd, TcpOptions options, env::Network::Accept accept);
  TcpListener(Loop& loop, Fd fd, TcpOptions options, env::Network::Accept accept, AcceptCall accept_call);
  ~TcpListener() override;
  env::Address local() const override { return local_; }

 private:
  void on_ready(uint32_t events) override;
  void pause(int code);

  Loop& loop_;
  Fd fd_;
  TcpOptions options_;
  env::Network::Accept accept_;
  AcceptCall accept_call_;
  env::Address local_;
  env::TimerId pause_timer_ = 0;  // not 0: paused
  int pauses_ = 0;                // in a row
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace conclave::os
