// What the checkers had to look at: a run that checked nothing shows it.
#pragma once

#include <cstdint>

namespace conclave::sim::check {

struct Figures {
  uint64_t operations = 0;              // in the history
  uint64_t transactions = 0;            // in the log
  uint64_t operations_linear = 0;       // answers compared with the model, and transactions with what was asked
  uint64_t operations_order_blind = 0;  // took part in a search for an order
  uint64_t searches = 0;                // nodes searched
  uint64_t searches_exhausted = 0;      // gave up at their limit: the outcome is unknown
  uint64_t watches = 0;                 // registrations
  uint64_t watch_events = 0;
  uint64_t expiries = 0;  // sessions that the cell closed

  Figures& operator+=(const Figures& other) {
    operations += other.operations;
    transactions += other.transactions;
    operations_linear += other.operations_linear;
    operations_order_blind += other.operations_order_blind;
    searches += other.searches;
    searches_exhausted += other.searches_exhausted;
    watches += other.watches;
    watch_events += other.watch_events;
    expiries += other.expiries;
    return *this;
  }
  friend bool operator==(const Figures&, const Figures&) = default;
};

}  // namespace conclave::sim::check
