// What one run of the load generator does, and the command line that says so. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace conclave::app::bench {

enum class Workload { write, create, read, mixed };
std::string_view to_string(Workload workload);

struct Server {
  std::string host;
  uint16_t port = 0;
};

struct Options {
  std::vector<Server> servers;  // connections are spread over them in turn
  Workload workload = Workload::write;
  uint32_t mix_reads = 2;   // mixed: so many reads …
  uint32_t mix_writes = 1;  // … to so many writes
  uint32_t connections = 64;
  uint32_t outstanding = 16;  // requests in flight on each connection
  uint32_t size_bytes = 1024;
  uint32_t keys = 1000;
  double seconds = 5;
  double warmup_seconds = 1;
  uint64_t operations = 0;  // stop after so many instead of after `seconds`; 0: by time
  std::string base = "/bench";
  uint64_t seed = 1;
  std::vector<int> watch_pids;  // processes whose CPU time is reported per operation
  bool json = false;
  bool help = false;
};

std::string usage();

// Errors name the option and what it must be.
Result<Options> parse_options(std::span<const std::string> args);

}  // namespace conclave::app::bench
