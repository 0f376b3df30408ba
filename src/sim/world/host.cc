#include "sim/world/host.h"

#include <utility>

#include "base/assert.h"
#include "base/checksum.h"
#include "sim/world/files.h"
#include "sim/world/loop.h"

namespace conclave::sim {
namespace {

// Independent streams of numbers out of one seed: who asks for what must not change what others get.
uint64_t fork(uint64_t seed, uint64_t host, uint64_t life, uint64_t purpose) {
  const uint64_t words[] = {seed, host, life, purpose};
  return xxh3_64(BytesView(reinterpret_cast<const char*>(words), sizeof(words)));
}

constexpr uint64_t kOriginMaxUs = 1'000'000'000;

}  // namespace

struct Host::Incarnation {
  Incarnation(Host& host, uint64_t number, uint64_t seed);

  std::shared_ptr<Life> life;
  Clock clock;
  Executor executor;
  Worker journal_worker;
  Worker snapshot_worker;
  Files files;
  Peers peers;
  Network network;
  Entropy entropy;
  env::Faults& faults;
};

Host::Incarnation::Incarnation(Host& host, uint64_t number, uint64_t seed)
    : life(std::make_shared<Life>(host.id_, number, host.around_.scheduler, fork(seed, host.id_.value, number, 6))),
      clock(host.clock_, Duration::micros(static_cast<int64_t>(fork(seed, host.id_.value, number, 1) % kOriginMaxUs))),
      executor(host.around_.scheduler, host.around_.trace, host.clock_, life),
      journal_worker(host.around_.scheduler, host.around_.trace, life, executor, host.disk_,
                     fork(seed, host.id_.value, number, 2)),
      snapshot_worker(host.around_.scheduler, host.around_.trace, life, executor, host.disk_,
                      fork(seed, host.id_.value, number, 3)),
      files(life, host.disk_),
      peers(host.around_.mesh, life),
      network(host.around_.hub, life),
      entropy(fork(seed, host.id_.value, number, 4)),
      faults(host.faults_ != nullptr ? *host.faults_ : host.no_faults_) {}

Host::Host(HostId id, const Surroundings& around, DiskOptions disk, int64_t wall_start_ms)
    : id_(id),
      around_(around),
      clock_(around.scheduler, wall_start_ms),
      disk_(around.scheduler, around.trace, id.value, fork(around.seed, id.value, 0, 5), disk) {
  around_.hub.hosts[id_] = {};
  disk_.on_crash([this](Crash how) { crash(how); });
}

Host::~Host() {
  crash(Crash::kill);
}

void Host::begin_life() {
  life_ = std::make_unique<Incarnation>(*this, ++lives_, around_.seed);
  auto& presence = around_.hub.hosts[id_];
  presence.network = &life_->network;
  presence.powered = true;
  record("boot", lives_);
  life_->life->set_slow(slow_min_, slow_max_);
  if (crash_events_ > 0) crash_after_events(std::exchange(crash_events_, 0), crash_how_);
  around_.fabric.host_up(id_);
}

// The factory may crash the host, in a call on its disk.
void Host::start_process() {
  const uint64_t life = lives_;
  auto process = boot_(env());
  if (life_ != nullptr && lives_ == life) {
    process_ = std::move(process);
  } else {
    around_.scheduler.after(Duration{0}, [gone = std::move(process)] {});
  }
}

env::World Host::env() {
  if (life_ == nullptr && lives_ == 0) begin_life();
  CONCLAVE_ASSERT(life_ != nullptr);
  return {.clock = life_->clock,
          .executor = life_->executor,
          .journal_worker = life_->journal_worker,
          .snapshot_worker = life_->snapshot_worker,
          .files = life_->files,
          .journal_files = life_->files,
          .peers = life_->peers,
          .network = life_->network,
          .entropy = life_->entropy,
          .faults = life_->faults};
}

size_t Host::peer_bytes_queued() const {
  return life_ == nullptr ? 0 : life_->peers.queued_bytes_most();
}

void Host::boot(Boot boot) {
  CONCLAVE_ASSERT(process_ == nullptr);
  boot_ = std::move(boot);
  if (life_ == nullptr) begin_life();
  start_process();
}

void Host::crash(Crash how) {
  if (life_ == nullptr) return;
  record(how == Crash::kill ? "kill" : "power cut", lives_);
  life_->life->end();
  disk_.remove_fault(std::exchange(crash_in_disk_, 0));
  auto& presence = around_.hub.hosts[id_];
  presence.network = nullptr;
  presence.powered = how == Crash::kill;
  life_->peers.crash();
  life_->network.crash();
  around_.fabric.host_down(id_, /*resets=*/how == Crash::kill);
  disk_.process_ended(how);
  past_.push_back(std::move(life_));
  past_.back()->executor.crash();
  past_.back()->journal_worker.crash();
  past_.back()->snapshot_worker.crash();
  // The process itself may be what called us: it goes when its frames have left the stack. A dead life answers whatever
  // its destructors call with silence.
  around_.scheduler.after(Duration{0}, [process = std::exchange(process_, nullptr)] {});
}

void Host::restart() {
  CONCLAVE_ASSERT(life_ == nullptr);
  begin_life();
  if (boot_) start_process();
}

void Host::crash_after_events(uint64_t events, Crash how) {
  crash_how_ = how;
  if (life_ == nullptr) {
    crash_events_ = events;
    return;
  }
  life_->life->crash_after(events, [this, how] { crash(how); });
}

void Host::crash_at_disk_operation(uint64_t calls, Crash how) {
  disk_.remove_fault(std::exchange(crash_in_disk_, 0));
  if (calls == 0) return;
  crash_in_disk_ = disk_.inject({.on = kChangingOperations,
                                 .effect = how == Crash::kill ? DiskEffect::kill : DiskEffect::power_cut,
                                 .nth = calls});
}

void Host::pause() {
  if (life_ == nullptr || paused()) return;
  record("paused");
  life_->life->pause();
}

void Host::resume() {
  if (life_ == nullptr || !paused()) return;
  record("resumed");
  life_->life->resume();
}

void Host::pause_for(Duration time) {
  if (life_ == nullptr) return;
  pause();
  around_.scheduler.after(time, [this, life = lives_] {
    if (lives_ == life) resume();
  });
}

bool Host::paused() const {
  return life_ != nullptr && life_->life->paused();
}

void Host::set_slow(Duration min, Duration max) {
  record("slow", static_cast<uint64_t>(min.us), static_cast<uint64_t>(max.us));
  slow_min_ = min;
  slow_max_ = max;
  if (life_ != nullptr) life_->life->set_slow(min, max);
}

void Host::set_clock_rate_ppm(int64_t ppm) {
  record("clock rate", static_cast<uint64_t>(ppm));
  clock_.set_rate_ppm(ppm);
  clock_changed();
}

void Host::jump_clock(Duration forward) {
  record("clock jump", static_cast<uint64_t>(forward.us));
  clock_.jump(forward);
  clock_changed();
}

void Host::jump_wall_clock(Duration by) {
  record("wall clock jump", static_cast<uint64_t>(by.us));
  clock_.jump_wall(by);
}

void Host::set_wall_clock_ms(int64_t wall_ms) {
  record("wall clock set", static_cast<uint64_t>(wall_ms));
  clock_.set_wall_ms(wall_ms);
}

void Host::clock_changed() {
  if (life_ != nullptr) life_->executor.clock_changed();
}

void Host::end_faults() {
  crash_after_events(0);
  crash_at_disk_operation(0);
  disk_.clear_faults();
  disk_.release();
  set_slow(Duration{0}, Duration{0});
  if (clock_.rate_ppm() != 0) set_clock_rate_ppm(0);
  resume();
}

void Host::record(std::string_view what, uint64_t a, uint64_t b) {
  around_.trace.record(around_.scheduler.now(), what, id_.value, a, b);
}

}  // namespace conclave::sim
