// Bare consensus engines whose messages, disks and clocks the script moves by hand: the explored cell of sim/explore,
// one action at a time, with its invariants checked after each. Replicas are numbered from 1.
//
//   engine [paxos|raft] replicas=3 leases=off
//   timeout N           all clocks move past every deadline; N looks at its own
//   resend N            all clocks move past the times of sending again; N looks at its own
//   tick N              N looks at its clock
//   deliver A->B [TYPE] what is in flight from A to B, oldest first; * for any replica, only messages of this type
//   duplicate, drop     the same messages: a copy arrives and the message stays in flight; they are lost
//   written N [COUNT]   the oldest writes of N are durable: all, or so many
//   crash N [kept=K]    of the writes under way the first K have become durable (0)
//   restart N
//   propose N, read N   the next value v1, v2 ...; a barrier that must see all that was given out so far
//   transfer A->B       the lead
//   settle              delivers and writes until nothing is left
//   state               of every replica
//   network             what is in flight
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "sim/explore/cell.h"
#include "sim/scenario/stage.h"

namespace conclave::sim::scenario {

class EngineStage final : public Stage {
 public:
  static Result<std::unique_ptr<EngineStage>> make(Command& command, Output& out);

  Result<> perform(Command& command, Output& out) override;
  Result<> end() override { return {}; }

 private:
  explicit EngineStage(const explore::ExploreOptions& options) : cell_(options), size_(options.replicas) {
    world_ = cell_.start();
  }

  Result<> move_messages(explore::ActionKind kind, Command& command, Output& out);
  Result<> at_replica(explore::ActionKind kind, Command& command, Output& out);
  Result<> written(Command& command, Output& out);
  void settle(Output& out);
  void state(Output& out) const;
  void network(Output& out) const;
  void act(explore::Action action, Output& out);
  // What changed at the replica that acted.
  void tell_changes(uint8_t place, const explore::ReplicaState& before, Output& out) const;
  Result<uint8_t> place(const std::string& word) const;
  const explore::ReplicaState& at(uint8_t place) const { return cell_.replicas()[world_.replicas[place]]; }

  explore::Cell cell_;
  uint8_t size_;
  explore::World world_;
};

}  // namespace conclave::sim::scenario
