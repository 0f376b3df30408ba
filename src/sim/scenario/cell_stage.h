// Whole replicas with their front ends, disks and clients in a virtual world: what ships, as sim/cluster runs it.
//
//   cell [first=N|none] [engine=paxos|raft] [SETTING=VALUE ...]   settings as in a plan (sim/cluster/plan.h). All
//                                 replicas start; `first` (1) has the first election timeout and serves when the
//                                 command is over. The engine is that of the run (Variant), if none is named
//   client NAME [replicas=1,2] [timeout=10s] [read-only=on] [later]
//                                 a session at these replicas (all); waits until it is connected, unless "later". With
//                                 read-only it is content with a replica that serves reads alone (read-only-percent)
//   NAME REQUEST                  session.h; waits for the answer
//   ask NAME REQUEST              does not wait
//   run TIME
//   until serving | agreed | answered | master [not] N | ended N | NAME connected|disconnected|expired   [within=20s]
//   status, tree, sessions        cell_view.h
//   check                         all checkers over all that clients saw. Every scenario of a cell ends with it
//
// and what is done to machines: machines.h. What happens meanwhile is told as it happens. Clients whose number is a
// setting of the plan work at random as in `conclave sim`, until
//
//   load ends                     and what they had under way is answered
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "consensus/factory/factory.h"
#include "sim/scenario/cell_view.h"
#include "sim/scenario/hosts.h"
#include "sim/scenario/machines.h"
#include "sim/scenario/session.h"
#include "sim/scenario/stage.h"

namespace conclave::sim::scenario {

class CellStage final : public Stage {
 public:
  static Result<std::unique_ptr<CellStage>> make(Command& command, int64_t more_seed, consensus::EngineKind engine,
                                                 Output& out);
  ~CellStage() override;

  Result<> perform(Command& command, Output& out) override;
  Result<> end() override;

 private:
  explicit CellStage(const Plan& plan);

  Result<> dispatch(Command& command);
  Result<> start(const std::string& first);
  Result<> open_client(Command& command);
  Result<> ask(const std::string& name, Command& command, bool waits);
  Result<> end_load();
  Result<> until(Command& command);
  Result<std::function<bool()>> condition(Command& command);
  Result<std::function<bool()>> session_condition(const std::string& name, Command& command);
  void check();
  void tell_findings();
  bool serving();
  bool agreed();
  // False and a line that says so: not in time.
  bool wait(const std::function<bool()>& reached, Duration limit, const std::string& what);
  Session& session(uint32_t number) { return cell_->world().client(number).process<Session>(); }
  bool running(uint32_t number) { return cell_->world().client(number).running(); }

  Plan plan_;
  Findings findings_;
  size_t findings_told_ = 0;
  Output told_;
  uint64_t data_given_ = 0;
  bool checked_ = false;
  std::unique_ptr<Cell> cell_;
  Hosts hosts_;
  Machines machines_;
  std::map<std::string, uint32_t> clients_;  // numbers of their hosts, by name
  std::map<SessionId, std::string> names_;
};

}  // namespace conclave::sim::scenario
