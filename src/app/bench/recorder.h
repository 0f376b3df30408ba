// What a workload of operations measures: counts and latencies inside the measured window, CPU time over it, the same
// in intervals for a plot. Counted are the replies that arrive inside the window. The zxids of all acknowledged writes
// are kept, those outside of it too: each names one write of the whole cell.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "app/bench/histogram.h"
#include "app/bench/options.h"
#include "app/bench/processes.h"
#include "app/bench/progress.h"
#include "app/bench/time_series.h"
#include "base/result.h"

namespace conclave::app::bench {

class Recorder {
 public:
  explicit Recorder(const Options& options);

  void begin(uint64_t now_ns);
  void end(uint64_t now_ns);
  bool measures() const { return measures_; }
  uint64_t began_ns() const { return began_ns_; }

  void read(uint64_t now_ns, uint64_t since_ns) { answered(now_ns, since_ns, &reads_); }
  void write(uint64_t now_ns, uint64_t since_ns, int64_t zxid) {
    write_zxids_.push_back(zxid);
    answered(now_ns, since_ns, &writes_);
  }
  // To be called often; prints the progress.
  void tick(uint64_t now_ns, std::string_view what) { progress_.tick(now_ns, what); }
  bool progress_due(uint64_t now_ns) const { return progress_.due(now_ns); }

  // An error when two acknowledged writes carry one zxid.
  Result<> check_zxids();

  uint64_t operations() const { return reads_ + writes_; }
  uint64_t reads() const { return reads_; }
  uint64_t writes() const { return writes_; }
  double elapsed_s() const { return elapsed_s_; }
  const Histogram& latency_ns() const { return *latency_ns_; }
  const CpuUsed& cpu() const { return cpu_; }
  const TimeSeries& series() const { return series_; }

 private:
  void answered(uint64_t now_ns, uint64_t since_ns, uint64_t* counter);

  const Options& options_;
  bool measures_ = false;
  uint64_t began_ns_ = 0;
  double elapsed_s_ = 0;
  uint64_t reads_ = 0;
  uint64_t writes_ = 0;
  std::unique_ptr<Histogram> latency_ns_ = std::make_unique<Histogram>();
  TimeSeries series_;
  Progress progress_;
  CpuSample cpu_before_;
  CpuUsed cpu_;
  std::vector<int64_t> write_zxids_;
};

}  // namespace conclave::app::bench
