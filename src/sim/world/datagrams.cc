#include "sim/world/datagrams.h"

#include <utility>

#include "base/checksum.h"
#include "sim/world/names.h"

namespace conclave::sim {
namespace {

constexpr uint16_t kFirstFreePort = 40000;

std::unexpected<Error> refuse(const env::Address& to, std::string_view why) {
  return fail(ErrorKind::invalid_argument, "send to " + to_string(to) + ": " + std::string(why));
}

}  // namespace

class DatagramNet::Socket final : public env::DatagramSocket {
 public:
  Socket(DatagramNet& net, std::shared_ptr<Port> port, uint16_t number)
      : net_(net), port_(std::move(port)), local_{.host = host_name(port_->life->host), .port = number} {}
  ~Socket() override {
    port_->closed = true;
    if (port_->life->alive) net_.ports_.erase(Place{port_->life->host, local_.port});
  }

  Result<> send(const env::Address& to, BytesView bytes) override {
    const Life& life = *port_->life;
    if (!life.alive) return fail(ErrorKind::closed, "send to " + to_string(to) + ": the process is gone");
    if (bytes.size() > kBytesMax) {
      return refuse(to, std::to_string(bytes.size()) + " bytes are too many for a datagram");
    }
    if (to.port == 0) return refuse(to, "no port");
    const auto host = host_of(to.host, life.host);
    if (!host) return refuse(to, "not a literal address");
    net_.send({.from = {life.host, local_.port}, .to = {*host, to.port}, .bytes = Bytes(bytes)});
    return {};
  }
  uint64_t dropped() const override { return 0; }  // all losses are on the way
  const env::Address& local() const override { return local_; }

 private:
  DatagramNet& net_;
  std::shared_ptr<Port> port_;
  env::Address local_;
};

Result<std::unique_ptr<env::DatagramSocket>> DatagramNet::open(const std::shared_ptr<Life>& life,
                                                               const env::Address& local,
                                                               env::Network::Receive receive) {
  const std::string doing = "receive datagrams at " + to_string(local);
  if (!life->alive) return fail(ErrorKind::closed, doing + ": the process is gone");
  if (!is_local(local, life->host)) return fail(ErrorKind::io, doing + ": Cannot assign requested address");
  Place place{life->host, local.port};
  uint16_t& next = next_port_.try_emplace(life->host, kFirstFreePort).first->second;
  while (place.port == 0 || (local.port == 0 && ports_.contains(place))) place.port = next++;
  auto port = std::make_shared<Port>(Port{.life = life, .receive = std::move(receive)});
  if (!ports_.emplace(place, port).second) {
    return fail(ErrorKind::already_exists, doing + ": Address already in use");
  }
  return std::make_unique<Socket>(*this, std::move(port), place.port);
}

void DatagramNet::host_down(HostId host) {
  std::erase_if(ports_, [host](const auto& entry) { return entry.first.host == host; });
  next_port_.erase(host);
}

void DatagramNet::send(Datagram datagram) {
  const HostId from = datagram.from.host;
  const HostId to = datagram.to.host;
  const LinkOptions& link = fabric_.options(from, to);
  if (fabric_.is_cut(from, to) || strikes(link.datagram_loss_per_million)) return record("datagram lost", datagram);
  if (strikes(link.datagram_duplicate_per_million)) {
    record("datagram doubled", datagram);
    const uint64_t late_us = random_.between(0, static_cast<uint64_t>(link.datagram_late_max.us));
    travel(datagram, Duration::micros(static_cast<int64_t>(late_us)));
  }
  travel(std::move(datagram), Duration{0});
}

void DatagramNet::travel(Datagram datagram, Duration late) {
  const Duration latency = fabric_.latency(datagram.from.host, datagram.to.host, random_);
  scheduler_.after(latency + late, [this, moved = std::move(datagram)]() mutable { arrive(std::move(moved)); });
}

void DatagramNet::arrive(Datagram datagram) {
  const HostId from = datagram.from.host;
  const HostId to = datagram.to.host;
  if (fabric_.is_cut(from, to)) return record("datagram lost", datagram);
  if (fabric_.blocked(from, to)) {
    fabric_.when_unclogged(from, to, [this, moved = std::move(datagram)]() mutable { arrive(std::move(moved)); });
    return;
  }
  const auto bound = ports_.find(datagram.to);
  if (bound == ports_.end()) return record("datagram unheard", datagram);
  const std::shared_ptr<Port> port = bound->second;
  if (port->waiting >= kReceivedMax) return record("datagram dropped", datagram);
  record("datagram", datagram);
  ++port->waiting;
  port->life->enter([port, moved = std::move(datagram)] {
    --port->waiting;
    if (port->closed) return;
    port->receive({.host = host_name(moved.from.host), .port = moved.from.port}, moved.bytes);
  });
}

void DatagramNet::record(std::string_view what, const Datagram& datagram) {
  const auto both = [](uint64_t from, uint64_t to) { return (from << 32) | to; };
  trace_.record(scheduler_.now(), what, both(datagram.from.host.value, datagram.to.host.value),
                both(datagram.from.port, datagram.to.port), xxh3_64(datagram.bytes));
}

}  // namespace conclave::sim
