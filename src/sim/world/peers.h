// env::PeerNetwork of one life of a host, and the mesh that joins all of them. Each pair of started replicas is kept
// connected while links allow and neither process stands still; frames go over one channel (fabric.h), so they keep the
// contract's order, but for those that a link is told to lose or to lead astray (peer_faults.h).
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <utility>

#include "base/checksum.h"
#include "base/random.h"
#include "env/peers.h"
#include "sim/world/fabric.h"
#include "sim/world/life.h"
#include "sim/world/peer_faults.h"

namespace conclave::sim {

class Peers;

// Started replicas of one world, and the attempts to connect them.
class PeerMesh {
 public:
  PeerMesh(Scheduler& scheduler, Trace& trace, Fabric& fabric, uint64_t seed)
      : scheduler_(scheduler),
        trace_(trace),
        fabric_(fabric),
        random_(seed),
        faults_(scheduler, trace, fabric, xxh3_64("peer faults", seed),
                [this](ReplicaId from, ReplicaId to, Bytes frame) { deliver_stray(from, to, std::move(frame)); }) {}

  void join(Peers& peers);
  void leave(Peers& peers);
  // Its peers have changed.
  void renewed(Peers& peers);
  // Connects the two soon, if both are there and nothing connects them yet.
  void try_connect(ReplicaId a, ReplicaId b);
  // Tells that a link was healed.
  void healed(HostId a, HostId b);

  PeerFaults& faults() { return faults_; }

  // Called with each frame that a replica gives to a connection, whatever becomes of it there.
  using Listener = std::function<void(ReplicaId from, ReplicaId to, BytesView frame)>;
  void listen(Listener listener) { listener_ = std::move(listener); }
  void note_sent(ReplicaId from, ReplicaId to, BytesView frame) const {
    if (listener_) listener_(from, to, frame);
  }

 private:
  void deliver_stray(ReplicaId from, ReplicaId to, Bytes frame);
  void connect(ReplicaId low, ReplicaId high);

  Scheduler& scheduler_;
  Trace& trace_;
  Fabric& fabric_;
  Random random_;
  PeerFaults faults_;
  Listener listener_;
  std::map<ReplicaId, Peers*> started_;
  std::set<std::pair<ReplicaId, ReplicaId>> attempts_;
};

class Peers final : public env::PeerNetwork {
 public:
  static constexpr size_t kQueueBytesMax = 128 << 20;

  Peers(PeerMesh& mesh, std::shared_ptr<Life> life)
      : mesh_(mesh), life_(std::move(life)), self_(static_cast<uint8_t>(life_->host.value)) {}

  void set_peers(env::PeerTable table) override;
  void start(env::PeerReceiver* receiver) override;
  void send(ReplicaId to, Bytes frame) override;
  bool connected(ReplicaId peer) const override { return ends_.contains(peer); }
  // Bytes sent to the peer that has most of them to come.
  size_t queued_bytes_most() const;
  void crash();

 private:
  friend class PeerMesh;
  class End;
  // As the handshake of real connections decides.
  bool lets_in(const Peers& other) const {
    return table_.replicas.contains(other.self_) || other.table_.version > table_.version;
  }
  void up(const Peers& other, std::shared_ptr<Channel> channel, Channel::Side side);
  void install(ReplicaId peer, std::shared_ptr<End> end);
  void down(ReplicaId peer);

  PeerMesh& mesh_;
  std::shared_ptr<Life> life_;
  ReplicaId self_;
  env::PeerTable table_;
  env::PeerReceiver* receiver_ = nullptr;
  std::map<ReplicaId, std::shared_ptr<End>> ends_;
};

}  // namespace conclave::sim
