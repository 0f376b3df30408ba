#include "sim/cluster/state_checks.h"

#include <fmt/format.h>

#include "sim/cluster/state_seat.h"
#include "state/service/service.h"

namespace conclave::sim {

std::unique_ptr<StateChecks::Seat> StateChecks::watch(ReplicaId replica) {
  return std::make_unique<Seat>(*this, replica);
}

void StateChecks::check(ReplicaId replica, const state::Service& state, const char* when) {
  const Zxid zxid = state.last_zxid();
  if (zxid == Zxid()) return;  // a fresh cell
  if (log_.index_of(zxid) == Index()) {
    findings_.add("state", fmt::format("replica {} is at zxid {:#x} {}, which never takes effect (S2)", replica.value,
                                       zxid.value, when));
    return;
  }
  const uint64_t digest = state.digest();
  const auto [known, is_new] = digests_.emplace(zxid, digest);
  ++compared_;
  if (!is_new && known->second != digest) {
    findings_.add("state",
                  fmt::format("replica {} differs from the others at zxid {:#x} {}: digest {:#x}, theirs {:#x} "
                              "(S1)",
                              replica.value, zxid.value, when, digest, known->second));
  }
}

}  // namespace conclave::sim
