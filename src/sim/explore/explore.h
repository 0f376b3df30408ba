// Every order of events of a small cell, within bounds: breadth first over the states of 2 to 5 replicas that run the
// engine that ships, a network that delivers in any order, and disks. README.md says what a run claims. Pure.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "consensus/factory/factory.h"
#include "sim/explore/replica.h"
#include "sim/explore/world.h"

namespace conclave::sim::explore {

inline constexpr uint8_t kResendsMax = 8;  // all together stay below the shortest long timeout of an engine

// Where an exploration begins.
enum class ExploreStart : uint8_t {
  cold,  // nobody has ever led
  led,   // `first_candidate` (1 if any) was elected without trouble and everybody has heard; bounds count from there
};

struct ExploreOptions {
  uint8_t replicas = 3;  // 2 to kReplicasMax
  Counts bounds{.timeouts = 1, .proposals = 1};
  uint32_t depth = UINT32_MAX;   // actions in a row
  uint32_t states = UINT32_MAX;  // stop when so many are known
  ExploreStart start = ExploreStart::cold;
  ReplicaId first_candidate;  // only runs in which this replica has the first timeout; 0: any
  bool leases = false;        // reads under the master lease; all clocks then show the same time
  // Two restrictions that reach further with as many states; README.md says what each leaves out.
  bool instant_writes = false;  // every persist is durable at once
  bool lose_idle = false;       // a message that would change nothing at its receiver now is lost
  consensus::EngineKind engine = consensus::EngineKind::paxos;
  EngineMaker make;    // makes it, bent: for tests of the explorer itself
  bool audit = false;  // check the folds (replica_table.h)
};

struct ExploreFigures {
  uint64_t states = 0;       // distinct states of the cell
  uint64_t transitions = 0;  // actions taken, those included that led to a known state
  uint32_t depth = 0;        // of the newest state
  uint64_t queue = 0;        // states not yet expanded
  uint64_t queue_peak = 0;
  uint64_t replica_states = 0;  // distinct states of single replicas
  uint64_t engine_steps = 0;    // steps of engines taken; the other ones were known
  uint64_t messages = 0;        // distinct messages
  uint64_t bytes = 0;           // of the tables that grow with `states`
  uint64_t audited = 0;         // steps taken twice, by engines that fold alike
  // What was reached at all: a run that elects nobody proves nothing.
  uint32_t rounds_led = 0;     // most rounds led in one state
  uint64_t given = 0;          // longest log given out as committed
  uint64_t reads_granted = 0;  // over all transitions
};

enum class ExploreEnd : uint8_t {
  complete,   // every state within the bounds was seen
  depth,      // every state up to `depth` actions was seen
  states,     // cut: `states` were seen
  stopped,    // cut: the progress callback said so
  violation,  // an invariant is broken: `violation` and `trace`
};

struct ExploreResult {
  ExploreEnd end = ExploreEnd::complete;
  ExploreFigures figures;
  std::string violation;
  std::vector<std::string> trace;  // the shortest way there, one action a line, then what it sent
};

// Called now and then; false: stop.
using ExploreProgress = std::function<bool(const ExploreFigures&)>;

// What is wrong with the options, or "".
std::string check(const ExploreOptions& options);
// REQUIRES: check(options) finds nothing wrong.
ExploreResult explore(const ExploreOptions& options, const ExploreProgress& progress = {});

}  // namespace conclave::sim::explore
