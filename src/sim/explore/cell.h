// The rules of the explored cell: which actions a state allows and where each leads. Pure.
//
// Time is one number for the whole cell and moves only as part of an action: by kShort, past the times after which
// something is sent again, or by kLong, past every deadline an engine has. Between two such moves any number of events
// happen at one instant. Which clock values an engine sees is therefore abstract, but the order of events is any order:
// a tick, a message or a write may come before or after all others.
#pragma once

#include <string>
#include <vector>

#include "sim/explore/explore.h"
#include "sim/explore/invariants.h"
#include "sim/explore/replica_table.h"
#include "sim/explore/world.h"

namespace conclave::sim::explore {

enum class ActionKind : uint8_t {
  deliver,    // message `argument`, which leaves the network
  duplicate,  // message `argument`, which stays there
  drop,       // message `argument`
  written,    // the oldest persist under way at `replica` is durable
  crash,      // of `replica`; `argument` of its persists under way have become durable
  restart,    // of `replica`
  tick,       // at `replica`, for a deadline that has passed already
  timeout,    // kLong goes by in the whole cell; a tick at `replica`
  resend,     // kShort goes by in the whole cell; a tick at `replica`
  propose,    // a new value at `replica`, which believes to be master
  read,       // a read barrier at `replica`, which believes to be master
  transfer,   // of the lead from `replica` to replica number `argument`
};

struct Action {
  ActionKind kind = ActionKind::deliver;
  uint8_t replica = 0;  // place in World::replicas
  uint32_t argument = 0;
};

// What an action did at the replica that acted.
struct Happened {
  std::vector<MessageId> sent;
  uint32_t reads_granted = 0;
  bool given = false;
  bool led = false;
};

class Cell {
 public:
  explicit Cell(const ExploreOptions& options);

  // All replicas have started and every election timeout has passed; then what ExploreOptions::start says, up to the
  // first violation.
  World start();
  // What may happen in `world` within the bounds.
  void actions(const World& world, std::vector<Action>* out) const;

  // Turns `world` into its successor and says what happened. False: the replica is as before and sent nothing, so an
  // exploration needs no state of its own for the successor.
  //
  // Why that is sound: the successor would only have a message less in flight, or more of a bound used up, and a state
  // can do all that the same state with less can do. (Time that would have passed with the action passes as well with
  // any other timeout or resend that does something.)
  bool act(Action action, World* world);
  // Of the last act().
  const std::string& violation() const { return violation_; }
  const Happened& happened() const { return happened_; }

  std::string describe(Action action, const World& before) const;
  // The messages that the last act() sent, a line each.
  std::vector<std::string> describe_sent() const;
  std::string describe_message(MessageId id) const;

  const ReplicaTable& replicas() const { return table_; }
  const Messages& messages() const { return messages_; }

 private:
  void timed_actions(const World& world, uint8_t replica, std::vector<Action>* out) const;
  void master_actions(const World& world, uint8_t replica, std::vector<Action>* out) const;
  void elect(World* world);
  bool take_step(World* world, uint8_t replica, ReplicaEvent event);
  void follow(World* world, uint8_t replica, const KnownStep& step);
  void lose_idle(World* world);
  void pass(World* world, Duration time);
  void check(const World& world, uint8_t replica, Changed changed);
  uint32_t given_anywhere(const World& world) const;
  uint8_t place(ReplicaId id) const { return static_cast<uint8_t>(id.value - 1); }

  const ExploreOptions options_;
  Messages messages_;
  ReplicaTable table_;
  Happened happened_;
  std::string violation_;
};

}  // namespace conclave::sim::explore
