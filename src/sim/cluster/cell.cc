#include "sim/cluster/cell.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "frontend/chubby/settings.h"
#include "frontend/zookeeper/settings.h"
#include "replica/replica.h"
#include "sim/cluster/client_program.h"
#include "sim/cluster/process.h"
#include "sim/cluster/state_seat.h"
#include "storage/identity.h"

namespace conclave::sim {
namespace {

constexpr CellId kCell{0xC0C1A7E};
constexpr Duration kStopPatience = Duration::seconds(2);

std::vector<ReplicaId> replicas_of(const Plan& plan) {
  std::vector<ReplicaId> ids;
  for (int64_t id = 1; id <= plan.replicas + plan.observers + plan.spares; ++id) {
    ids.emplace_back(static_cast<uint8_t>(id));
  }
  return ids;
}

std::vector<consensus::Member> founders_of(const Plan& plan) {
  std::vector<consensus::Member> members;
  for (const ReplicaId id : replicas_of(plan)) {
    if (id.value > plan.replicas + plan.observers) break;
    const bool voter = id.value <= plan.replicas;
    const bool known = voter || plan.founded;  // those that do not vote are not waited for
    members.push_back({.id = id, .voter = voter, .disk = consensus::DiskId(known ? id.value : 0)});
  }
  return members;
}

constexpr uint32_t kDatagramLossPerMillion = 100'000;
constexpr uint32_t kDatagramDuplicatePerMillion = 100'000;

WorldOptions world_options(const Plan& plan) {
  WorldOptions options;
  options.link.latency_min = plan.latency_min;
  options.link.latency_max = plan.latency_max;
  if (plan.lock_clients > 0) {
    options.link.datagram_loss_per_million = kDatagramLossPerMillion;
    options.link.datagram_duplicate_per_million = kDatagramDuplicatePerMillion;
  }
  options.disk.sync_time_max = plan.sync_time_max;
  options.disk.survive_percent = static_cast<uint32_t>(plan.survive_percent);
  return options;
}

std::vector<env::Address> addresses_of(const Plan& plan, uint16_t port) {
  std::vector<env::Address> addresses;
  for (const ReplicaId id : replicas_of(plan)) addresses.push_back(World::address(id.value, port));
  return addresses;
}

// By a clock as slow as is allowed for.
Duration patience_of(const Plan& plan) {
  const int64_t us = plan.election_timeout_max.us;
  return Duration::micros(us + us * plan.clock_drift_ppm / 1'000'000 + 1000);
}

}  // namespace

Cell::Cell(const Plan& plan, Findings& findings)
    : plan_(plan),
      findings_(findings),
      world_(static_cast<uint64_t>(plan.seed), world_options(plan)),
      ids_(replicas_of(plan)),
      founders_(founders_of(plan)),
      log_(world_.scheduler(), findings),
      engine_checks_(
          founders_, findings, [this](const consensus::Entry& entry) { log_.committed(entry); },
          [this] { return world_.scheduler().now(); }, patience_of(plan),
          static_cast<consensus::EngineKind>(plan.engine) == consensus::EngineKind::raft),
      state_checks_(log_, findings),
      recorder_(world_.scheduler(), [this](Zxid zxid) { engine_checks_.note_acknowledged(log_.index_of(zxid)); }),
      crowd_(world_, plan, addresses_of(plan, kLockPort), addresses_of(plan, kClientPort), clients(), findings) {
  for (const ReplicaId id : ids_) world_.host(id);
  for (uint32_t number = 0; number < clients(); ++number) world_.client(number);
}

Cell::~Cell() {
  // Processes go while all that they refer to is still there: they are destroyed with the events that would do it.
  for (const ReplicaId id : ids_) world_.host(id).crash(Crash::kill);
  for (uint32_t number = 0; number < clients() + crowd_.size(); ++number) world_.client(number).crash(Crash::kill);
  world_.scheduler().clear();
}

bool Cell::up(ReplicaId id) {
  return running(id) && process(id).replica() != nullptr;
}

replica::Replica& Cell::at(ReplicaId id) {
  return *process(id).replica();
}

const frontend::zookeeper::Server& Cell::front_end(ReplicaId id) {
  return *process(id).front_end();
}

const frontend::chubby::Server* Cell::lock_service(ReplicaId id) {
  return process(id).lock_service();
}

ReplicaProcess& Cell::process(ReplicaId id) {
  return world_.host(id).process<ReplicaProcess>();
}

ClientProgram& Cell::client(uint32_t number) {
  return world_.client(number).process<ClientProgram>();
}

replica::Options Cell::options_of(ReplicaId id) const {
  replica::Options options{.cell = kCell};
  options.engine = static_cast<consensus::EngineKind>(plan_.engine);
  options.consensus.self = id;
  options.consensus.members = configured(id);
  if (plan_.founded && id.value <= founders_.size() && !disks_lost_.contains(id)) options.founders = founders_;
  options.consensus.tick = plan_.tick;
  options.consensus.heartbeat = plan_.heartbeat;
  options.consensus.election_timeout_min = plan_.election_timeout_min;
  options.consensus.election_timeout_max = plan_.election_timeout_max;
  options.consensus.leases = plan_.leases;
  options.consensus.clock_drift_ppm = plan_.clock_drift_ppm;
  options.consensus.learning = static_cast<consensus::Learning>(plan_.learning);
  options.consensus.slots_in_flight_max = static_cast<size_t>(plan_.slots_in_flight_max);
  options.consensus.message_bytes_max = static_cast<size_t>(plan_.message_bytes_max);
  options.transactions_in_flight_max = static_cast<size_t>(plan_.transactions_in_flight_max);
  options.evaluator.epoch_counter_high = static_cast<uint32_t>(plan_.epoch_counter_high);
  options.snapshot_entries = static_cast<uint64_t>(plan_.snapshot_entries);
  options.snapshot_slice_bytes = static_cast<size_t>(plan_.snapshot_slice_bytes);
  options.entries_kept_in_memory = static_cast<uint64_t>(plan_.entries_kept_in_memory);
  options.snapshots_kept = static_cast<size_t>(plan_.snapshots_kept);
  options.journal_segment_bytes = static_cast<uint64_t>(plan_.journal_segment_bytes);
  for (const ReplicaId member : ids_) {
    const auto at = [&](uint16_t port) { return state::HostPort{World::address(member.value, port).host, port}; };
    options.addresses[member] = {.peers = {at(2888)}, .client = at(kClientPort), .lock_service = at(kLockPort)};
  }
  return options;
}

// Who starts with a new disk is configured as docs/membership.md wants it: the present members and itself.
std::vector<consensus::Member> Cell::configured(ReplicaId id) const {
  if (!disks_lost_.contains(id)) return founders_;
  std::vector<consensus::Member> members = membership().members;
  if (membership().find(id) == nullptr) {
    members.insert(std::ranges::upper_bound(members, id, {}, &consensus::Member::id), {.id = id});
  }
  return members;
}

void Cell::start(ReplicaId id) {
  exits_.erase(id);
  Host& host = world_.host(id);
  if (host.lives() == 0) {
    host.boot([this, id](const env::World& env) { return boot(id, env); });
  } else {
    host.restart();
  }
}

std::shared_ptr<ReplicaProcess> Cell::boot(ReplicaId id, const env::World& env) {
  ++recoveries_;
  if (world_.host(id).disk().files().empty()) name_disk(id, env);
  replica::Options options = options_of(id);
  options.engine_observer = engine_checks_.begin_life(id);
  frontend::zookeeper::Settings settings;
  settings.listen = {World::address(id.value, kClientPort)};
  settings.read_only_mode_enabled = plan_.read_only_percent > 0;
  std::optional<frontend::chubby::Settings> lock_service;
  if (plan_.lock_clients > 0) {
    lock_service = frontend::chubby::Settings{.listen = {World::address(id.value, kLockPort)}};
    lock_service->lease = plan_.lock_lease;
    lock_service->offer = Duration::seconds(1);
    lock_service->unopened_grace = plan_.lock_lease * 4;
  }
  seats_.push_back(state_checks_.watch(id));
  return std::make_shared<ReplicaProcess>(
      env, std::move(options), std::move(settings), std::move(lock_service),
      [seat = seats_.back().get()](replica::Replica& replica) {
        seat->attach(replica);
        replica.add_observer(seat);
      },
      [this, id, life = world_.host(id).lives()](const Error& error) { on_exit(id, life, error); });
}

consensus::DiskId Cell::disk_of(ReplicaId id) const {
  const auto lost = disks_lost_.find(id);
  return consensus::DiskId(id.value + (lost == disks_lost_.end() ? 0 : lost->second << 8));
}

bool Cell::has_vote(ReplicaId id, const consensus::Membership& membership) const {
  if (!membership.is_voter(id)) return false;
  const consensus::Member* member = membership.find(id);
  // Of those that are leaving the disks are not listed.
  return member == nullptr ? !disks_lost_.contains(id) : member->disk == disk_of(id);
}

void Cell::lose_disk(ReplicaId id) {
  world_.host(id).crash(Crash::power_cut);
  Disk& disk = world_.host(id).disk();
  disk.wipe();
  disk.release();
  disk.clear_faults();
  disk.options().capacity_bytes = DiskOptions().capacity_bytes;
  engine_checks_.note_set_back(id);
  ++disks_lost_[id];
}

// Disks have names that checks and nemesis know.
void Cell::name_disk(ReplicaId id, const env::World& env) {
  const bool done = env.journal_files.make_directory(storage::kJournalDirectory).has_value() &&
                    storage::save_identity(env.journal_files, storage::kJournalDirectory,
                                           {.cell = kCell, .replica = id, .disk = disk_of(id), .founders = {}})
                        .has_value();
  CONCLAVE_ASSERT(done);
}

void Cell::on_exit(ReplicaId id, uint64_t life, const Error& error) {
  if (!running(id) || world_.host(id).lives() != life) return;
  exits_[id] = {.error = error, .at_start = process(id).refused().has_value()};
  world_.trace().record(world_.now(), "exit", id.value, static_cast<uint64_t>(error.kind));
  world_.host(id).crash(Crash::kill);
  if (on_exit_) on_exit_(id);
}

void Cell::start_all() {
  for (const ReplicaId id : ids_) {
    if (!running(id)) start(id);
  }
}

std::optional<ReplicaId> Cell::master() {
  std::optional<ReplicaId> found;
  uint64_t round = 0;
  for (const ReplicaId id : ids_) {
    if (!up(id)) continue;
    const consensus::RoleChange& role = at(id).role();
    if (role.role == consensus::Role::master && role.ballot.round > round) {
      found = id;
      round = role.ballot.round;
    }
  }
  return found;
}

void Cell::stop_gracefully(ReplicaId id, Task then) {
  at(id).stop(kStopPatience, [this, id, life = world_.host(id).lives(), then = std::move(then)] mutable {
    if (!running(id) || world_.host(id).lives() != life) return;
    world_.host(id).crash(Crash::kill);
    then();
  });
}

std::optional<Cell::Exit> Cell::exited(ReplicaId id) const {
  const auto found = exits_.find(id);
  return found == exits_.end() ? std::nullopt : std::optional(found->second);
}

void Cell::start_client(uint32_t number) {
  Host& host = world_.client(number);
  if (host.lives() > 0) return host.restart();
  host.boot([this, number](const env::World& env) {
    return std::make_shared<ClientProgram>(env, plan_, addresses_of(plan_, kClientPort), number,
                                           world_.client(number).lives(), recorder_, world_.scheduler());
  });
}

}  // namespace conclave::sim
