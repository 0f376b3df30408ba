// Acknowledged is durable, and so is everything ever read: whatever a client was told stands in the log that the
// replicas agree on in the end.
//
//   U1  The transaction of every acknowledged write is in the log.
//   U2  So is the transaction up to which any reply, of a read or an error too, claims to have come.
//   U3  So is the opening of every session that a client was granted.
#pragma once

#include "sim/check/history.h"

namespace conclave::sim::check {

Violations check_durable(const History& history);

}  // namespace conclave::sim::check
