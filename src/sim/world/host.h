// A virtual machine: a disk that outlives crashes, and at most one process at a time, in its own life. Replica `r` runs
// on host `r`; test clients run on hosts above 255.
//
//   host.boot([&](const env::World& world) { return std::make_shared<MyReplica>(world); });
//   host.crash(Crash::power_cut);   // drops all it had scheduled; the process object is destroyed by the next event
//   host.restart();                 // calls the same factory with a new life
//
// A test may also take `host.env()` and own its objects itself; after a crash they are deaf and mute, and must be
// destroyed before the world is. `env()` before boot() starts a life without a process.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "env/world.h"
#include "sim/world/disk.h"
#include "sim/world/life.h"
#include "sim/world/peers.h"
#include "sim/world/streams.h"

namespace conclave::sim {

enum class Crash {
  kill,       // kill -9: the page cache survives, connections are reset
  power_cut,  // what was not synced is lost, connections are left half-open
};

// What the hosts of one world share.
struct Surroundings {
  Scheduler& scheduler;
  Trace& trace;
  Fabric& fabric;
  StreamHub& hub;
  PeerMesh& mesh;
  uint64_t seed;
  int64_t wall_start_ms;
};

class Host {
 public:
  // The process: whatever the factory returns is destroyed after the crash.
  using Boot = std::function<std::shared_ptr<void>(const env::World&)>;

  Host(HostId id, const Surroundings& around, DiskOptions disk);
  ~Host();

  HostId id() const { return id_; }
  bool running() const { return life_ != nullptr; }
  uint64_t lives() const { return lives_; }
  Disk& disk() { return disk_; }

  // The world as this host's process sees it.
  env::World env();
  // Starts the process. REQUIRES: not running, or only env() was taken.
  void boot(Boot boot);
  // Stops everything in the middle of what it does; may be called from inside the process. Does nothing if it is not
  // running.
  void crash(Crash how = Crash::power_cut);
  // A new life: with the factory of boot() if there was one. REQUIRES: not running.
  void restart();

  // Fault points of product code; null restores "none fires". Taken by the next life.
  void set_faults(env::Faults* faults) { faults_ = faults; }
  // The process, as the factory made it.
  template <class T>
  T& process() {
    return *static_cast<T*>(process_.get());
  }

 private:
  struct Incarnation;
  void begin_life();

  HostId id_;
  Surroundings around_;
  Disk disk_;
  env::Faults no_faults_;
  env::Faults* faults_ = nullptr;
  Boot boot_;
  uint64_t lives_ = 0;
  std::unique_ptr<Incarnation> life_;
  // Dead lives: late destructors of what a test owns may still refer to them.
  std::vector<std::unique_ptr<Incarnation>> past_;
  std::shared_ptr<void> process_;
};

}  // namespace conclave::sim
