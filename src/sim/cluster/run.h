// One run of a plan, start to verdict.
//
//   safety    the cell and its clients run under the schedule of faults; every check that looks at single steps is on
//   core      faults end; a random majority of the replicas that can serve is connected and started, the others are
//             held down: every client must be answered a write or a sync within `settle_bound` (liveness)
//   whole     everything is started and connected: all replicas must agree, and serve, within twice that bound
//   rest      the clients close their sessions, those that died without time out: nothing may be left on any replica
//   verdict   the history of everything that clients saw is judged by the checkers of sim/check
//
// A run is a function of its plan: equal plans give equal results, trace hash included, on every machine.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <string_view>

#include "base/result.h"
#include "sim/check/history.h"
#include "sim/check/resources.h"
#include "sim/cluster/fault_points.h"
#include "sim/cluster/lock_oracles.h"
#include "sim/cluster/nemesis.h"
#include "sim/cluster/plan.h"

namespace conclave::sim {

struct RunFigures {
  Duration simulated{0};
  uint64_t events = 0;  // of the virtual world
  uint64_t engine_steps = 0;
  uint64_t digests_compared = 0;
  uint64_t operations = 0;  // asked for by clients
  uint64_t answered = 0;
  uint64_t linear_checked = 0;       // operations judged by the linear-time checker
  uint64_t order_blind_checked = 0;  // by the order-blind one
  uint64_t order_blind_given_up = 0;
  uint64_t watch_events = 0;
  uint64_t transactions = 0;
  uint64_t skipped_by_primary_order = 0;
  uint64_t recoveries = 0;  // starts of a replica from its disk, the first ones included
  uint64_t masters = 0;
  uint64_t memberships = 0;  // committed after the founding one
  uint64_t faults_left_out = 0;
  LockFigures locks;
  Nemesis::StepCounts killed_at_steps{};
  check::Holdings most{};  // that any replica held, at any moment looked at
  Nemesis::Counts struck{};
  FaultPoints::Counts points;
};

// The numbers of RunFigures that add up over runs.
inline constexpr std::array kRunNumbers = {&RunFigures::events,
                                           &RunFigures::engine_steps,
                                           &RunFigures::digests_compared,
                                           &RunFigures::operations,
                                           &RunFigures::answered,
                                           &RunFigures::linear_checked,
                                           &RunFigures::order_blind_checked,
                                           &RunFigures::order_blind_given_up,
                                           &RunFigures::watch_events,
                                           &RunFigures::transactions,
                                           &RunFigures::skipped_by_primary_order,
                                           &RunFigures::recoveries,
                                           &RunFigures::masters,
                                           &RunFigures::memberships,
                                           &RunFigures::faults_left_out};

inline constexpr std::array kLockNumbers = {
    &LockFigures::grants,           &LockFigures::files_judged,   &LockFigures::cached_reads,
    &LockFigures::fail_overs_seen,  &LockFigures::jeopardies,     &LockFigures::expired,
    &LockFigures::calls_sent_again, &LockFigures::guarded_writes, &LockFigures::guarded_refused,
    &LockFigures::unguarded_lost,   &LockFigures::datagram_leases};

enum class Verdict : uint8_t {
  passed,
  unsafe,       // a checker found something
  no_liveness,  // no progress, or no agreement, in time after the faults
};

struct RunResult {
  Verdict verdict = Verdict::passed;
  check::Violations violations;
  uint64_t trace_hash = 0;
  RunFigures figures;
};

// By what name the checkers sign what they find.
inline constexpr std::array kCheckers = {"engine", "log",          "state",    "atlas",   "model",   "durable",
                                         "linear", "linearizable", "sessions", "expiry",  "watches", "resources",
                                         "files",  "locks",        "calls",    "liveness"};

struct RunOptions {
  // Called with every event of the trace; for printing a run.
  Trace::Listener listener;
  // Of kCheckers: what these find is not heard.
  std::set<std::string> without;
  // Gets the history before it is judged; for tests, and for printing one.
  std::function<void(const check::History&)> on_history;
};

RunResult run(const Plan& plan, RunOptions options = {});

}  // namespace conclave::sim
