// Settings of the ZooKeeper front end; the application fills them from its configuration. Defaults are ZooKeeper's
// where it has one.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.h"
#include "env/network.h"
#include "frontend/zookeeper/watch_manager.h"

namespace conclave::frontend::zookeeper {

struct Limits {
  size_t frame_bytes_max = 1'048'575;       // jute.maxbuffer
  size_t first_frame_bytes_max = 64 << 10;  // before the session is established
  size_t connections_per_address_max = 60;  // maxClientCnxns; 0: no limit
  size_t connections_max = 10'000;          // maxCnxns; 0: no limit
  size_t outstanding_requests_max = 1'000;  // per connection; reading pauses there
  size_t outstanding_bytes_max = 8 << 20;   // per connection, of queued requests; reading pauses there
  size_t unsent_bytes_pause = 1 << 20;      // reading pauses while more than this waits for a slow reader ...
  size_t unsent_bytes_max = 8 << 20;        // ... and above this the connection is closed
  size_t multi_ops_max = 1'000;
  size_t identities_max = 64;                              // auth packets kept per connection
  Duration connect_timeout = Duration::seconds(5);         // until the connect request is complete
  Duration partial_frame_timeout = Duration::seconds(10);  // until a frame that has begun is complete
  WatchLimits watches;
};

// What only the process knows; for mntr and dirs.
struct ProcessFigures {
  int64_t file_descriptors_open = 0;
  int64_t file_descriptors_max = 0;
  uint64_t snapshot_bytes = 0;  // datadir_size
  uint64_t journal_bytes = 0;   // logdir_size
};

struct Settings {
  std::vector<env::Address> listen;
  Limits limits;

  int64_t tick_time_ms = 2'000;
  int64_t session_timeout_min_ms = 4'000;
  int64_t session_timeout_max_ms = 40'000;
  bool local_sessions_enabled = false;            // localSessionsEnabled
  bool local_sessions_upgrading_enabled = false;  // localSessionsUpgradingEnabled
  bool read_only_mode_enabled = false;            // readonlymode.enabled
  bool skip_acl = false;                          // skipACL: the watchers' check; the state has its own setting
  bool reconfig_enabled = false;                  // reconfigEnabled
  std::string super_digest;                       // "super:" + base64 of SHA-1; empty: nobody is super

  // 4lw.commands.whitelist. `*` stands for all; srvr is always in it, isro too if read-only mode is enabled.
  std::vector<std::string> four_letter_words = {"srvr"};

  // What srvr and mntr call us, and lines that `conf` and `envi` add to what this module knows itself ("key=value").
  std::string version = "3.8.0-conclave";
  std::vector<std::string> conf_lines;
  std::vector<std::string> environment_lines;
  std::function<ProcessFigures()> process_figures;  // empty: zeroes
  // What mntr tells of the other front ends of this process, as conclave_NAME; empty: nothing.
  std::function<std::vector<std::pair<std::string_view, uint64_t>>()> other_figures;
};

}  // namespace conclave::frontend::zookeeper
