// Everything that a replica is told from outside, in one struct, whichever file it came from. Plain values with their
// unit in the name; docs/configuration.md lists them all. Filled by load_zoo_cfg or load_toml, checked by validate().
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "app/config/problems.h"
#include "base/ids.h"
#include "env/network.h"

namespace conclave::app {

// One replica of the cell, as every replica's configuration names it.
struct MemberSetting {
  int64_t id = 0;                              // 1 to 255 once validated
  std::vector<env::Address> peer_addresses;    // where its peers reach it; several name the same replica
  std::optional<env::Address> client_address;  // where its clients reach it; an empty host means every interface
  bool voter = true;                           // false: observer
  uint16_t election_port = 0;                  // of zoo.cfg; kept for /zookeeper/config only
  bool client_listed = false;                  // client_address was given with the member, not derived
  std::optional<env::Address> chubby_address;  // where clients of the lock service reach it
  SourceLine where;
  SourceLine chubby_where;  // of chubby_address; no file: it was derived
};

struct CellSettings {
  std::string name = "conclave";  // peers of a cell of another name are refused
  bool reconfig = false;
  std::vector<MemberSetting> members;  // sorted by id once validated; empty: a cell of this replica alone
};

struct ReplicaSettings {
  int64_t id = 0;  // 0: the only member of the cell
  std::string data_directory;
  std::string journal_directory;  // empty: the data directory
  bool listen_on_all_addresses = false;
  int64_t patience_ms = 2'000;
  int64_t join_warning_ms = 20'000;
  int64_t forward_retry_ms = 1'000;
  int64_t transactions_in_flight_max = 8'192;
  int64_t transaction_bytes_in_flight_max = 32 << 20;
};

struct ClientsSettings {
  std::string address;  // empty: every interface
  int64_t port = 2181;
  int64_t connections_per_address_max = 60;
  int64_t connections_max = 10'000;
  int64_t frame_bytes_max = 1'048'575;
  int64_t outstanding_max = 1'000;
  int64_t outstanding_bytes_max = 8 << 20;
  int64_t connect_timeout_ms = 5'000;
  int64_t partial_frame_timeout_ms = 10'000;
  int64_t watches_per_connection_max = 100'000;
  int64_t unsent_bytes_max = 8 << 20;
  std::vector<std::string> four_letter_words = {"srvr", "mntr", "ruok", "isro"};
  std::string super_digest;
  bool read_only_mode = false;
};

struct ChubbySettings {
  bool enabled = true;
  std::string address;  // empty: the host of this replica's member entry, or every interface
  int64_t port = 0;     // 0: as the members name their addresses, if they do
  int64_t lease_ms = 12'000;
  int64_t lease_max_ms = 60'000;
  int64_t lease_sessions = 5'000;
  int64_t offer_ms = 5'000;
  int64_t unopened_grace_ms = 60'000;
  int64_t hello_timeout_ms = 5'000;
  int64_t connections_max = 100'000;
  int64_t calls_per_session_max = 256;
  int64_t handles_per_session_max = 100'000;
  int64_t cached_per_session_max = 100'000;
  int64_t notices_per_session_max = 10'000;
  int64_t unsent_bytes_max = 128 << 20;
};

struct SessionsSettings {
  int64_t tick_ms = 2'000;
  int64_t timeout_min_ms = 0;  // 0: two ticks
  int64_t timeout_max_ms = 0;  // 0: twenty ticks
  bool local = false;
  bool local_upgrade = false;
  int64_t touch_interval_ms = 100;
};

struct TreeSettings {
  bool enforce_quota = false;
  bool extended_types = true;
  bool skip_acl = false;
  int64_t container_check_interval_ms = 60'000;
  int64_t reaped_per_check_max = 10'000;
  int64_t multi_ops_max = 1'000;
  int64_t path_bytes_max = 4'096;
  int64_t path_depth_max = 256;
};

struct StorageSettings {
  int64_t snapshot_every = 100'000;
  int64_t snapshot_bytes = 64 << 20;
  int64_t snapshots_kept = 3;
  int64_t entries_kept_in_memory = 10'000;
  int64_t segment_bytes = 64 << 20;
  int64_t slow_sync_ms = 1'000;
};

struct ConsensusSettings {
  std::string engine = "paxos";
  std::string learning = "distinguished";
  int64_t distinguished_learners = 2;
  bool leases = true;
  int64_t clock_drift_ppm = 1'000;
  int64_t tick_ms = 10;
  int64_t heartbeat_ms = 30;
  int64_t election_timeout_min_ms = 200;
  int64_t election_timeout_max_ms = 400;
  int64_t slots_in_flight_max = 16'384;
  int64_t bytes_in_flight_max = 64 << 20;
  int64_t message_bytes_max = 4 << 20;
};

struct LogSettings {
  std::string level = "info";
  std::string file;  // empty: standard error
};

struct Configuration {
  CellSettings cell;
  ReplicaSettings replica;
  ClientsSettings clients;
  ChubbySettings chubby;
  SessionsSettings sessions;
  TreeSettings tree;
  StorageSettings storage;
  ConsensusSettings consensus;
  LogSettings log;

  // The member that this replica is. REQUIRES: validated.
  const MemberSetting& self() const;
  // Where the lock service listens here; nothing: it does not. REQUIRES: validated.
  std::optional<env::Address> chubby_listen() const;
  // Derived from the cell's name alone, since addresses change over a cell's life.
  CellId cell_id() const;
};

}  // namespace conclave::app
