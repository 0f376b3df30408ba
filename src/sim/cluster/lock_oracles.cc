#include "sim/cluster/lock_oracles.h"

#include <fmt/format.h>

namespace conclave::sim {

void LockOracles::believes(uint32_t client, const std::string& path, bool exclusive) {
  ++figures.grants;
  auto& holders = beliefs_[path];
  for (const auto& [other, theirs] : holders) {
    if (other == client || (!theirs && !exclusive)) continue;
    findings_.add("locks", fmt::format("clients {} and {} believe in the lock of {} at once", other, client, path));
  }
  holders[client] = exclusive;
}

void LockOracles::doubts(uint32_t client, const std::string& path) {
  beliefs_[path].erase(client);
}

void LockOracles::doubts_all(uint32_t client) {
  for (auto& [path, holders] : beliefs_) holders.erase(client);
}

bool LockOracles::believes_in(uint32_t client, const std::string& path) const {
  const auto known = beliefs_.find(path);
  return known != beliefs_.end() && known->second.contains(client);
}

LockOracles::Values LockOracles::read(const std::string& lock, const std::string& sequencer) {
  Resource& resource = resources_[lock];
  return {.guarded = resource.guarded,
          .unguarded = resource.unguarded,
          .refused = !resource.verifier.accept(sequencer, lock)};
}

void LockOracles::write(const std::string& lock, const std::string& sequencer, const Values& read) {
  Resource& resource = resources_[lock];
  if (resource.unguarded != read.unguarded) ++figures.unguarded_lost;
  resource.unguarded = read.unguarded + 1;
  if (read.refused || !resource.verifier.accept(sequencer, lock)) {
    ++figures.guarded_refused;
    return;
  }
  if (resource.guarded != read.guarded) {
    findings_.add("locks", fmt::format("the resource of {} accepted a write that undoes another one: {} became {}",
                                       lock, resource.guarded, read.guarded + 1));
  }
  resource.guarded = read.guarded + 1;
  ++figures.guarded_writes;
}

}  // namespace conclave::sim
