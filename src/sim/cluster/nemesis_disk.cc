// Faults of disks.
#include "sim/cluster/nemesis.h"

namespace conclave::sim {

bool Nemesis::strike_disk(const Fault& fault, Random& choice) {
  const auto id = resolve(fault.target, choice);
  if (!id) return false;
  Disk& disk = world_.host(*id).disk();
  switch (fault.kind) {
    case FaultKind::disk_stall:
      if (disk.stalled()) return false;
      disk.stall();
      undo_after(fault.lasting, [&disk] { disk.release(); });
      return true;
    case FaultKind::disk_error:
      disk.inject({.on = {DiskOperation::write, DiskOperation::sync, DiskOperation::sync_directory,
                          DiskOperation::rename, DiskOperation::create, DiskOperation::resize},
                   .effect = DiskEffect::io_error,
                   .nth = fault.amount + 1});
      return true;
    case FaultKind::disk_full: {
      disk.options().capacity_bytes = disk.used_bytes();
      undo_after(fault.lasting, [&disk] { disk.options().capacity_bytes = DiskOptions().capacity_bytes; });
      return true;
    }
    case FaultKind::bit_rot:
      return rot(*id, fault.amount != 0, choice);
    case FaultKind::misdirected_write:
      // A second one on the same disk could land on all that bears witness to the first.
      if (!atlas_.may_damage(*id) || !misdirected_.insert(*id).second) return false;
      damage(*id);
      disk.inject({.on = {DiskOperation::write}, .effect = DiskEffect::misdirect, .nth = fault.amount + 1});
      return true;
    default:
      return false;
  }
}

void Nemesis::damage(ReplicaId id) {
  atlas_.damage(id);
  cell_.engine_checks().note_damaged(id);
}

bool Nemesis::rot(ReplicaId id, bool in_last_write, Random& choice) {
  if (!atlas_.may_damage(id)) return false;
  Disk& disk = world_.host(id).disk();
  if (in_last_write) {
    const uint64_t place = choice.u64();
    if (!disk.corrupt_last_write(place, static_cast<uint8_t>(1u << choice.below(8)))) return false;
    damage(id);
    return true;
  }
  const auto files = disk.files();
  if (files.empty()) return false;
  const auto& file = files[choice.below(files.size())];
  if (file.size == 0) return false;
  damage(id);
  // Most of a preallocated segment is empty: aim at the beginning, where the data is.
  const uint64_t reach = choice.chance(3, 4) ? std::min<uint64_t>(file.size, 64 << 10) : file.size;
  disk.corrupt(file.name, choice.below(reach), static_cast<uint8_t>(1u << choice.below(8)));
  return true;
}

}  // namespace conclave::sim
