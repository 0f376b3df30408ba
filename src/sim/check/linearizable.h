// A second opinion, independent of the first: whether what clients were told about each node can be put in one order at
// all, without a look at any zxid or at the log. A cell that numbers its mistakes consistently is found out here.
//
// Per node, over the writes, their errors and versions, and the reads that must be linearizable: a get or exists whose
// client's operation just before it was a sync that went well; the pair is one read, from the call of the sync to the
// answer. Plain reads may be stale in ZooKeeper's model and are left out. Parts of a multi count for each node they
// touch. Left out as well: nodes that vanish with a session, those that a sequential create may have made, and
// "/zookeeper". Unique data makes the search narrow.
//
// A search that reaches its limit gives no verdict: it is counted (Figures::searches_exhausted), not reported.
#pragma once

#include "sim/check/figures.h"
#include "sim/check/history.h"

namespace conclave::sim::check {

struct LinearizableOptions {
  uint64_t steps_max = 200'000;  // per node
};

Violations check_linearizable(const History& history, const LinearizableOptions& options = {},
                              Figures* figures = nullptr);

}  // namespace conclave::sim::check
