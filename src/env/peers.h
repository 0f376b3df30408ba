// Messages between the replicas of one cell. Between two replicas that are both up and connected, frames arrive in the
// order sent, whole and checked (checksum per frame), at most once; when a connection breaks, any suffix may be lost,
// and the receiver is told. Loop thread only.
#pragma once

#include <cstdint>
#include <map>

#include "base/bytes.h"
#include "base/ids.h"
#include "env/network.h"

namespace conclave::env {

// Who takes part in the cell and where, as of a version of its members.
struct PeerTable {
  uint64_t version = 0;                   // 0: the cell is not known yet, and these are those to learn it from
  std::map<ReplicaId, Address> replicas;  // with or without self; port 0: where it was, if that is known
};

class PeerReceiver {
 public:
  virtual ~PeerReceiver() = default;
  // `frame` is valid during the call only.
  virtual void on_peer_frame(ReplicaId from, BytesView frame) = 0;
  virtual void on_peer_up(ReplicaId peer) = 0;
  // The connection broke or was refused: a hint that the peer may be gone, not a verdict.
  virtual void on_peer_down(ReplicaId peer) = 0;
};

class PeerNetwork {
 public:
  virtual ~PeerNetwork() = default;
  // From now on these are the peers. Others are parted from and refused; but one that knows members of a higher version
  // is let in, since it may be one of them. May call on_peer_down. Call it before start() too.
  virtual void set_peers(PeerTable table) = 0;
  virtual void start(PeerReceiver* receiver) = 0;
  // Queues a frame; dropped if the peer is not connected or its queue is over its bound. What is sent during one turn
  // of the loop leaves in one system call.
  virtual void send(ReplicaId to, Bytes frame) = 0;
  virtual bool connected(ReplicaId peer) const = 0;
};

}  // namespace conclave::env
