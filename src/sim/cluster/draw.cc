#include "sim/cluster/draw.h"

#include <algorithm>
#include <array>

#include "base/random.h"
#include "frontend/chubby/fail_over.h"

namespace conclave::sim {
namespace {

class Drawing {
 public:
  Drawing(uint64_t seed, Duration safety) : random_(seed) {
    plan_.seed = static_cast<int64_t>(seed & 0x7FFF'FFFF'FFFF'FFFF);
    plan_.safety = safety;
  }

  Plan swarm() {
    cell();
    world();
    clients();
    faults();
    added_later();
    return std::move(plan_);
  }

  // Few clients of ZooKeeper, and a crowd of the lock service.
  Plan locks() {
    cell();
    world();
    clients();
    // Every new epoch is a fail-over to these clients: with one every second none would ever be over.
    plan_.epoch_counter_high = Plan().epoch_counter_high;
    plan_.clients = static_cast<int64_t>(random_.between(1, 2));
    plan_.lock_clients = static_cast<int64_t>(random_.between(2, 8));
    plan_.lock_keys = one_of(std::array<int64_t, 3>{1, 2, 5});
    plan_.keys = one_of(std::array<int64_t, 3>{2, 5, 12});
    plan_.lock_lease = between_ms(1000, 6000);
    plan_.lock_grace = between_ms(3000, 20'000);
    plan_.lock_fault_pace = one_in(4) ? Duration() : between_ms(500, 10'000);
    plan_.pause_between_operations = between_ms(20, 300);
    faults();
    added_later();
    fail_overs();
    return std::move(plan_);
  }

  // With intact disks: how many may be damaged is a matter of who votes.
  Plan members() {
    cell();
    world();
    clients();
    plan_.spares = static_cast<int64_t>(random_.between(1, 4));
    plan_.settle_bound =
        Duration::seconds(60);  // one member of many may be up, and clients wait 2 s for each other one
    faults();
    std::erase_if(plan_.faults, [](const Fault& fault) {
      return fault.kind == FaultKind::bit_rot || fault.kind == FaultKind::misdirected_write;
    });
    changes();
    plan_.founded = one_in(2);
    if (!one_in(3)) lost_disks();
    if (!one_in(3)) lost_behind_the_others();
    return std::move(plan_);
  }

  Plan standard() {
    plan_.replicas = 5;
    plan_.clients = 5;
    plan_.survive_percent = 50;
    faults();
    return std::move(plan_);
  }

 private:
  // Milliseconds.
  Duration between_ms(uint64_t low, uint64_t high) {
    return Duration::micros(static_cast<int64_t>(random_.between(low * 1000, high * 1000)));
  }
  template <size_t N>
  int64_t one_of(const std::array<int64_t, N>& values) {
    return values[random_.below(N)];
  }
  bool one_in(uint64_t n) { return random_.below(n) == 0; }

  void cell() {
    plan_.replicas = one_of(std::array<int64_t, 10>{1, 2, 3, 3, 3, 3, 4, 5, 5, 7});
    plan_.observers = one_in(4) ? 1 : 0;
    plan_.leases = !one_in(4);
    plan_.learning = one_in(3) ? one_of(std::array<int64_t, 2>{1, 2}) : 0;
    if (one_in(3)) {
      plan_.tick = Duration::millis(20);
      plan_.heartbeat = Duration::millis(60);
      plan_.election_timeout_min = Duration::millis(400);
      plan_.election_timeout_max = Duration::millis(800);
    }
    plan_.slots_in_flight_max = one_in(3) ? one_of(std::array<int64_t, 3>{1, 4, 16}) : plan_.slots_in_flight_max;
    plan_.message_bytes_max = one_in(3) ? one_of(std::array<int64_t, 2>{64, 4096}) : plan_.message_bytes_max;
    plan_.transactions_in_flight_max =
        one_in(4) ? one_of(std::array<int64_t, 3>{1, 3, 20}) : plan_.transactions_in_flight_max;
    if (one_in(4)) plan_.epoch_counter_high = one_of(std::array<int64_t, 3>{10, 50, 300});
    if (!one_in(3)) plan_.snapshot_entries = one_of(std::array<int64_t, 4>{10, 30, 100, 1000});
    plan_.entries_kept_in_memory = one_of(std::array<int64_t, 4>{0, 5, 50, 10'000});
    plan_.snapshots_kept = one_of(std::array<int64_t, 3>{1, 2, 3});
    plan_.journal_segment_bytes = one_of(std::array<int64_t, 3>{64 << 10, 128 << 10, 1 << 20});
  }

  void world() {
    if (one_in(3)) plan_.latency_max = between_ms(1, 20);
    if (one_in(3)) plan_.sync_time_max = between_ms(1, 40);
    plan_.survive_percent = one_of(std::array<int64_t, 4>{0, 10, 50, 90});
  }

  void clients() {
    plan_.clients = static_cast<int64_t>(random_.between(1, 6));
    plan_.session_timeout = between_ms(4000, one_in(2) ? 5000 : 15'000);
    plan_.pause_between_operations = between_ms(100, 1000);
    plan_.pipelined = one_of(std::array<int64_t, 4>{1, 1, 3, 8});
    plan_.keys = one_of(std::array<int64_t, 4>{1, 2, 5, 12});
    plan_.data_bytes_max = one_of(std::array<int64_t, 4>{20, 200, 2000, 20'000});
    for (int64_t Plan::* share :
         {&Plan::share_create, &Plan::share_remove, &Plan::share_set, &Plan::share_get, &Plan::share_exists,
          &Plan::share_children, &Plan::share_sync_get, &Plan::share_multi, &Plan::share_sequential}) {
      if (one_in(5)) plan_.*share = 0;
    }
    plan_.share_create += 1;  // something must be written
    plan_.watch_percent = one_of(std::array<int64_t, 3>{0, 30, 100});
    plan_.session_end_per_million = one_of(std::array<int64_t, 3>{0, 5000, 50'000});
  }

  void faults() {
    std::vector<FaultKind> kinds;
    for (const FaultType& type : fault_types()) {
      if (type.kind >= FaultKind::crash_in_fail_over) continue;  // of other profiles
      if (one_in(2)) kinds.push_back(type.kind);
    }
    if (plan_.leases) std::erase(kinds, FaultKind::clock_jump);  // beyond what a lease allows for
    if (kinds.empty()) return;
    const Duration pace = between_ms(300, one_in(3) ? 15'000 : 5000);
    // Some seeds strike twice and more in a row, while the cell is still busy with what happened first.
    const Duration in_burst = between_ms(1, 800);
    const uint64_t burst_percent = one_in(2) ? random_.between(20, 80) : 0;
    for (Duration at = between_ms(0, 3000); at < plan_.safety;) {
      plan_.faults.push_back(fault(at, kinds[random_.below(kinds.size())]));
      const Duration most = random_.chance(burst_percent, 100) ? in_burst : pace * 2;
      at = at + Duration::micros(static_cast<int64_t>(random_.between(1, static_cast<uint64_t>(most.us))));
    }
  }

  Fault fault(Duration at, FaultKind kind) {
    Fault fault{.at = at, .kind = kind, .target = {}, .lasting = {}, .amount = 0, .choice = random_.u64() | 1};
    if (one_in(3)) fault.target.who = one_in(3) ? Target::kFollower : Target::kMaster;
    fault.lasting = one_in(4) ? between_ms(1000, 12'000) : between_ms(20, 3000);
    switch (kind) {
      case FaultKind::power_cut:
      case FaultKind::power_cut_all:
        fault.amount = static_cast<uint64_t>(one_of(std::array<int64_t, 3>{0, 512, 4096}));
        break;
      case FaultKind::crash_in_disk:
      case FaultKind::disk_error:
      case FaultKind::misdirected_write:
        fault.amount = random_.below(30);
        break;
      case FaultKind::slow:
        fault.amount = random_.between(100, 20'000);
        break;
      case FaultKind::slow_links:
        fault.amount = random_.between(1000, 150'000);
        break;
      case FaultKind::short_reads:
      case FaultKind::drop_frames:
      case FaultKind::duplicate_frames:
      case FaultKind::reorder_frames:
      case FaultKind::replay_frames:
        fault.amount = one_in(2) ? random_.between(1000, 20'000) : random_.between(20'000, 300'000);
        break;
      case FaultKind::clock_rate: {
        // Two clocks may differ by the bound, so each may be off by half of it.
        const auto most = static_cast<uint64_t>(plan_.clock_drift_ppm) / 2;
        fault.amount = 1'000'000 - most + random_.between(0, 2 * most);
        break;
      }
      case FaultKind::wall_clock_jump:
        fault.amount = 1'000'000'000 - 100'000 + random_.below(200'000);
        break;
      case FaultKind::fault_points:
        fault.amount = random_.between(1000, 250'000);
        break;
      default:
        break;
    }
    return fault;
  }

  // Behind all else, so that what a seed meant before stays as it is.
  void added_later() {
    // So small that the state changes while a snapshot of it is under way.
    if (one_in(2)) plan_.snapshot_slice_bytes = one_of(std::array<int64_t, 3>{1, 200, 2000});
    if (one_in(2)) rot_behind_restarts();
    if (one_in(2)) plan_.read_only_percent = one_of(std::array<int64_t, 2>{50, 100});
  }

  void fail_overs() {
    const Duration pace = between_ms(5'000, 60'000);
    for (Duration at = between_ms(0, 20'000); at < plan_.safety;) {
      Fault next = fault(at, FaultKind::crash_in_fail_over);
      next.amount = random_.between(1, frontend::chubby::kFailOverSteps);
      plan_.faults.insert(std::ranges::upper_bound(plan_.faults, at, {}, &Fault::at), next);
      at = at + Duration::micros(static_cast<int64_t>(random_.between(1, static_cast<uint64_t>(pace.us) * 2)));
    }
  }

  void changes() {
    const Duration pace = between_ms(500, one_in(3) ? 20'000 : 5'000);
    for (Duration at = between_ms(0, 3'000); at < plan_.safety;) {
      const Fault next = fault(at, FaultKind::change_members);
      plan_.faults.insert(std::ranges::upper_bound(plan_.faults, at, {}, &Fault::at), next);
      at = at + Duration::micros(static_cast<int64_t>(random_.between(1, static_cast<uint64_t>(pace.us) * 2)));
    }
  }

  void lost_disks() {
    const Duration pace = between_ms(2'000, 20'000);
    for (Duration at = between_ms(0, 10'000); at < plan_.safety;) {
      const Fault next = fault(at, FaultKind::lose_disk);
      plan_.faults.insert(std::ranges::upper_bound(plan_.faults, at, {}, &Fault::at), next);
      at = at + Duration::micros(static_cast<int64_t>(random_.between(1, static_cast<uint64_t>(pace.us) * 2)));
    }
  }

  // One replica is out of touch; when it is back, another one has lost its disk, and a third, which may be the only one
  // that still has what was written meanwhile, is out of reach.
  void lost_behind_the_others() {
    std::array<uint8_t, 3> ids{};
    const auto replicas = static_cast<uint64_t>(plan_.replicas + plan_.observers + plan_.spares);
    for (uint64_t n = random_.between(1, 8); n > 0; --n) {
      for (uint8_t& id : ids) id = static_cast<uint8_t>(random_.between(1, replicas));
      const auto from = Duration::micros(static_cast<int64_t>(random_.below(static_cast<uint64_t>(plan_.safety.us))));
      const Duration away = between_ms(300, 3000);
      Fault out = fault(from, FaultKind::isolate);
      Fault loss = fault(from + away - between_ms(0, 20), FaultKind::lose_disk);
      Fault last = fault(from + away - between_ms(0, 20), FaultKind::isolate);
      out.lasting = away;
      loss.lasting = between_ms(1, 200);
      last.lasting = between_ms(500, 4000);
      size_t who = 0;
      for (Fault next : {out, loss, last}) {
        next.target.who = ids.at(who++);
        plan_.faults.insert(std::ranges::upper_bound(plan_.faults, next.at, {}, &Fault::at), next);
      }
    }
  }

  // What was written last is known to few replicas yet, or to one alone. It rots, and the next thing to happen is that
  // this replica has to find out by itself.
  void rot_behind_restarts() {
    for (uint64_t n = random_.between(1, 6); n > 0; --n) {
      const Target victim{static_cast<uint8_t>(random_.between(1, static_cast<uint64_t>(plan_.replicas)))};
      const auto at = Duration::micros(static_cast<int64_t>(random_.below(static_cast<uint64_t>(plan_.safety.us))));
      const FaultKind how = one_in(3) ? FaultKind::power_cut : FaultKind::kill;
      for (Fault next : {fault(at, FaultKind::bit_rot), fault(at, how)}) {
        next.target = victim;
        if (next.kind == FaultKind::bit_rot) next.amount = 1;
        plan_.faults.insert(std::ranges::upper_bound(plan_.faults, at, {}, &Fault::at), next);
      }
    }
  }

  Random random_;
  Plan plan_;
};

}  // namespace

Plan draw_plan(uint64_t seed, Profile profile, Duration safety) {
  Drawing drawing(seed, safety);
  switch (profile) {
    case Profile::swarm:
      return drawing.swarm();
    case Profile::locks:
      return drawing.locks();
    case Profile::members:
      return drawing.members();
    case Profile::standard:
      break;
  }
  return drawing.standard();
}

}  // namespace conclave::sim
