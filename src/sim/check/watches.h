// One-shot watches: order and completeness (ZK-07, B49). A watch is set by a read that succeeded, or by an exists that
// found no node. R is the zxid of that read, W the first change behind R that concerns the watch:
//
//   get, exists of a node that is there    change of data, deletion
//   exists of a node that is not there     creation
//   children                               change of the list of children, deletion
//
//   W1  The event comes before its client is told anything at W or later.
//   W2  It is the event of W: the right kind, the right path, not before W was applied anywhere, and what the client is
//       told after it, on the same connection, is at W or later.
//   W3  At most one event for a watch, none for a watch that was never set.
//   W4  On one connection events come in the order of their transactions.
//
// After a loss of connection the client library sets its watches again, relative to the last zxid it saw, and the new
// replica fires by the net difference of the states. So of a watch that a new connection was made over,
//
//   - the event may be that of any state from W on: deleted if the node is gone by then, else data changed or children
//     changed. It must still come;
//   - a creation may go unseen if the node is gone again by then. The watch is then set anew at that state.
#pragma once

#include "sim/check/figures.h"
#include "sim/check/history.h"

namespace conclave::sim::check {

Violations check_watches(const History& history, Figures* figures = nullptr);

}  // namespace conclave::sim::check
