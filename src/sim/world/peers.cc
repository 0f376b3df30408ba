#include "sim/world/peers.h"

#include <algorithm>

namespace conclave::sim {
namespace {

constexpr uint64_t kConnectMinUs = 500, kConnectMaxUs = 20'000;  // until the next attempt to connect succeeds

}  // namespace

// One end of a peer connection. Shared, so that it outlives a callback that replaces it, and what waits for the loop.
class Peers::End final : public ChannelEnd, public std::enable_shared_from_this<Peers::End> {
 public:
  End(Peers& owner, ReplicaId peer, uint64_t let_in_by, std::shared_ptr<Channel> channel, Channel::Side side)
      : owner_(owner), peer_(peer), let_in_by_(let_in_by), channel_(std::move(channel)), side_(side) {
    channel_->attach(side_, this);
  }
  void send(Bytes frame) {
    if (channel_->outstanding(side_) + frame.size() <= kQueueBytesMax) channel_->send(side_, std::move(frame));
  }
  const LinkOptions& link() const { return channel_->options(side_); }
  size_t queued_bytes() const { return channel_->outstanding(side_); }
  void close() { channel_->finish(side_, Error{ErrorKind::closed, "closed by the other side"}); }
  void retire() { retired_ = true; }
  // Version of the members that the peer knew when it connected.
  uint64_t let_in_by() const { return let_in_by_; }

 private:
  void on_message(Bytes frame) override {
    owner_.life_->enter([end = shared_from_this(), moved = std::move(frame)] {
      end->channel_->consumed(end->side_, moved.size());
      if (!end->retired_) end->owner_.receiver_->on_peer_frame(end->peer_, moved);
    });
  }
  void on_end(const Error& /*reason*/) override {
    owner_.life_->enter([end = shared_from_this()] {
      if (!end->retired_) end->owner_.down(end->peer_);
    });
  }

  Peers& owner_;
  ReplicaId peer_;
  uint64_t let_in_by_;
  std::shared_ptr<Channel> channel_;
  Channel::Side side_;
  bool retired_ = false;  // replaced or down: the receiver hears nothing of it any more
};

void Peers::set_peers(env::PeerTable table) {
  table_ = std::move(table);
  if (receiver_ == nullptr || !life_->alive) return;
  std::vector<ReplicaId> parted;
  for (const auto& [peer, end] : ends_) {
    if (!table_.replicas.contains(peer) && end->let_in_by() <= table_.version) parted.push_back(peer);
  }
  for (const ReplicaId peer : parted) {
    ends_.at(peer)->close();
    down(peer);
  }
  mesh_.renewed(*this);
}

void Peers::start(env::PeerReceiver* receiver) {
  if (!life_->alive) return;
  receiver_ = receiver;
  mesh_.join(*this);
}

void Peers::send(ReplicaId to, Bytes frame) {
  const auto it = ends_.find(to);
  if (it == ends_.end()) return;
  mesh_.note_sent(self_, to, frame);
  if (mesh_.faults().carried(self_, to, it->second->link(), frame)) it->second->send(std::move(frame));
}

size_t Peers::queued_bytes_most() const {
  size_t most = 0;
  for (const auto& [peer, end] : ends_) most = std::max(most, end->queued_bytes());
  return most;
}

void Peers::crash() {
  mesh_.leave(*this);
  ends_.clear();  // the fabric closes the channels of the whole host
}

// The end hears from now on, but what it hears waits behind the news that it is there.
void Peers::up(const Peers& other, std::shared_ptr<Channel> channel, Channel::Side side) {
  const ReplicaId peer = other.self_;
  auto end = std::make_shared<End>(*this, peer, other.table_.version, std::move(channel), side);
  life_->enter([this, peer, end] { install(peer, end); });
}

void Peers::install(ReplicaId peer, std::shared_ptr<End> end) {
  const auto it = ends_.find(peer);
  if (it != ends_.end()) {  // the old connection was half-open: the peer is back before its end was noticed
    it->second->close();
    down(peer);
    if (!life_->alive) return;
  }
  ends_[peer] = std::move(end);
  receiver_->on_peer_up(peer);
}

void Peers::down(ReplicaId peer) {
  const auto keep = std::move(ends_.at(peer));
  keep->retire();
  ends_.erase(peer);
  receiver_->on_peer_down(peer);
  mesh_.try_connect(self_, peer);
}

void PeerMesh::join(Peers& peers) {
  started_[peers.self_] = &peers;
  for (const auto& [other, there] : started_) try_connect(peers.self_, other);
}

void PeerMesh::renewed(Peers& peers) {
  for (const auto& [other, there] : started_) {
    if (other != peers.self_ && !peers.connected(other)) try_connect(peers.self_, other);
  }
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
  if (!a.lets_in(b) || !b.lets_in(a)) return;  // when one of them has other peers, that tries again
  const bool clogged = fabric_.blocked(host_of(low), host_of(high)) || fabric_.blocked(host_of(high), host_of(low));
  if (clogged || a.life_->paused() || b.life_->paused()) {
    try_connect(low, high);
    return;
  }
  auto channel = fabric_.open(host_of(low), host_of(high));
  const auto a_life = a.life_;
  const auto b_life = b.life_;
  a.up(b, channel, Channel::Side::first);
  if (a_life->alive && b_life->alive) b.up(a, channel, Channel::Side::second);
  trace_.record(scheduler_.now(), "peers connected", low.value, high.value);
}

void PeerMesh::deliver_stray(ReplicaId from, ReplicaId to, Bytes frame) {
  const auto receiver = started_.find(to);
  if (receiver == started_.end()) return;
  Peers& peers = *receiver->second;
  trace_.record(scheduler_.now(), "stray frame", from.value, to.value, xxh3_64(frame));
  peers.life_->enter([&peers, from, moved = std::move(frame)] {
    if (peers.connected(from)) peers.receiver_->on_peer_frame(from, moved);
  });
}

void PeerMesh::healed(HostId a, HostId b) {
  if (a.value > 255 || b.value > 255) return;
  try_connect(ReplicaId(static_cast<uint8_t>(a.value)), ReplicaId(static_cast<uint8_t>(b.value)));
}

}  // namespace conclave::sim
