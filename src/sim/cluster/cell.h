// A whole cell in a virtual world: its replicas as processes, each watched by the checks of its engine and of its
// state, and the client programs around it. Starts, stops and asks; what goes wrong when is the nemesis's business.
// One thread.
//
// A process that ends by itself (storage failed, refused to start) is gone like a killed one; `exited` tells why, as
// the exit code and the log would tell an operator.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sim/cluster/engine_checks.h"
#include "sim/cluster/findings.h"
#include "sim/cluster/lock_crowd.h"
#include "sim/cluster/log_recorder.h"
#include "sim/cluster/plan.h"
#include "sim/cluster/recorder.h"
#include "sim/cluster/state_checks.h"
#include "sim/world/world.h"

namespace conclave::replica {
class Replica;
struct Options;
}  // namespace conclave::replica
namespace conclave::frontend::zookeeper {
class Server;
}
namespace conclave::frontend::chubby {
class Server;
}

namespace conclave::sim {

class ClientProgram;
class ReplicaProcess;

class Cell {
 public:
  static constexpr uint16_t kClientPort = 2181;
  static constexpr uint16_t kLockPort = 2200;

  // Makes the hosts of replicas and clients; nothing runs yet. `plan` outlives the cell.
  Cell(const Plan& plan, Findings& findings);
  ~Cell();

  World& world() { return world_; }
  const Plan& plan() const { return plan_; }
  Recorder& recorder() { return recorder_; }
  EngineChecks& engine_checks() { return engine_checks_; }
  const StateChecks& state_checks() const { return state_checks_; }
  const LogRecorder& log() const { return log_; }
  LogRecorder& log() { return log_; }
  Findings& findings() { return findings_; }

  // --- replicas
  const std::vector<ReplicaId>& replicas() const { return ids_; }
  // As committed last.
  const consensus::Membership& membership() const { return engine_checks_.membership(); }
  // That it has now: the first one is called like the replica, one after a loss has another name.
  consensus::DiskId disk_of(ReplicaId id) const;
  // May it vote in this membership? Not with another disk than the one that is listed (B38).
  bool has_vote(ReplicaId id, const consensus::Membership& membership) const;
  // The process dies, and the replica has a new disk, empty and in order, from now on.
  void lose_disk(ReplicaId id);
  // The first start and every other. REQUIRES: not running.
  void start(ReplicaId id);
  void start_all();
  bool running(ReplicaId id) { return world_.host(id).running(); }
  // Running, recovered and joined. REQUIRES of at(): so.
  bool up(ReplicaId id);
  replica::Replica& at(ReplicaId id);
  const frontend::zookeeper::Server& front_end(ReplicaId id);
  // Null: it has none.
  const frontend::chubby::Server* lock_service(ReplicaId id);
  // The replica that says it leads under the highest ballot; nullopt: nobody does.
  std::optional<ReplicaId> master();
  // Hands over the lead if it has it, then the process ends (SIGTERM), and `then` runs unless it ended otherwise
  // before. REQUIRES: up.
  void stop_gracefully(ReplicaId id, Task then);
  struct Exit {
    Error error;
    bool at_start = false;  // it refused to start
  };
  // Why the process ended by itself; empty if it did not, or was started again.
  std::optional<Exit> exited(ReplicaId id) const;
  void when_exited(std::function<void(ReplicaId)> hook) { on_exit_ = std::move(hook); }
  // How many times a replica was started and recovered from its disk.
  uint64_t recoveries() const { return recoveries_; }

  // --- clients
  uint32_t clients() const { return static_cast<uint32_t>(plan_.clients); }
  void start_client(uint32_t number);
  LockCrowd& lock_crowd() { return crowd_; }
  ClientProgram& client(uint32_t number);

 private:
  ReplicaProcess& process(ReplicaId id);
  replica::Options options_of(ReplicaId id) const;
  // The members that the replica's configuration lists.
  std::vector<consensus::Member> configured(ReplicaId id) const;
  std::shared_ptr<ReplicaProcess> boot(ReplicaId id, const env::World& env);
  void name_disk(ReplicaId id, const env::World& env);
  void on_exit(ReplicaId id, uint64_t life, const Error& error);

  const Plan& plan_;
  Findings& findings_;
  World world_;
  std::vector<ReplicaId> ids_;
  std::vector<consensus::Member> founders_;
  std::map<ReplicaId, uint64_t> disks_lost_;
  LogRecorder log_;
  EngineChecks engine_checks_;
  StateChecks state_checks_;
  Recorder recorder_;
  LockCrowd crowd_;
  std::vector<std::unique_ptr<StateChecks::Seat>> seats_;  // of all lives: a dead replica may still refer to its own
  std::map<ReplicaId, Exit> exits_;
  std::function<void(ReplicaId)> on_exit_;
  uint64_t recoveries_ = 0;
};

}  // namespace conclave::sim
