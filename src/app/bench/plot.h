// Latency and throughput over time as a picture: one self-contained SVG. Pure.
#pragma once

#include <optional>
#include <string>

#include "app/bench/options.h"
#include "app/bench/report.h"
#include "app/bench/time_series.h"

namespace conclave::app::bench {

// An instant worth seeing: a vertical line.
struct Mark {
  double at_s = 0;
  std::string label;
};

// p50, p99 and maximum of the latency per interval, on a logarithmic axis; the throughput below. Intervals in which
// nothing was answered leave a hole in the latencies and are zero in the throughput.
std::string draw_svg(const TimeSeries& series, std::string_view title, const std::optional<Mark>& mark);

// Adds it to the report when the options ask for it.
void add_plot(Report* report, const Options& options, const TimeSeries& series, const std::optional<Mark>& mark);

}  // namespace conclave::app::bench
