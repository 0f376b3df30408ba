#include "sim/compare/steady.h"

#include <algorithm>
#include <vector>

#include "sim/compare/measured_cell.h"

namespace conclave::sim::compare {
namespace {

constexpr uint32_t kMaster = 1, kFollower = 2;
constexpr uint64_t kWarmUp = 20;  // writes of each client

uint64_t syncs_of_all(MeasuredCell& cell, int64_t replicas) {
  uint64_t syncs = 0;
  for (uint32_t part = 1; part <= replicas; ++part) syncs += cell.syncs(part);
  return syncs;
}

}  // namespace

Result<Steady> measure_steady(const SteadyOptions& options) {
  MeasuredCell cell(options.cell);
  TrafficMeter meter(options.cell.engine);
  cell.world().listen_to_peers(
      [&meter](ReplicaId from, ReplicaId to, BytesView frame) { meter.sent(from, to, frame); });
  if (auto started = cell.start(); !started) return std::unexpected(started.error());
  const std::vector<uint32_t> seats(options.writers, options.at_master ? kMaster : kFollower);
  if (auto opened = cell.open_writers(seats, Duration{0}); !opened) return std::unexpected(opened.error());
  cell.write(kWarmUp);
  if (auto idle = cell.wait_until_idle(); !idle) return std::unexpected(idle.error());

  meter.reset();
  const size_t first = cell.acknowledged().size();
  const Instant begin = cell.now();
  const uint64_t syncs = syncs_of_all(cell, options.cell.replicas);
  const uint64_t syncs_master = cell.syncs(kMaster);
  cell.write(options.writes_of_each);
  if (auto idle = cell.wait_until_idle(); !idle) return std::unexpected(idle.error());

  Steady steady{.traffic = meter.traffic(),
                .syncs = syncs_of_all(cell, options.cell.replicas) - syncs,
                .syncs_master = cell.syncs(kMaster) - syncs_master};
  std::vector<Duration> latencies;
  for (size_t i = first; i < cell.acknowledged().size(); ++i) {
    const Acknowledgement& one = cell.acknowledged()[i];
    latencies.push_back(one.answered - one.asked);
    steady.elapsed = std::max(steady.elapsed, one.answered - begin);
  }
  steady.writes = latencies.size();
  steady.latency = Distribution(std::move(latencies));
  if (auto verdict = cell.verdict(); !verdict) return std::unexpected(verdict.error());
  return steady;
}

}  // namespace conclave::sim::compare
