#include "sim/check/check_all.h"

#include <iterator>

#include "sim/check/durable.h"
#include "sim/check/linear.h"
#include "sim/check/model.h"
#include "sim/check/sessions.h"
#include "sim/check/watches.h"

namespace conclave::sim::check {

Report check_all(const History& history, const CheckOptions& options) {
  Report report;
  report.figures.operations = history.operations.size();
  report.figures.transactions = history.log.size();
  const auto add = [&](Violations found) {
    report.violations.insert(report.violations.end(), std::make_move_iterator(found.begin()),
                             std::make_move_iterator(found.end()));
  };
  add(check_model(history));
  add(check_durable(history));
  add(check_linear(history, &report.figures));
  add(check_linearizable(history, options.linearizable, &report.figures));
  add(check_sessions(history));
  add(check_expiry(history, options.expiry, &report.figures));
  add(check_watches(history, &report.figures));
  return report;
}

}  // namespace conclave::sim::check
