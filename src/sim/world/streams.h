// env::Network of one life of a host, and the hub where hosts find each other by name (names.h). Port numbers are per
// host, those of streams and of datagrams (datagrams.h) apart. A connect to a host that runs without a listener is
// refused; to one that is off, or over a link that is cut in either direction, it times out.
#pragma once

#include <map>
#include <memory>
#include <utility>

#include "env/network.h"
#include "sim/world/datagrams.h"
#include "sim/world/fabric.h"
#include "sim/world/life.h"

namespace conclave::sim {

class Network;

// Every host's present network. One per world.
struct StreamHub {
  Scheduler& scheduler;
  Trace& trace;
  Fabric& fabric;
  DatagramNet& datagrams;
  struct Presence {
    bool powered = true;
    Network* network = nullptr;  // null while no process runs
  };
  std::map<HostId, Presence> hosts;
};

class Network final : public env::Network {
 public:
  Network(StreamHub& hub, std::shared_ptr<Life> life) : hub_(hub), life_(std::move(life)) {}

  Result<std::unique_ptr<env::Listener>> listen(const env::Address& address, Accept accept) override;
  void connect(const env::Address& address, Duration timeout, Connected done) override;
  void resolve(const env::Address& address, Duration timeout, Resolved done) override;
  Result<std::unique_ptr<env::DatagramSocket>> open_datagrams(const env::Address& local, Receive receive) override {
    return hub_.datagrams.open(life_, local, std::move(receive));
  }
  void crash();

 private:
  struct Port {
    Accept accept;
    bool closed = false;  // its listener is gone
  };
  class ListenerImpl;
  struct Attempt;

  void finish(const std::shared_ptr<Attempt>& attempt, Result<std::unique_ptr<env::Stream>> result);
  EventId finish_after(Duration delay, const std::shared_ptr<Attempt>& attempt,
                       Result<std::unique_ptr<env::Stream>> result);
  void knock(const std::shared_ptr<Attempt>& attempt, HostId target, uint16_t port);

  StreamHub& hub_;
  std::shared_ptr<Life> life_;
  std::map<uint16_t, std::shared_ptr<Port>> ports_;
  uint16_t next_port_ = 40000;
};

}  // namespace conclave::sim
