// One replica as a process: world, replica and front end put together, signals, and an orderly end.
#pragma once

#include <memory>

#include "app/config/configuration.h"
#include "app/log/log_sink.h"

namespace conclave::app {

// What `conclave server` exits with; docs/tools.md.
enum class ServerExit : int {
  stopped = 0,         // by a signal
  cannot_start = 1,    // a port, the data directory, or what is in it
  configuration = 2,   // refused
  storage_failed = 3,  // a write or sync failed: fail-stop
};

// Runs until SIGINT or SIGTERM (a second one ends at once), or until the disk fails. SIGHUP reopens the log.
ServerExit run_server(const Configuration& configuration, std::shared_ptr<LogFile> log);

}  // namespace conclave::app
