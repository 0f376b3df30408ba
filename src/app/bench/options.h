// What one run of the load generator does, and the command line that says so. Pure, but for the question whether
// standard error is a terminal.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace conclave::app::bench {

enum class Workload { write, create, read, mixed, idle, watch, fill, failover };
std::string_view to_string(Workload workload);

struct Server {
  std::string host;
  uint16_t port = 0;
};

// What the fail-over workload does to a server.
struct Blow {
  double at_s = 0;  // into the measured window
  int signal = 0;
  int victim = 0;  // a process of this machine
};

struct Options {
  std::vector<Server> servers;   // connections are spread over them in turn …
  std::optional<size_t> pinned;  // … or all go to this one
  Workload workload = Workload::write;
  uint32_t mix_reads = 2;    // mixed: so many reads …
  uint32_t mix_writes = 1;   // … to so many writes
  uint32_t connections = 0;  // of the command line; without it what default_connections() says
  uint32_t outstanding = 0;  // requests in flight on each connection; likewise
  double rate = 0;           // operations per second over all connections; 0: as fast as they are answered
  uint32_t size_bytes = 1024;
  uint32_t keys = 1000;
  uint32_t nodes = 100'000;  // fill
  uint32_t rounds = 20;      // watch
  double seconds = 5;
  double warmup_seconds = 1;
  uint64_t operations = 0;  // stop after so many instead of after `seconds`; 0: by time
  uint32_t session_timeout_ms = 30'000;
  uint32_t request_timeout_ms = 500;  // failover: unanswered for so long, the client goes to another server
  std::optional<Blow> blow;
  std::string base = "/bench";
  uint64_t seed = 1;
  std::vector<int> watch_pids;  // processes whose CPU time and memory are reported
  std::string svg_file;
  uint32_t interval_ms = 100;  // of the plot
  bool progress = false;
  bool json = false;
  bool help = false;

  bool shows_progress() const;
};

std::string usage();

// Errors name the option and what it must be.
Result<Options> parse_options(std::span<const std::string> args);

}  // namespace conclave::app::bench
