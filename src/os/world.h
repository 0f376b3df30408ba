// The real world in one bundle: what src/env promises, on sockets, disks and clocks. `app/` makes one, builds its
// replica or client on env(), runs it, and destroys the replica before the world.
//
//   auto world = os::World::create({.data_directory = "/var/lib/conclave", .peers = ...});
//   (*world)->on_signal({SIGINT, SIGTERM}, [&](int) { (*world)->stop(); });
//   Replica replica((*world)->env(), ...);
//   (*world)->run();
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "env/world.h"
#include "os/clock.h"
#include "os/files.h"
#include "os/loop.h"
#include "os/network.h"
#include "os/peers.h"
#include "os/signals.h"
#include "os/worker.h"

namespace conclave::os {

struct WorldOptions {
  std::string data_directory;        // empty: a program without files, such as a client
  std::string journal_directory;     // empty: the data directory
  std::optional<PeerOptions> peers;  // nothing: a program without peers
};

class World {
 public:
  // Errors: a directory cannot be opened, the peer address cannot be bound.
  static Result<std::unique_ptr<World>> create(WorldOptions options);
  ~World();

  env::World env();
  // Runs the loop on this thread until stop().
  void run() { loop_.run(); }
  // Safe from any thread.
  void stop() { loop_.stop(); }
  // Runs `handler` on the loop when one of the signals comes. For one world of a process.
  void on_signal(const std::vector<int>& signals, std::function<void(int)> handler);

  Loop& loop() { return loop_; }
  Network& network() { return network_; }
  // Null without peers.
  Peers* peers() { return tcp_peers_.get(); }

 private:
  explicit World(std::unique_ptr<Files> files);

  // In this order: what is below uses what is above, and is destroyed first.
  Loop loop_;
  Clock clock_;
  Entropy entropy_;
  env::Faults no_faults_;
  std::unique_ptr<Files> files_;
  std::unique_ptr<Files> journal_files_;  // null: files_
  Network network_;
  std::unique_ptr<Peers> tcp_peers_;
  std::unique_ptr<env::PeerNetwork> peers_;  // if there are none: an empty network
  std::unique_ptr<Signals> signals_;
  Worker journal_worker_;
  Worker snapshot_worker_;
};

}  // namespace conclave::os
