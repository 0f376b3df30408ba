// Asks replicas what they say about themselves. Blocks, on a loop of its own.
#pragma once

#include <vector>

#include "app/status/report.h"
#include "base/result.h"
#include "base/time.h"
#include "env/network.h"

namespace conclave::app {

// The words mntr and srvr, of all at once, each answer within `timeout`; reports in the order of the addresses. Error:
// this process has no loop to run it on.
Result<CellReport> ask_replicas(const std::vector<env::Address>& addresses, Duration timeout);

}  // namespace conclave::app
