#include "sim/world/peers.h"

#include <algorithm>

namespace conclave::sim {
namespace {

constexpr uint64_t kConnectMinUs = 500, kConnectMaxUs = 20'000;  // until the next attempt to connect succeeds

}  // namespace

// One end of a peer connection. Shared, so that it outlives a callback that replaces it.
class Peers::End final : public ChannelEnd {
 public:
  End(Peers& owner, ReplicaId peer, std::shared_ptr<Channel> channel, Channel::Side side)
      : owner_(owner), peer_(peer), channel_(std::move(channel)), side_(side) {
    channel_->attach(side_, this);
  }
  void send(Bytes frame) {
    if (channel_->outstanding(side_) + frame.size() <= kQueueBytesMax) channel_->send(side_, std::move(frame));
  }
  void close() { channel_->finish(side_, Error{ErrorKind::closed, "closed by the other side"}); }

 private:
  void on_message(Bytes frame) override {
    channel_->consumed(side_, frame.size());
    owner_.receiver_->on_peer_frame(peer_, frame);
  }
  void on_end(const Error& /*reason*/) override { owner_.down(peer_); }

  Peers& owner_;
  ReplicaId peer_;
  std::shared_ptr<Channel> channel_;
  Channel::Side side_;
};

void Peers::start(env::PeerReceiver* receiver) {
  if (!life_->alive) return;
  receiver_ = receiver;
  mesh_.join(*this);
}

void Peers::send(ReplicaId to, Bytes frame) {
  const auto it = ends_.find(to);
  if (it == ends_.end()) return;
  if (mesh_.fabric().loses_frame(life_->host, host_of(to))) return;
  it->second->send(std::move(frame));
}

void Peers::crash() {
  mesh_.leave(*this);
  ends_.clear();  // the fabric closes the channels of the whole host
}

void Peers::up(ReplicaId peer, std::shared_ptr<Channel> channel, Channel::Side side) {
  const auto it = ends_.find(peer);
  if (it != ends_.end()) {  // the old connection was half-open: the peer is back before its end was noticed
    it->second->close();
    down(peer);
    if (!life_->alive) return;
  }
  ends_[peer] = std::make_shared<End>(*this, peer, std::move(channel), side);
  receiver_->on_peer_up(peer);
}

void Peers::down(ReplicaId peer) {
  const auto keep = std::move(ends_.at(peer));
  ends_.erase(peer);
  receiver_->on_peer_down(peer);
  mesh_.try_connect(self_, peer);
}

void PeerMesh::join(Peers& peers) {
  started_[peers.self_] = &peers;
  for (const auto& [other, there] : started_) try_connect(peers.self_, other);
}

void PeerMesh::leave(Peers& peers) {
  const auto it = started_.find(peers.self_);
  if (it != started_.end() && it->second == &peers) started_.erase(it);
}

void PeerMesh::try_connect(ReplicaId a, ReplicaId b) {
  if (a == b || !started_.contains(a) || !started_.contains(b)) return;
  const auto pair = std::minmax(a, b);
  const ReplicaId low = pair.first;
  const ReplicaId high = pair.second;
  if (!attempts_.emplace(low, high).second) return;
  const auto delay = Duration::micros(static_cast<int64_t>(random_.between(kConnectMinUs, kConnectMaxUs)));
  scheduler_.after(delay, [this, low, high] {
    attempts_.erase({low, high});
    connect(low, high);
  });
}

void PeerMesh::connect(ReplicaId low, ReplicaId high) {
  const auto lower = started_.find(low);
  const auto higher = started_.find(high);
  if (lower == started_.end() || higher == started_.end()) return;  // joining tries again
  if (fabric_.is_cut(host_of(low), host_of(high)) || fabric_.is_cut(host_of(high), host_of(low)))
    return;  // healing does
  Peers& a = *lower->second;
  Peers& b = *higher->second;
  if (a.connected(high) && b.connected(low)) return;
  auto channel = fabric_.open(host_of(low), host_of(high));
  const auto a_life = a.life_;
  const auto b_life = b.life_;
  a.up(high, channel, Channel::Side::first);
  if (a_life->alive && b_life->alive) b.up(low, channel, Channel::Side::second);
  trace_.record(scheduler_.now(), "peers connected", low.value, high.value);
}

void PeerMesh::healed(HostId a, HostId b) {
  if (a.value > 255 || b.value > 255) return;
  try_connect(ReplicaId(static_cast<uint8_t>(a.value)), ReplicaId(static_cast<uint8_t>(b.value)));
}

}  // namespace conclave::sim
