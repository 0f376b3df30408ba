#include "sim/cluster/phase.h"

#include <array>

#include "replica/replica.h"
#include "sim/cluster/cell.h"

namespace conclave::sim {

std::string_view name_of(Phase phase) {
  constexpr std::array<std::string_view, kPhases> kNames = {"no quorum",   "no candidate", "election", "synchronising",
                                                            "catching up", "idle",         "writing"};
  return kNames.at(static_cast<size_t>(phase));
}

Phase phase_of(Cell& cell) {
  constexpr uint64_t kFarBehind = 50;  // entries
  consensus::ReplicaSet up;
  bool candidate = false;
  bool synchronising = false;
  for (const ReplicaId id : cell.replicas()) {
    if (!cell.up(id)) continue;
    up.set(id.value);
    const consensus::Role role = cell.at(id).role().role;
    candidate = candidate || role == consensus::Role::candidate;
    synchronising = synchronising || role == consensus::Role::synchronising;
  }
  if (!consensus::Quorum(cell.membership()).reached(up)) return Phase::no_quorum;
  if (const auto master = cell.master()) {
    const replica::Status leading = cell.at(*master).status();
    for (const ReplicaId id : cell.replicas()) {
      if (cell.up(id) && cell.at(id).status().applied + kFarBehind < leading.committed) return Phase::catching_up;
    }
    return leading.last > leading.committed ? Phase::writing : Phase::idle;
  }
  if (synchronising) return Phase::synchronising;
  return candidate ? Phase::election : Phase::no_candidate;
}

}  // namespace conclave::sim
