#include "sim/cluster/nemesis.h"

#include <algorithm>
#include <fmt/format.h>

#include "frontend/chubby/server.h"
#include "replica/replica.h"

namespace conclave::sim {
namespace {

constexpr Duration kInitSystemPause = Duration::millis(500);  // between the end of a process and its next start

}  // namespace

Nemesis::Nemesis(Cell& cell, FaultPoints& points)
    : cell_(cell), world_(cell.world()), points_(points), atlas_(static_cast<size_t>(cell.plan().replicas)) {
  usual_links_ = world_.link(1, 2);
  cell_.when_exited([this](ReplicaId id) { on_exit(id); });
  for (const ReplicaId id : cell_.replicas()) world_.host(id).set_faults(&points_);
}

void Nemesis::schedule(const std::vector<Fault>& faults) {
  for (const Fault& fault : faults) {
    world_.scheduler().after(fault.at, [this, fault] {
      if (!stopped_) strike(fault);
    });
  }
}

void Nemesis::strike(const Fault& fault) {
  Random choice(fault.choice);
  const Phase phase = phase_of(cell_);
  const auto kind = static_cast<size_t>(fault.kind);
  world_.trace().record(world_.now(), name_of(fault.kind), fault.target.who, fault.amount, fault.choice);
  bool struck = false;
  if (fault.kind <= FaultKind::transfer_lead) {
    struck = strike_process(fault, choice);
  } else if (fault.kind <= FaultKind::half_open) {
    struck = strike_network(fault, choice);
  } else if (fault.kind <= FaultKind::replay_frames) {
    struck = strike_frames(fault);
  } else if (fault.kind <= FaultKind::wall_clock_jump) {
    struck = strike_clock(fault, choice);
  } else if (fault.kind <= FaultKind::misdirected_write) {
    struck = strike_disk(fault, choice);
  } else if (fault.kind == FaultKind::fault_points) {
    points_.set_rate(static_cast<uint32_t>(fault.amount));
    undo_after(fault.lasting, [this] { points_.set_rate(0); });
    struck = true;
  } else if (fault.kind == FaultKind::crash_in_fail_over) {
    struck = strike_fail_over(fault);
  } else if (fault.kind == FaultKind::change_members) {
    struck = strike_members(choice);
  } else if (fault.kind == FaultKind::lose_disk) {
    struck = lose_disk(fault, choice);
  } else {
    struck = strike_client(fault, choice);
  }
  if (struck) {
    ++struck_[kind][static_cast<size_t>(phase)];
  } else {
    ++left_out_;
  }
}

void Nemesis::stop() {
  stopped_ = true;
  ambush_.reset();
  while (!undos_.empty()) {
    const Undo undo = std::move(undos_.front());
    undos_.pop_front();
    undo();
  }
  for (const ReplicaId id : cell_.replicas()) world_.host(id).end_faults();
}

void Nemesis::hold_down(ReplicaId id) {
  held_down_.insert(id);
  world_.host(id).crash(Crash::kill);
}

void Nemesis::let_run(const std::vector<ReplicaId>& ids) {
  for (const ReplicaId id : ids) {
    held_down_.erase(id);
    restart_after(id, Duration{0});
  }
}

// ---------------------------------------------------------------- the lock service

bool Nemesis::strike_fail_over(const Fault& fault) {
  const auto id = cell_.master();
  if (ambush_ || !id || cell_.lock_service(*id) == nullptr || cell_.lock_service(*id)->master() == nullptr)
    return false;
  if (fault.amount == 0 || fault.amount > frontend::chubby::kFailOverSteps) return false;
  ambush_ = Ambush{.step = static_cast<frontend::chubby::FailOverStep>(fault.amount),
                   .behind = cell_.lock_service(*id)->master()->epoch(),
                   .lasting = fault.lasting};
  crash(*id, Crash::kill, 0, fault.lasting);
  return true;
}

void Nemesis::watch() {
  for (const ReplicaId id : cell_.replicas()) {
    if (!ambush_ || !cell_.up(id) || cell_.lock_service(id) == nullptr) continue;
    const frontend::chubby::Master* const master = cell_.lock_service(id)->master();
    if (master == nullptr || master->epoch() <= ambush_->behind || !master->steps().reached(ambush_->step)) continue;
    ++killed_at_steps_.at(static_cast<size_t>(ambush_->step) - 1);
    crash(id, Crash::kill, 0, ambush_->lasting);
    ambush_.reset();
  }
}

// ---------------------------------------------------------------- the operator

std::vector<consensus::Membership> Nemesis::memberships_needed() const {
  std::vector<consensus::Membership> needed = cell_.engine_checks().possible_memberships();
  if (!wanted_members_.empty()) {
    needed.push_back({.version = UINT64_MAX, .members = wanted_members_, .outgoing = {}});
  }
  return needed;
}

bool Nemesis::decide(const consensus::ReplicaSet& replicas) const {
  return std::ranges::all_of(memberships_needed(), [&](const consensus::Membership& membership) {
    consensus::ReplicaSet voting;
    for (const ReplicaId id : cell_.replicas()) {
      voting.set(id.value, replicas.test(id.value) && atlas_.intact(id) && cell_.has_vote(id, membership));
    }
    return consensus::Quorum(membership).reached(voting);
  });
}

// Any replica may become a voter, an observer or nothing, all at once. One that has lost its disk has to go first.
bool Nemesis::strike_members(Random& choice) {
  const auto master = cell_.master();
  if (!master || cell_.replicas().size() < 2) return false;
  const uint64_t voters = choice.between(1, 5);  // about
  std::vector<consensus::Member> members;
  for (const ReplicaId id : cell_.replicas()) {
    const bool voter = choice.chance(voters, cell_.replicas().size());
    const consensus::Member* const member = cell_.membership().find(id);
    if (member != nullptr && member->disk != cell_.disk_of(id)) continue;
    if (voter || choice.below(3) == 0) members.push_back({.id = id, .voter = voter, .disk = cell_.disk_of(id)});
  }
  if (!cell_.at(*master).change_members({.members = members, .addresses = {}})) return false;
  wanted_members_ = std::move(members);
  return true;
}

// Of what the cell needs a majority for, one must remain whose disks hold all that they ever did.
bool Nemesis::lose_disk(const Fault& fault, Random& choice) {
  const auto id = resolve(fault.target, choice);
  if (!id || cell_.engine_checks().committed() == Index()) return false;
  consensus::ReplicaSet others;
  others.set();
  if (!decide(others.reset(id->value))) return false;
  cell_.lose_disk(*id);
  restart_after(*id, fault.lasting);
  return true;
}

// ---------------------------------------------------------------- processes

bool Nemesis::strike_process(const Fault& fault, Random& choice) {
  if (fault.kind == FaultKind::power_cut_all) {
    for (const ReplicaId id : cell_.replicas()) {
      // They come back one after the other.
      const auto more = Duration::micros(static_cast<int64_t>(choice.below(500'000)));
      if (cell_.running(id)) crash(id, Crash::power_cut, fault.amount, fault.lasting + more);
    }
    return true;
  }
  const auto id = resolve(fault.target, choice);
  if (!id) return false;
  Host& host = world_.host(*id);
  switch (fault.kind) {
    case FaultKind::kill:
      crash(*id, Crash::kill, 0, fault.lasting);
      return true;
    case FaultKind::power_cut:
      crash(*id, Crash::power_cut, fault.amount, fault.lasting);
      return true;
    case FaultKind::crash_in_disk:
      host.crash_at_disk_operation(fault.amount + 1);
      world_.scheduler().after(fault.lasting, [this, id = *id] { restart_after(id, Duration{0}); });
      return true;
    case FaultKind::pause:
      if (host.paused()) return false;
      host.pause();
      undo_after(fault.lasting, [&host, life = host.lives()] {
        if (host.running() && host.lives() == life) host.resume();
      });
      return true;
    case FaultKind::slow:
      host.set_slow(Duration{0}, Duration::micros(static_cast<int64_t>(fault.amount)));
      undo_after(fault.lasting, [&host] { host.set_slow(Duration{0}, Duration{0}); });
      return true;
    case FaultKind::transfer_lead:
      if (!cell_.up(*id) || host.paused()) return false;
      cell_.stop_gracefully(*id, [this, id = *id, lasting = fault.lasting] { restart_after(id, lasting); });
      return true;
    default:
      return false;
  }
}

void Nemesis::crash(ReplicaId id, Crash how, uint64_t torn_bytes, Duration lasting) {
  DiskOptions& disk = world_.host(id).disk().options();
  disk.torn_writes = torn_bytes != 0;
  if (torn_bytes != 0) disk.sector_bytes = torn_bytes;
  world_.host(id).crash(how);
  restart_after(id, lasting);
}

// Ended by itself. A refusal is answered by trying again, as an init system does, unless its ground is a damaged disk.
void Nemesis::on_exit(ReplicaId id) {
  const Cell::Exit exit = *cell_.exited(id);
  if (exit.at_start && exit.error.kind == ErrorKind::corrupt) {
    given_up_.insert(id);
    if (atlas_.intact(id)) {
      cell_.findings().add("atlas", fmt::format("replica {} refuses to start though its disk holds all that it made "
                                                "durable: {}",
                                                id.value, exit.error.message));
    }
    return;
  }
  restart_after(id, kInitSystemPause);
}

void Nemesis::restart_after(ReplicaId id, Duration pause) {
  world_.scheduler().after(pause, [this, id] {
    if (!cell_.running(id) && !given_up(id) && !held_down_.contains(id)) cell_.start(id);
  });
}

std::optional<ReplicaId> Nemesis::resolve(Target target, Random& choice) {
  if (target.who != Target::kAny && target.who < Target::kMaster) {
    const ReplicaId id(target.who);
    if (std::ranges::find(cell_.replicas(), id) == cell_.replicas().end() || !cell_.running(id)) return std::nullopt;
    return id;
  }
  const auto master = cell_.master();
  if (target.who == Target::kMaster) return master;
  std::vector<ReplicaId> running;
  for (const ReplicaId id : cell_.replicas()) {
    if (cell_.running(id) && !(target.who == Target::kFollower && id == master)) running.push_back(id);
  }
  if (running.empty()) return std::nullopt;
  return running[choice.below(running.size())];
}

// ---------------------------------------------------------------- clients

bool Nemesis::strike_client(const Fault& fault, Random& choice) {
  if (cell_.clients() == 0) return false;
  const auto number = static_cast<uint32_t>(choice.below(cell_.clients()));
  Host& host = world_.client(number);
  if (!host.running()) return false;
  if (fault.kind == FaultKind::client_crash) {
    host.crash(Crash::kill);
    undo_after(fault.lasting, [this, number] {
      if (!world_.client(number).running()) cell_.start_client(number);
    });
    return true;
  }
  std::vector<std::pair<uint32_t, uint32_t>> links;
  for (const ReplicaId id : cell_.replicas()) {
    links.emplace_back(host.id().value, id.value);
    links.emplace_back(id.value, host.id().value);
  }
  cut(links, fault.lasting);
  return true;
}

void Nemesis::undo_after(Duration lasting, Undo undo) {
  undos_.push_front(std::move(undo));
  world_.scheduler().after(lasting, [this, it = undos_.begin()] {
    if (stopped_) return;
    const Undo now = std::move(*it);
    undos_.erase(it);
    now();
  });
}

}  // namespace conclave::sim
