// All clients of the lock service in a run, and what happens to them: some are killed, cut off, or stand still while
// they hold locks. One thread.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "base/random.h"
#include "sim/cluster/lock_oracles.h"
#include "sim/cluster/plan.h"
#include "sim/world/world.h"

namespace conclave::sim {

class LockProgram;
class LockStranger;

class LockCrowd {
 public:
  // `first_client` is the number of the first host that is free for them. `servers`: the replicas' ports for clients of
  // ZooKeeper.
  LockCrowd(World& world, const Plan& plan, std::vector<env::Address> replicas, std::vector<env::Address> servers,
            uint32_t first_client, Findings& findings);

  // Clients of the lock service.
  uint32_t size() const { return static_cast<uint32_t>(plan_.lock_clients); }
  void start_all();
  // Strikes one now and then. Call it often.
  void maybe_strike();
  // What was done to them ends, and nothing more is.
  void end_faults();

  void start_probing();
  void stop_asking();
  void leave();
  bool quiet();
  bool gone();
  // Numbers of those that were answered no write asked for after `from`; empty: none.
  std::string without_progress_since(Instant from);
  std::string describe();
  LockFigures figures();
  const std::set<SessionId>& strangers() const { return oracles_.strangers; }

 private:
  Host& host(uint32_t number) { return world_.client(first_ + number); }
  LockProgram& program(uint32_t number);
  bool has_stranger() const { return size() > 0; }
  Host& stranger_host() { return host(size()); }
  LockStranger& stranger();
  void start(uint32_t number);
  void start_stranger();
  void reconnect(uint32_t number);
  void stall(uint32_t number, Duration lasting);

  World& world_;
  const Plan& plan_;
  const std::vector<env::Address> replicas_;
  const std::vector<env::Address> servers_;
  const uint32_t first_;
  LockOracles oracles_;
  Random random_;
  Instant next_strike_{0};
};

}  // namespace conclave::sim
