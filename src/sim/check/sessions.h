// What one session may see, and in which order (ZooKeeper's promises to a single client).
//
//   S1  Completions come in the order of invocations, pipelined ones too (B50).
//   S2  The zxid of replies never goes back, across connections neither.
//   S3  Writes take effect in the order of invocation; a read shows all of its client's earlier writes and none of its
//       later ones (B50).
//   S4  Nothing completes with ok after the session's end, but the close itself.
//   S5  Only the cell ends a session: nobody is told "expired" of one that was open.
//   S6  In read-only mode only reads go well. They may be old, by S2 never older than what the client has seen.
#pragma once

#include "sim/check/history.h"

namespace conclave::sim::check {

Violations check_sessions(const History& history);

}  // namespace conclave::sim::check
