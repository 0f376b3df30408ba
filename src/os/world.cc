#include "os/world.h"

#include <utility>

namespace conclave::os {
namespace {

// For clients and for a cell of one.
class NoPeers final : public env::PeerNetwork {
 public:
  void set_peers(env::PeerTable /*table*/) override {}
  void start(env::PeerReceiver* /*receiver*/) override {}
  void send(ReplicaId /*to*/, Bytes /*frame*/) override {}
  bool connected(ReplicaId /*peer*/) const override { return false; }
};

}  // namespace

World::World(std::unique_ptr<Files> files)
    : files_(std::move(files)),
      network_(loop_),
      journal_worker_(loop_, "journal"),
      snapshot_worker_(loop_, "snapshots") {}

World::~World() = default;

Result<std::unique_ptr<World>> World::create(WorldOptions options) {
  std::unique_ptr<Files> files = Files::none();
  if (!options.data_directory.empty()) {
    auto opened = Files::open_directory(options.data_directory);
    if (!opened) return std::unexpected(opened.error());
    files = std::move(*opened);
  }
  std::unique_ptr<World> world(new World(std::move(files)));
  if (!options.journal_directory.empty() && options.journal_directory != options.data_directory) {
    auto opened = Files::open_directory(options.journal_directory);
    if (!opened) return std::unexpected(opened.error());
    world->journal_files_ = std::move(*opened);
  }
  if (options.peers) {
    auto peers = Peers::create(world->loop_, world->network_, world->entropy_.u64(), std::move(*options.peers));
    if (!peers) return std::unexpected(peers.error());
    world->tcp_peers_ = std::move(*peers);
  } else {
    world->peers_ = std::make_unique<NoPeers>();
  }
  return world;
}

env::World World::env() {
  return {.clock = clock_,
          .executor = loop_,
          .journal_worker = journal_worker_,
          .snapshot_worker = snapshot_worker_,
          .files = *files_,
          .journal_files = journal_files_ ? *journal_files_ : *files_,
          .peers = tcp_peers_ ? static_cast<env::PeerNetwork&>(*tcp_peers_) : *peers_,
          .network = network_,
          .entropy = entropy_,
          .faults = no_faults_};
}

void World::on_signal(const std::vector<int>& signals, std::function<void(int)> handler) {
  if (signals_ == nullptr) signals_ = std::make_unique<Signals>(loop_);
  signals_->on(signals, std::move(handler));
}

}  // namespace conclave::os
