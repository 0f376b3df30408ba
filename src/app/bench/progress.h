// A line each second on standard error while a run goes on, for whoever waits for it.
#pragma once

#include <cstdint>
#include <fmt/format.h>
#include <memory>
#include <string_view>

#include "app/bench/histogram.h"

namespace conclave::app::bench {

class Progress {
 public:
  explicit Progress(bool enabled) : enabled_(enabled) {
    if (enabled) second_ = std::make_unique<Histogram>();
  }

  void record(uint64_t latency_ns) {
    if (enabled_) second_->record(latency_ns);
  }
  // Prints when a second is over: the latencies recorded in it, and `what` before them.
  void tick(uint64_t now_ns, std::string_view what) {
    if (!enabled_) return;
    if (started_ns_ == 0) started_ns_ = last_ns_ = now_ns;
    if (now_ns - last_ns_ < kSecond) return;
    const double elapsed_s = static_cast<double>(now_ns - last_ns_) / 1e9;
    fmt::print(stderr, "{:4.0f} s  {}", static_cast<double>(now_ns - started_ns_) / 1e9, what);
    if (second_->count() > 0)
      fmt::print(stderr, "  {:>9.0f} ops/s  p50 {:>8.2f} ms  p99 {:>8.2f} ms  max {:>8.2f} ms",
                 static_cast<double>(second_->count()) / elapsed_s, millis(second_->quantile(500)),
                 millis(second_->quantile(990)), millis(second_->max()));
    fmt::print(stderr, "\n");
    *second_ = Histogram();
    last_ns_ = now_ns;
  }
  // For texts that cost something to make.
  bool due(uint64_t now_ns) const { return enabled_ && (started_ns_ == 0 || now_ns - last_ns_ >= kSecond); }

 private:
  static constexpr uint64_t kSecond = 1'000'000'000;
  static double millis(uint64_t ns) { return static_cast<double>(ns) / 1e6; }

  bool enabled_;
  std::unique_ptr<Histogram> second_;
  uint64_t started_ns_ = 0;
  uint64_t last_ns_ = 0;
};

}  // namespace conclave::app::bench
