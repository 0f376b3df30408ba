// Carries out a schedule of faults on a cell, and takes back those that last. Keeps to the fault atlas: a fault that
// would damage more disks than the cell promises to bear is left out, and counted as such. Starts again, after a while,
// processes that ended by themselves, as an init system would. One thread.
//
// After stop() nothing strikes any more, every fault is taken back, and links, clocks and disks are as they were.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "frontend/chubby/fail_over.h"
#include "sim/cluster/atlas.h"
#include "sim/cluster/cell.h"
#include "sim/cluster/fault.h"
#include "sim/cluster/fault_points.h"
#include "sim/cluster/phase.h"

namespace conclave::sim {

constexpr size_t kFaultKinds = static_cast<size_t>(FaultKind::lose_disk) + 1;

class Nemesis {
 public:
  Nemesis(Cell& cell, FaultPoints& points);

  // Every fault strikes at its time from now.
  void schedule(const std::vector<Fault>& faults);
  // Now.
  void strike(const Fault& fault);
  void stop();
  // Kills the replica, and starts it no more until let_run().
  void hold_down(ReplicaId id);
  // Starts whatever does not run and can.
  void let_run(const std::vector<ReplicaId>& ids);

  // Somebody is waited for: call watch() after every event.
  bool watches() const { return ambush_.has_value(); }
  void watch();

  // Of each, the cell may need a majority from now on: what the operator asked for last may be under way still.
  std::vector<consensus::Membership> memberships_needed() const;
  // Do these hold one of each, with intact disks that have a vote there?
  bool decide(const consensus::ReplicaSet& replicas) const;
  const Atlas& atlas() const { return atlas_; }
  // A start that was refused, and may be: the disk was damaged.
  bool given_up(ReplicaId id) const { return given_up_.contains(id); }

  using Counts = std::array<std::array<uint64_t, kPhases>, kFaultKinds>;
  const Counts& struck() const { return struck_; }
  // New masters of the lock service that were killed at each step of taking over.
  using StepCounts = std::array<uint64_t, frontend::chubby::kFailOverSteps>;
  const StepCounts& killed_at_steps() const { return killed_at_steps_; }
  uint64_t left_out() const { return left_out_; }

 private:
  using Undo = std::function<void()>;
  // For the next master that comes so far.
  struct Ambush {
    frontend::chubby::FailOverStep step{};
    Epoch behind;  // not this one, or an earlier
    Duration lasting;
  };

  bool strike_process(const Fault& fault, Random& choice);
  bool strike_network(const Fault& fault, Random& choice);
  bool strike_frames(const Fault& fault);
  bool strike_clock(const Fault& fault, Random& choice);
  bool strike_disk(const Fault& fault, Random& choice);
  bool strike_client(const Fault& fault, Random& choice);
  bool strike_fail_over(const Fault& fault);
  bool strike_members(Random& choice);
  bool lose_disk(const Fault& fault, Random& choice);

  void crash(ReplicaId id, Crash how, uint64_t torn_bytes, Duration lasting);
  void damage(ReplicaId id);
  bool rot(ReplicaId id, bool in_last_write, Random& choice);
  void on_exit(ReplicaId id);
  void restart_after(ReplicaId id, Duration pause);
  void change_links(Duration lasting, std::function<void(LinkOptions&)> change);
  void set_links();
  void cut(const std::vector<std::pair<uint32_t, uint32_t>>& links, Duration lasting);
  // Takes a fault back after `lasting`, or when told to stop.
  void undo_after(Duration lasting, Undo undo);
  std::optional<ReplicaId> resolve(Target target, Random& choice);
  std::vector<uint32_t> shuffled_replicas(Random& choice);
  std::vector<uint32_t> everybody();

  Cell& cell_;
  World& world_;
  FaultPoints& points_;
  Atlas atlas_;
  std::set<ReplicaId> misdirected_;  // disks that a write was misdirected on
  bool stopped_ = false;
  std::list<Undo> undos_;
  std::map<std::pair<uint32_t, uint32_t>, int> cuts_;  // how many faults hold each link cut
  LinkOptions usual_links_;
  std::map<uint64_t, std::function<void(LinkOptions&)>> link_changes_;  // that last, in the order made
  uint64_t last_link_change_ = 0;
  std::set<ReplicaId> given_up_;
  std::set<ReplicaId> held_down_;
  std::optional<Ambush> ambush_;
  std::vector<consensus::Member> wanted_members_;
  Counts struck_{};
  StepCounts killed_at_steps_{};
  uint64_t left_out_ = 0;
};

}  // namespace conclave::sim
