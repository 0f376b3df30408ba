// Runs one command of the shell against a session. Pure but for the calls of Access.
#pragma once

#include <string>

#include "app/shell/access.h"
#include "app/shell/command_line.h"

namespace conclave::app {

struct CommandResult {
  std::string output;  // for standard output, newline included
  std::string error;   // one line without newline; empty: it worked
  bool quit = false;
  bool watching = false;  // it left a watch behind whose events the user waits for
  bool ok() const { return error.empty(); }
};

// `raw`: data is printed byte for byte, for pipes; otherwise so that a terminal can show it.
CommandResult run_command(const Command& command, Access& access, bool raw);

}  // namespace conclave::app
