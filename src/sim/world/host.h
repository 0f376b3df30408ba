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
#include <string_view>
#include <vector>

#include "env/world.h"
#include "sim/world/clock.h"
#include "sim/world/disk.h"
#include "sim/world/life.h"
#include "sim/world/peers.h"
#include "sim/world/streams.h"

namespace conclave::sim {

// What the hosts of one world share.
struct Surroundings {
  Scheduler& scheduler;
  Trace& trace;
  Fabric& fabric;
  StreamHub& hub;
  PeerMesh& mesh;
  uint64_t seed;
};

class Host {
 public:
  // The process: whatever the factory returns is destroyed after the crash.
  using Boot = std::function<std::shared_ptr<void>(const env::World&)>;

  Host(HostId id, const Surroundings& around, DiskOptions disk, int64_t wall_start_ms);
  ~Host();

  HostId id() const { return id_; }
  bool running() const { return life_ != nullptr; }
  uint64_t lives() const { return lives_; }
  Disk& disk() { return disk_; }
  // Of its process, to the peer that has most of them to come; 0 if none runs.
  size_t peer_bytes_queued() const;

  // The world as this host's process sees it.
  env::World env();
  // Starts the process. REQUIRES: not running, or only env() was taken.
  void boot(Boot boot);
  // Stops everything in the middle of what it does; may be called from inside the process. Does nothing if it is not
  // running.
  void crash(Crash how = Crash::power_cut);
  // A new life: with the factory of boot() if there was one. REQUIRES: not running.
  void restart();

  // --- when and where it crashes; both plans end with the life, one made while none runs waits for the next
  // After the `events`th event of this process from now: task, timer, frame, bytes, begin or end of a worker's job.
  void crash_after_events(uint64_t events, Crash how = Crash::power_cut);
  // In the middle of the `calls`th of its next calls that change the disk, mostly in the middle of a worker's job. The
  // call is done, not done, or done in part.
  void crash_at_disk_operation(uint64_t calls, Crash how = Crash::power_cut);

  // --- a process that stands still (SIGSTOP; its kernel goes on): nothing runs in it until resume(), then all that was
  // due, in order. A crash ends the pause. What a test calls in it directly still runs.
  void pause();
  void resume();
  void pause_for(Duration time);
  bool paused() const;
  // After each turn the loop is busy for min to max, until set otherwise. Zero: no time, the default.
  void set_slow(Duration min, Duration max);

  // --- clocks of the machine, which outlive its processes
  void set_clock_rate_ppm(int64_t ppm);  // against true time; 10'000 is 1 % fast
  void jump_clock(Duration forward);     // the monotonic clock, and the wall clock with it: a suspended machine
  void jump_wall_clock(Duration by);     // forwards or back
  void set_wall_clock_ms(int64_t wall_ms);
  const HostClock& clock() const { return clock_; }

  // Ends what can end: pause, slowness, a wrong clock rate, the plan of the disk and its stall, planned crashes.
  void end_faults();

  // Fault points of product code; null restores "none fires". Taken by the next life.
  void set_faults(env::Faults* faults) { faults_ = faults; }
  // The process, as the factory made it.
  template <class T>
  T& process() {
    return *static_cast<T*>(process_.get());
  }

 private:
  struct Incarnation;
  // Records a fault in the trace.
  void record(std::string_view what, uint64_t a = 0, uint64_t b = 0);
  void begin_life();
  void start_process();
  void clock_changed();

  HostId id_;
  Surroundings around_;
  HostClock clock_;
  Disk disk_;
  Duration slow_min_{0}, slow_max_{0};
  uint64_t crash_events_ = 0;  // for the life to come
  Crash crash_how_ = Crash::power_cut;
  DiskFaultId crash_in_disk_ = 0;
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
