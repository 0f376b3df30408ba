// env::DatagramSocket over UDP. What has arrived is read in one batch per turn of the loop, so that a flood of
// datagrams delays streams by that much and no more; what the kernel has no room for meanwhile, it drops.
#pragma once

#include <cstdint>
#include <memory>

#include "env/network.h"
#include "os/loop.h"
#include "os/socket.h"

namespace conclave::os {

class UdpSocket final : public env::DatagramSocket, private Watcher {
 public:
  static constexpr size_t kPerTurnMax = 64;

  UdpSocket(Loop& loop, Fd fd, env::Network::Receive receive);
  ~UdpSocket() override;

  Result<> send(const env::Address& to, BytesView bytes) override;
  uint64_t dropped() const override { return dropped_; }
  const env::Address& local() const override { return local_; }

 private:
  // Outlives a socket that is destroyed by what it received.
  struct Reception {
    env::Network::Receive receive;
    bool open = true;
  };

  void on_ready(uint32_t events) override;
  Result<SocketAddress> reachable(const env::Address& to) const;

  Loop& loop_;
  Fd fd_;
  env::Address local_;
  Families families_;
  uint64_t dropped_ = 0;
  std::shared_ptr<Reception> reception_;
};

}  // namespace conclave::os
