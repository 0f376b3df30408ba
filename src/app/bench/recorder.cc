#include "app/bench/recorder.h"

#include <algorithm>
#include <fmt/format.h>
#include <unistd.h>

#include "app/bench/sockets.h"

namespace conclave::app::bench {

Recorder::Recorder(const Options& options)
    : options_(options), series_(options.interval_ms * kMillisecondNs), progress_(options.shows_progress()) {}

void Recorder::begin(uint64_t now_ns) {
  cpu_before_ = sample_cpu(options_.watch_pids);
  began_ns_ = now_ns;
  measures_ = true;
}

void Recorder::end(uint64_t now_ns) {
  measures_ = false;
  elapsed_s_ = static_cast<double>(now_ns - began_ns_) / 1e9;
  cpu_ = cpu_between(cpu_before_, sample_cpu(options_.watch_pids));
  series_.end(now_ns - began_ns_);
}

void Recorder::answered(uint64_t now_ns, uint64_t since_ns, uint64_t* counter) {
  const uint64_t latency_ns = now_ns - std::min(now_ns, since_ns);
  progress_.record(latency_ns);
  if (!measures_) return;
  ++*counter;
  latency_ns_->record(latency_ns);
  series_.record(now_ns - began_ns_, latency_ns);
}

Result<> Recorder::check_zxids() {
  std::ranges::sort(write_zxids_);
  if (const auto twice = std::ranges::adjacent_find(write_zxids_); twice != write_zxids_.end())
    return fail(ErrorKind::corrupt, fmt::format("two acknowledged writes carry zxid {:#x}", *twice));
  return {};
}

}  // namespace conclave::app::bench
