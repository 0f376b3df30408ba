// env::PeerNetwork over TCP: one connection per pair of replicas carries both directions.
//
// Of each pair the replica with the higher id connects and the other one accepts, so that two connections never race.
// A lost connection is dialled again at once, then with growing pauses; resolving the name anew each time (B15). A new
// connection from a replica that still has an old one replaces it: its process restarted before the old one's end was
// noticed. Replicas of another cell or engine, a wrong id, or an unknown version are refused, and both sides say why;
// so is one that is no member, unless it knows newer members than we do.
//
// Invariants: on_peer_up and on_peer_down alternate per peer, beginning with up; frames come only in between.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "base/random.h"
#include "env/peers.h"
#include "os/clock.h"
#include "os/loop.h"
#include "os/network.h"
#include "os/peer_link.h"

namespace conclave::os {

struct PeerOptions {
  ReplicaId self;
  CellId cell;
  EngineNumber engine = EngineNumber::multi_paxos;
  env::Address listen;
  size_t queue_bytes_max = size_t{128} << 20;  // unsent, per peer; frames over it are dropped
  size_t frame_bytes_max = size_t{64} << 20;
  Duration connect_timeout = Duration::seconds(2);  // of a connect, and again of the handshake
  Duration backoff_min = Duration::millis(20);
  Duration backoff_max = Duration::seconds(1);
  Duration dead_after = Duration::seconds(5);  // TCP_USER_TIMEOUT and keepalive
  uint64_t features = 0;
};

class Peers final : public env::PeerNetwork, private PeerLinkOwner {
 public:
  // Binds the listening address, so that a bad one fails here; connections wait until start().
  static Result<std::unique_ptr<Peers>> create(Loop& loop, Network& network, uint64_t incarnation, PeerOptions options);
  ~Peers() override;

  void set_peers(env::PeerTable table) override;
  void start(env::PeerReceiver* receiver) override;
  void send(ReplicaId to, Bytes frame) override;
  bool connected(ReplicaId peer) const override;

  // The address that is listened on (with the port that was free, if 0 was asked for).
  env::Address local() const { return listener_->local(); }

 private:
  struct Peer {
    env::Address address;            // port 0: not known
    uint64_t let_in_by = 0;          // not in the table: the version of the members by which it came
    std::unique_ptr<PeerLink> link;  // open
    bool dialling = false;           // a connect, a handshake or a pause before them is on its way
    Duration backoff{0};
    Instant opened{0};
    uint32_t failures = 0;  // in a row
    uint64_t frames_dropped = 0;
  };

  Peers(Loop& loop, Network& network, uint64_t incarnation, PeerOptions options);
  void dial_later(ReplicaId peer, Duration pause);
  void dial(ReplicaId peer);
  void dial_failed(ReplicaId peer, const Error& reason);
  void accept(std::unique_ptr<env::Stream> stream);
  void back_off(ReplicaId id);
  void adopt(PeerLink& link, ReplicaId peer, const Hello& hello);
  void take_down(ReplicaId peer);
  std::string objection(const Hello& hello, ReplicaId expected) const;
  Hello hello_to(ReplicaId peer, Hello::Status status) const;
  std::unique_ptr<PeerLink> take_pending(PeerLink& link);
  void bury(std::unique_ptr<PeerLink> link);
  bool may_log(const std::string& key);
  Duration jittered(Duration pause);

  void on_hello(PeerLink& link, const Hello& hello) override;
  void on_frame(PeerLink& link, BytesView frame) override;
  void on_link_closed(PeerLink& link, const Error& reason) override;

  Loop& loop_;
  Network& network_;
  const uint64_t incarnation_;
  PeerOptions options_;
  Clock clock_;
  Random random_;
  env::PeerReceiver* receiver_ = nullptr;
  std::unique_ptr<env::Listener> listener_;
  uint64_t members_ = 0;  // version of the table
  std::map<ReplicaId, Peer> peers_;
  std::vector<std::unique_ptr<PeerLink>> pending_;  // in their handshake
  std::map<std::string, Instant> logged_;           // when each kind of line was last written
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace conclave::os
