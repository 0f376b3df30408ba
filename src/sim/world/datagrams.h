// env::DatagramSocket between hosts. Each datagram travels for itself: it draws its own latency, so that later ones
// overtake it, and a link may lose it or bring it twice. What the kernel of a host has received outlasts nothing but
// the wait for the loop: a socket holds so many, and a process that stands still or is slow loses the rest.
//
// A cut loses what is sent while it lasts and what is under way when it begins; a clog holds back what arrives, as it
// does with all else. Datagrams outlive their sender, and may reach a later life that bound the same port. Nobody
// hears of a datagram to a port that is not bound. One thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>

#include "base/random.h"
#include "env/network.h"
#include "sim/world/fabric.h"
#include "sim/world/life.h"

namespace conclave::sim {

// The datagrams of one world, and the ports where they are received.
class DatagramNet {
 public:
  static constexpr size_t kReceivedMax = 256;  // that wait for the loop, in one socket

  // Random numbers of its own: what is sent here must not change what befalls streams and frames.
  DatagramNet(Scheduler& scheduler, Trace& trace, Fabric& fabric, uint64_t seed)
      : scheduler_(scheduler), trace_(trace), fabric_(fabric), random_(seed) {}

  Result<std::unique_ptr<env::DatagramSocket>> open(const std::shared_ptr<Life>& life, const env::Address& local,
                                                    env::Network::Receive receive);
  void host_down(HostId host);

 private:
  struct Place {
    HostId host;
    uint16_t port = 0;
    friend auto operator<=>(const Place&, const Place&) = default;
  };
  struct Datagram {
    Place from, to;
    Bytes bytes;
  };
  struct Port {
    std::shared_ptr<Life> life;
    env::Network::Receive receive;
    size_t waiting = 0;   // received, and not yet handed over
    bool closed = false;  // its socket is gone
  };
  class Socket;

  void send(Datagram datagram);
  void travel(Datagram datagram, Duration late);
  void arrive(Datagram datagram);
  bool strikes(uint32_t per_million) { return per_million > 0 && random_.chance(per_million, 1'000'000); }
  void record(std::string_view what, const Datagram& datagram);

  Scheduler& scheduler_;
  Trace& trace_;
  Fabric& fabric_;
  Random random_;
  std::map<Place, std::shared_ptr<Port>> ports_;
  std::map<HostId, uint16_t> next_port_;  // that port 0 gets, from the beginning again in each life
};

}  // namespace conclave::sim
