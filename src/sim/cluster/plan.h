// Everything that makes a run what it is, as data: the cell, its settings, its clients and the schedule of faults. A
// run is a function of its plan alone. A plan comes from a seed (draw.h) or from a text, one setting or fault a line:
//
//   seed 4711
//   replicas 5
//   safety 90s
//   at 12s power-cut replica=2 lasting=3s
//
// `to_text` writes every setting that differs from the default; `parse_plan` takes what it writes, and comments (#).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "sim/cluster/fault.h"

namespace conclave::sim {

struct Plan {
  int64_t seed = 1;  // of every random number of the run but those that made the plan

  // The cell.
  int64_t replicas = 3;  // voters, numbered from 1
  int64_t observers = 0;
  int64_t spares = 0;   // replicas that run and are no members at first
  bool founded = true;  // off: the replicas have to meet first, and found their cell (ADR 16)
  int64_t engine = 0;   // consensus::EngineKind
  Duration tick = Duration::millis(10);
  Duration heartbeat = Duration::millis(30);
  Duration election_timeout_min = Duration::millis(200);
  Duration election_timeout_max = Duration::millis(400);
  bool leases = true;
  int64_t clock_drift_ppm = 1000;  // what leases allow for; clock-rate faults stay within it
  int64_t learning = 0;            // consensus::Learning
  int64_t slots_in_flight_max = 16384;
  int64_t message_bytes_max = 4 << 20;
  int64_t transactions_in_flight_max = 8192;
  int64_t epoch_counter_high = 0xFFF0'0000;  // beyond it the master takes its next ballot (B52)
  int64_t snapshot_entries = 100'000;
  int64_t snapshot_slice_bytes = 256 << 10;
  int64_t entries_kept_in_memory = 10'000;
  int64_t snapshots_kept = 3;
  int64_t journal_segment_bytes = 1 << 20;

  // The world.
  Duration latency_min = Duration::micros(50);
  Duration latency_max = Duration::micros(250);
  Duration sync_time_max = Duration::micros(400);
  int64_t survive_percent = 0;  // of unsynced writes, at a power cut

  // The clients.
  int64_t clients = 3;
  Duration session_timeout = Duration::seconds(4);
  Duration pause_between_operations = Duration::millis(200);  // of each client, on average
  int64_t pipelined = 1;                                      // operations of one client under way
  int64_t keys = 4;
  int64_t data_bytes_max = 40;
  // Shares of the operations.
  int64_t share_create = 10, share_remove = 8, share_set = 25, share_get = 25, share_exists = 6, share_children = 8;
  int64_t share_sync_get = 8, share_multi = 5, share_sequential = 5;
  int64_t watch_percent = 30;              // of the reads
  int64_t read_only_percent = 0;           // of the sessions accept read-only mode; 0: the cell does not have it
  int64_t session_end_per_million = 5000;  // a client closes its session and begins another, per operation

  // The clients of the lock service; with none the replicas do not have that front end.
  int64_t lock_clients = 0;
  int64_t lock_keys = 3;
  Duration lock_lease = Duration::seconds(3);
  Duration lock_grace = Duration::seconds(10);
  Duration lock_fault_pace = Duration::seconds(3);  // between two strikes at these clients, on average; 0: none

  // The run.
  Duration safety = Duration::seconds(60);  // with faults
  Duration settle_bound =
      Duration::seconds(20);  // after the faults: progress within this, convergence within twice this

  std::vector<Fault> faults;  // by time

  friend bool operator==(const Plan&, const Plan&) = default;
};

std::string to_text(const Plan& plan);
// Errors name the line and what is wrong with it.
Result<Plan> parse_plan(std::string_view text);
// One line of a plan: a setting or a fault.
Result<> apply_line(Plan& plan, std::string_view line);
// Out of bounds, or impossible together: invalid_argument.
Result<> validate(const Plan& plan);

}  // namespace conclave::sim
