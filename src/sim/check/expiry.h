// Sessions expire neither early nor late, in true time.
//
//   X1  Not early: when the cell decided to close a session that its client had not asked to close, the last sign of
//       life that a replica had answered was older than the timeout (B47, B48). When it decided is not in a history:
//       after everything that stands before the close in the log was asked for, and before the close was first applied.
//       There must be a moment in between at which it was right.
//   X2  Not late: while all is healthy, a session without a sign of life is closed within its timeout and a bound, from
//       the beginning of the latest epoch on: a new master gives every session its whole timeout (B48).
//
// That a close removes exactly the session's ephemeral nodes (B46) is in check_model; that no ephemeral node goes
// without being asked is in check_linear.
#pragma once

#include "base/time.h"
#include "sim/check/figures.h"
#include "sim/check/history.h"

namespace conclave::sim::check {

struct ExpiryOptions {
  int64_t drift_ppm = 0;  // by which clocks of replicas run fast or slow at most
  // A replica that has lost its master answers its clients for its serving grace (2 s), and nobody learns of it. The
  // last sign that the master has heard is older than the first of those by up to what a client is silent: it pings
  // after a third (1 / silence_share) of its timeout. 0: clients are never silent.
  Duration early_slack = Duration::millis(2200);
  int64_t silence_share = 3;
  // Signs of life are told in batches, a new master begins all leases anew, a close needs a commit.
  Duration late_bound = Duration::seconds(5);
};

Violations check_expiry(const History& history, const ExpiryOptions& options = {}, Figures* figures = nullptr);

}  // namespace conclave::sim::check
