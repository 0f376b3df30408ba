// Settings of one replica, after parsing and checking (app/config).
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "consensus/api/engine.h"
#include "consensus/factory/factory.h"
#include "env/network.h"
#include "replica/engine_observer.h"
#include "replica/members.h"
#include "state/service/evaluator.h"

namespace conclave::replica {

struct Options {
  CellId cell;
  consensus::EngineKind engine = consensus::EngineKind::paxos;
  // `members`: who is to found the cell, if it is to be a new one. `disk` is not looked at: the journal has it.
  consensus::Config consensus;
  // Of the cell, if this replica is told that it is one of them; only the simulator tells.
  std::vector<consensus::Member> founders;
  // Where clients reach the lock service of this replica.
  std::optional<state::HostPort> lock_service;
  // As configured, of those of whom the cell's own members say nothing.
  MemberAddresses addresses;

  state::EvaluatorSettings evaluator;
  // The text of /zookeeper/config, written by the master when it differs; null: the node is left alone.
  std::function<std::string(const CellMembers&)> member_config;

  // A snapshot is taken after this many log entries or bytes, whichever comes first.
  uint64_t snapshot_entries = 100'000;
  uint64_t snapshot_bytes = 64 << 20;
  size_t snapshots_kept = 3;
  size_t snapshot_slice_bytes = 256 << 10;   // about what is written in one turn of the loop
  uint64_t entries_kept_in_memory = 10'000;  // behind a snapshot, for peers that lag a little
  uint64_t journal_segment_bytes = 64 << 20;
  // Committed positions that are on the disk neither in a snapshot nor in the journal: up to so many are repaired from
  // the other replicas; more mean that files were taken away, and the replica refuses to start.
  size_t missing_positions_max = 10'000;

  size_t transactions_in_flight_max = 8192;  // evaluated and not yet applied
  size_t transaction_bytes_in_flight_max = 32 << 20;

  Duration container_check_interval = Duration::seconds(60);
  size_t reaped_per_check_max = 10'000;
  Duration touch_interval = Duration::millis(100);  // how often sessions' signs of life go to the master
  Duration forward_retry = Duration::millis(1000);  // forwarded and unanswered for this long: sent again
  Duration serving_grace = Duration::seconds(2);    // without a master for this long: clients are told
  Duration slow_sync = Duration::millis(1000);
  // Newcomers without progress for this long: the change of members is given up.
  Duration newcomer_patience = Duration::seconds(60);

  EngineObserver* engine_observer = nullptr;  // null: nobody looks; outlives the replica
};

}  // namespace conclave::replica
