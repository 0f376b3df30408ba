// Every checker over one history.
#pragma once

#include "sim/check/expiry.h"
#include "sim/check/figures.h"
#include "sim/check/history.h"
#include "sim/check/linearizable.h"

namespace conclave::sim::check {

struct CheckOptions {
  LinearizableOptions linearizable;
  ExpiryOptions expiry;
};

struct Report {
  Violations violations;
  Figures figures;
};

Report check_all(const History& history, const CheckOptions& options = {});

}  // namespace conclave::sim::check
