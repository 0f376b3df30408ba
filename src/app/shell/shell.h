// `conclave shell`: one command of the command line, or many of a terminal or a pipe.
#pragma once

#include <string>
#include <vector>

#include "base/time.h"
#include "env/network.h"

namespace conclave::app {

struct ShellOptions {
  std::vector<env::Address> servers;
  std::vector<std::string> command;  // empty: interactive, or from a pipe
  Duration session_timeout = Duration::seconds(10);
  Duration connect_patience = Duration::seconds(10);  // until the first connection
  bool read_only = false;
  std::vector<std::string> auth;  // "scheme:credentials", shown before anything else
};

// Exit codes: 0 done, 1 a command failed, 2 a command was malformed, 3 no server could be reached.
int run_shell(const ShellOptions& options);

}  // namespace conclave::app
