// Latency and throughput over time, in intervals of one length. Only the current interval has a histogram; a finished
// one shrinks to a row of four numbers, so an hour costs a megabyte. Pure.
//
// Invariant: rows() are contiguous from the start on; an interval in which nothing was answered has a row of zeros.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "app/bench/histogram.h"

namespace conclave::app::bench {

class TimeSeries {
 public:
  struct Row {
    uint64_t count = 0;
    uint64_t p50_ns = 0;
    uint64_t p99_ns = 0;
    uint64_t max_ns = 0;
  };

  // REQUIRES: interval_ns > 0.
  explicit TimeSeries(uint64_t interval_ns) : interval_ns_(interval_ns), current_(std::make_unique<Histogram>()) {}

  // `at_ns` is counted from the start of the series and never goes back.
  void record(uint64_t at_ns, uint64_t latency_ns) {
    if (at_ns / interval_ns_ != rows_.size()) advance(at_ns);
    current_->record(latency_ns);
  }
  // Finishes every interval that has ended by `at_ns`; the one that `at_ns` cuts is dropped, it would look slow.
  void end(uint64_t at_ns) { advance(at_ns); }

  uint64_t interval_ns() const { return interval_ns_; }
  const std::vector<Row>& rows() const { return rows_; }

 private:
  void advance(uint64_t at_ns) {
    while (rows_.size() < at_ns / interval_ns_) {
      if (current_->count() == 0) {
        rows_.emplace_back();
        continue;
      }
      rows_.push_back({.count = current_->count(),
                       .p50_ns = current_->quantile(500),
                       .p99_ns = current_->quantile(990),
                       .max_ns = current_->max()});
      *current_ = Histogram();
    }
  }

  uint64_t interval_ns_;
  std::unique_ptr<Histogram> current_;
  std::vector<Row> rows_;
};

}  // namespace conclave::app::bench
