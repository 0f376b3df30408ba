#include "os/peers.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/log.h"

namespace conclave::os {
namespace {

constexpr size_t kPendingMax = 64;  // connections in their handshake; strangers cannot hold more
constexpr Duration kLasting = Duration::seconds(1);
constexpr Duration kLogPause = Duration::seconds(30);

}  // namespace

Peers::Peers(Loop& loop, Network& network, uint64_t incarnation, PeerOptions options)
    : loop_(loop), network_(network), incarnation_(incarnation), options_(std::move(options)), random_(incarnation) {}

Peers::~Peers() {
  *alive_ = false;
}

Result<std::unique_ptr<Peers>> Peers::create(Loop& loop, Network& network, uint64_t incarnation, PeerOptions options) {
  if (options.self == ReplicaId()) return fail(ErrorKind::invalid_argument, "replica id 0 is not allowed");
  std::unique_ptr<Peers> peers(new Peers(loop, network, incarnation, std::move(options)));
  auto listener = network.listen(peers->options_.listen, TcpOptions{.dead_after = peers->options_.dead_after},
                                 [raw = peers.get()](auto stream) { raw->accept(std::move(stream)); });
  if (!listener) return std::unexpected(listener.error());
  peers->listener_ = std::move(*listener);
  return peers;
}

void Peers::start(env::PeerReceiver* receiver) {
  receiver_ = receiver;
  for (const auto& [id, peer] : peers_) dial_later(id, Duration{0});
}

void Peers::set_peers(env::PeerTable table) {
  members_ = table.version;
  table.replicas.erase(options_.self);
  std::vector<ReplicaId> parted;
  for (auto& [id, peer] : peers_) {
    if (!table.replicas.contains(id) && peer.let_in_by <= members_) parted.push_back(id);
  }
  for (const ReplicaId id : parted) {
    log::info("os", "parts from a replica that is no member any more",
              {{"peer", to_string(id)}, {"members", members_}});
    take_down(id);
    peers_.erase(id);
  }
  for (auto& [id, address] : table.replicas) {
    Peer& peer = peers_[id];
    peer.let_in_by = 0;
    if (address.port != 0 && std::exchange(peer.address, std::move(address)) != peer.address)
      peer.backoff = Duration{0};
    if (receiver_ != nullptr) dial_later(id, Duration{0});
  }
}

bool Peers::connected(ReplicaId id) const {
  const auto it = peers_.find(id);
  return it != peers_.end() && it->second.link != nullptr;
}

void Peers::send(ReplicaId to, Bytes frame) {
  const auto it = peers_.find(to);
  if (it == peers_.end() || it->second.link == nullptr) return;
  Peer& peer = it->second;
  const bool too_long = frame.size() > options_.frame_bytes_max;
  if (too_long || peer.link->unsent_bytes() + frame.size() > options_.queue_bytes_max) {
    ++peer.frames_dropped;
    if (may_log("dropped " + to_string(to))) {
      log::warning("os", too_long ? "a frame to a peer is too long; dropped" : "the queue to a peer is full; dropped",
                   {{"peer", to_string(to)}, {"bytes", frame.size()}, {"dropped_so_far", peer.frames_dropped}});
    }
    return;
  }
  peer.link->send_frame(std::move(frame));
}

void Peers::dial_later(ReplicaId id, Duration pause) {
  Peer& peer = peers_.at(id);
  if (id > options_.self || peer.dialling || peer.link != nullptr || peer.address.port == 0)
    return;  // the higher id connects
  peer.dialling = true;
  loop_.schedule(jittered(pause), [this, alive = alive_, id] {
    if (*alive) dial(id);
  });
}

void Peers::dial(ReplicaId id) {
  const auto peer = peers_.find(id);
  if (peer == peers_.end() || peer->second.address.port == 0) return;  // parted from meanwhile
  network_.connect(peer->second.address, options_.connect_timeout, TcpOptions{.dead_after = options_.dead_after},
                   [this, alive = alive_, id](Result<std::unique_ptr<env::Stream>> stream) {
                     if (!*alive || !peers_.contains(id)) return;
                     if (!stream) return dial_failed(id, stream.error());
                     auto link =
                         std::make_unique<PeerLink>(loop_, static_cast<PeerLinkOwner&>(*this), std::move(*stream),
                                                    options_.frame_bytes_max, options_.connect_timeout, id);
                     link->send_hello(hello_to(id, Hello::Status::hello));
                     pending_.push_back(std::move(link));
                   });
}

void Peers::dial_failed(ReplicaId id, const Error& reason) {
  const auto known = peers_.find(id);
  if (known == peers_.end()) return;
  Peer& peer = known->second;
  peer.dialling = false;
  ++peer.failures;
  peer.backoff = std::clamp(peer.backoff * 2, options_.backoff_min, options_.backoff_max);
  if (may_log("unreachable " + to_string(id))) {
    log::info("os", "cannot reach a peer yet",
              {{"peer", to_string(id)}, {"reason", reason.message}, {"attempts", peer.failures}});
  }
  dial_later(id, peer.backoff);
}

void Peers::accept(std::unique_ptr<env::Stream> stream) {
  if (receiver_ == nullptr || pending_.size() >= kPendingMax) return;  // the other side tries again
  pending_.push_back(std::make_unique<PeerLink>(loop_, static_cast<PeerLinkOwner&>(*this), std::move(stream),
                                                options_.frame_bytes_max, options_.connect_timeout, ReplicaId()));
}

Hello Peers::hello_to(ReplicaId peer, Hello::Status status) const {
  Hello hello;
  hello.status = status;
  hello.cell = options_.cell;
  hello.engine = options_.engine;
  hello.from = options_.self;
  hello.to = peer;
  hello.incarnation = incarnation_;
  hello.features = options_.features;
  hello.members = members_;
  return hello;
}

// What is wrong with who is there, in words for both sides; empty if nothing is. `expected` is 0 for who connects here.
std::string Peers::objection(const Hello& hello, ReplicaId expected) const {
  if (hello.version < kPeerVersionMin || hello.version_min > kPeerVersion) {
    return "peer protocol versions " + std::to_string(hello.version_min) + " to " + std::to_string(hello.version) +
           " of replica " + to_string(hello.from) + " do not meet " + std::to_string(kPeerVersionMin) + " to " +
           std::to_string(kPeerVersion) + " of replica " + to_string(options_.self);
  }
  if (hello.cell != options_.cell) {
    return "replica " + to_string(hello.from) + " is of cell " + to_string(hello.cell) + ", replica " +
           to_string(options_.self) + " of cell " + to_string(options_.cell);
  }
  if (hello.engine != options_.engine) {
    return "replica " + to_string(hello.from) + " runs " + name_of(hello.engine) + ", replica " +
           to_string(options_.self) + " of this cell " + name_of(options_.engine) +
           ": all replicas of a cell run one engine (consensus.engine)";
  }
  if (hello.to != options_.self) {
    return "meant for replica " + to_string(hello.to) + ", but this is replica " + to_string(options_.self);
  }
  if (expected != ReplicaId() && hello.from != expected) {
    return "replica " + to_string(hello.from) + " is where replica " + to_string(expected) + " was expected";
  }
  if (!peers_.contains(hello.from) && hello.members <= members_) {
    return "replica " + to_string(hello.from) + " is not a member of the cell, as far as replica " +
           to_string(options_.self) + " knows (members version " + std::to_string(members_) + ")";
  }
  if (expected == ReplicaId() && hello.from < options_.self) {
    return "replica " + to_string(hello.from) + " has the lower id and must wait to be connected to";
  }
  return {};
}

void Peers::on_hello(PeerLink& link, const Hello& hello) {
  const bool answer = link.dialled();
  if (answer && hello.status == Hello::Status::refused) {
    if (may_log("refused by " + to_string(link.peer()))) {
      log::warning("os", "refused by a peer",
                   {{"peer", to_string(link.peer())}, {"address", link.remote()}, {"reason", hello.reason}});
    }
    const ReplicaId id = link.peer();
    bury(take_pending(link));
    back_off(id);
    return dial_failed(id, Error{ErrorKind::unavailable, "refused: " + hello.reason});
  }
  const bool right_kind = hello.status == (answer ? Hello::Status::welcome : Hello::Status::hello);
  const std::string wrong = right_kind ? objection(hello, link.peer()) : "handshake out of order";
  if (wrong.empty()) {
    if (!answer) link.send_hello(hello_to(hello.from, Hello::Status::welcome));
    return adopt(link, hello.from, hello);
  }
  if (may_log("refused " + link.remote().substr(0, link.remote().rfind(':')))) {
    log::warning("os", "refused a peer", {{"address", link.remote()}, {"reason", wrong}});
  }
  auto refused = take_pending(link);
  if (answer) {
    const ReplicaId id = link.peer();
    bury(std::move(refused));
    back_off(id);
    return dial_failed(id, Error{ErrorKind::unavailable, wrong});
  }
  Hello refusal = hello_to(hello.from, Hello::Status::refused);
  refusal.reason = wrong;
  link.send_hello(refusal);
  link.close_after_writes();
  // Gives the refusal time to leave; then it is closed, sent or not.
  loop_.schedule(options_.connect_timeout, [refused = std::move(refused)] { refused->close(); });
}

// After a refusal: only a change of the members helps.
void Peers::back_off(ReplicaId id) {
  if (const auto peer = peers_.find(id); peer != peers_.end()) peer->second.backoff = options_.backoff_max;
}

void Peers::adopt(PeerLink& link, ReplicaId id, const Hello& hello) {
  auto owned = take_pending(link);
  if (!peers_.contains(id)) peers_[id].let_in_by = hello.members;
  take_down(id);  // a connection that its other end has left
  Peer& peer = peers_.at(id);
  peer.dialling = false;
  peer.failures = 0;
  peer.opened = clock_.now();
  link.open(id);
  peer.link = std::move(owned);
  logged_.erase("unreachable " + to_string(id));
  log::info("os", "connected to a peer",
            {{"peer", to_string(id)}, {"address", link.remote()}, {"incarnation", hello.incarnation}});
  receiver_->on_peer_up(id);
}

void Peers::take_down(ReplicaId id) {
  Peer& peer = peers_.at(id);
  if (peer.link == nullptr) return;
  bury(std::move(peer.link));
  receiver_->on_peer_down(id);
}

void Peers::on_frame(PeerLink& link, BytesView frame) {
  receiver_->on_peer_frame(link.peer(), frame);
}

void Peers::on_link_closed(PeerLink& link, const Error& reason) {
  const ReplicaId id = link.peer();
  if (auto was_pending = take_pending(link)) {
    bury(std::move(was_pending));
    if (id != ReplicaId()) return dial_failed(id, reason);
    if (reason.kind != ErrorKind::closed && may_log("stranger")) {
      log::warning("os", "closed a connection to the peer port in its handshake",
                   {{"address", link.remote()}, {"reason", reason.message}});
    }
    return;
  }
  log::info("os", "lost the connection to a peer", {{"peer", to_string(id)}, {"reason", reason.message}});
  take_down(id);
  // A connection that did not last is dialled again with growing pauses: another process with our id may be taking it.
  Peer& peer = peers_.at(id);
  const bool lasted = clock_.now() - peer.opened >= kLasting;
  peer.backoff = lasted ? Duration{0} : std::clamp(peer.backoff * 2, options_.backoff_min, options_.backoff_max);
  dial_later(id, peer.backoff);
}

// Takes the link out of those in their handshake; null if it is not there.
std::unique_ptr<PeerLink> Peers::take_pending(PeerLink& link) {
  const auto it = std::find_if(pending_.begin(), pending_.end(), [&](const auto& one) { return one.get() == &link; });
  if (it == pending_.end()) return nullptr;
  auto taken = std::move(*it);
  pending_.erase(it);
  return taken;
}

// Closes a link that may be in the middle of a call.
void Peers::bury(std::unique_ptr<PeerLink> link) {
  link->close();
  loop_.post([link = std::move(link)] {});
}

bool Peers::may_log(const std::string& key) {
  const Instant now = clock_.now();
  const auto [it, first] = logged_.try_emplace(key, now);
  if (!first && now - it->second < kLogPause) return false;
  it->second = now;
  if (logged_.size() > 1000) logged_.clear();  // a stranger with many addresses must not fill the memory
  return true;
}

// Between half of `pause` and one and a half.
Duration Peers::jittered(Duration pause) {
  if (pause <= Duration{0}) return pause;
  return pause / 2 + Duration::micros(static_cast<int64_t>(random_.below(static_cast<uint64_t>(pause.us))));
}

}  // namespace conclave::os
