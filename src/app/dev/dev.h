// `conclave dev`: a whole cell on this machine, for a newcomer. Starts the replicas, tells how to connect and who is
// master, shows what they complain of, and stops them all. Restarts nothing: a replica that dies is reported.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace conclave::app {

struct DevOptions {
  int replicas = 3;
  std::string data;                   // empty: a temporary directory, removed at the end
  std::optional<uint16_t> base_port;  // empty: the first of a few usual ones that is free
  std::string engine = "paxos";
  bool verbose = false;  // show every line of the replicas' logs
};

// Exit codes: 0 stopped by Ctrl-C or SIGTERM, 1 cannot start or every replica has died.
int run_dev(const DevOptions& options);

}  // namespace conclave::app
