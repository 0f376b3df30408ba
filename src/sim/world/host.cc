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
    : life(std::make_shared<Life>(Life{.host = host.id_, .number = number, .alive = true})),
      clock(host.around_.scheduler,
            Duration::micros(static_cast<int64_t>(fork(seed, host.id_.value, number, 1) % kOriginMaxUs)),
            host.around_.wall_start_ms),
      executor(host.around_.scheduler, host.around_.trace, life),
      journal_worker(host.around_.scheduler, host.around_.trace, life, executor, host.disk_,
                     fork(seed, host.id_.value, number, 2)),
      snapshot_worker(host.around_.scheduler, host.around_.trace, life, executor, host.disk_,
                      fork(seed, host.id_.value, number, 3)),
      files(life, host.disk_),
      peers(host.around_.mesh, life),
      network(host.around_.hub, life),
      entropy(fork(seed, host.id_.value, number, 4)),
      faults(host.faults_ != nullptr ? *host.faults_ : host.no_faults_) {}

Host::Host(HostId id, const Surroundings& around, DiskOptions disk)
    : id_(id), around_(around), disk_(fork(around.seed, id.value, 0, 5), disk) {
  around_.hub.hosts[id_] = {};
}

Host::~Host() {
  crash(Crash::kill);
}

void Host::begin_life() {
  life_ = std::make_unique<Incarnation>(*this, ++lives_, around_.seed);
  auto& presence = around_.hub.hosts[id_];
  presence.network = &life_->network;
  presence.powered = true;
  around_.trace.record(around_.scheduler.now(), "boot", id_.value, lives_);
  around_.fabric.host_up(id_);
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

void Host::boot(Boot boot) {
  CONCLAVE_ASSERT(process_ == nullptr);
  boot_ = std::move(boot);
  if (life_ == nullptr) begin_life();
  process_ = boot_(env());
}

void Host::crash(Crash how) {
  if (life_ == nullptr) return;
  around_.trace.record(around_.scheduler.now(), how == Crash::kill ? "kill" : "power cut", id_.value, lives_);
  life_->life->alive = false;
  auto& presence = around_.hub.hosts[id_];
  presence.network = nullptr;
  presence.powered = how == Crash::kill;
  life_->peers.crash();
  life_->network.crash();
  around_.fabric.host_down(id_, /*resets=*/how == Crash::kill);
  if (how == Crash::power_cut) disk_.power_cut();
  disk_.lock_holder = 0;
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
  if (boot_) process_ = boot_(env());
}

}  // namespace conclave::sim
