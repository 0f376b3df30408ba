// env::Network over TCP and UDP: listeners, and connects and look-ups that never block the loop. IPv4 and IPv6.
#pragma once

#include <functional>
#include <map>
#include <memory>

#include "env/network.h"
#include "os/loop.h"
#include "os/resolver.h"
#include "os/socket.h"
#include "os/stream.h"

namespace conclave::os {

class Network final : public env::Network {
 public:
  explicit Network(Loop& loop) : Network(loop, std::make_unique<Resolver>(loop)) {}
  Network(Loop& loop, std::unique_ptr<Resolver> resolver);
  ~Network() override;  // pending connects and look-ups are dropped without a call

  Result<std::unique_ptr<env::Listener>> listen(const env::Address& address, Accept accept) override;
  void connect(const env::Address& address, Duration timeout, Connected done) override {
    connect(address, timeout, TcpOptions{}, std::move(done));
  }
  void resolve(const env::Address& address, Duration timeout, Resolved done) override;
  Result<std::unique_ptr<env::DatagramSocket>> open_datagrams(const env::Address& local, Receive receive) override;

  // As above, for connections that want more of TCP.
  Result<std::unique_ptr<env::Listener>> listen(const env::Address& address, TcpOptions options, Accept accept);
  void connect(const env::Address& address, Duration timeout, TcpOptions options, Connected done);
  // Look-ups on their way, those that timed out included.
  size_t lookups_waiting() const { return resolver_->busy(); }

 private:
  class Connector;
  struct LookUp {
    Resolved done;
    env::TimerId timer = 0;
  };
  void finish_look_up(uint64_t id, Result<std::vector<env::Address>> found);

  Loop& loop_;
  std::unique_ptr<Resolver> resolver_;
  std::map<uint64_t, std::unique_ptr<Connector>> connectors_;
  uint64_t next_connector_ = 1;
  std::map<uint64_t, LookUp> look_ups_;
  uint64_t next_look_up_ = 1;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace conclave::os
