#include "sim/compare/partition.h"

#include <algorithm>
#include <set>

#include "sim/compare/measured_cell.h"
#include "sim/compare/outage.h"

namespace conclave::sim::compare {
namespace {

constexpr Duration kLag = Duration::millis(100);  // below the shortest election timeout
constexpr Duration kLastPart = Duration::seconds(1);

// Which clients had a write acknowledged that they asked for in [from, to], before `to`.
std::set<uint32_t> acknowledged_within(const MeasuredCell& cell, Instant from, Instant to) {
  std::set<uint32_t> writers;
  for (const Acknowledgement& one : cell.acknowledged()) {
    if (one.asked >= from && one.answered <= to) writers.insert(one.writer);
  }
  return writers;
}

void let_one_lag(MeasuredCell& cell, const Topology& topology) {
  for (uint32_t other = 1; other <= topology.replicas; ++other) {
    if (other != topology.lags) cell.cut(topology.lags, other);
  }
  cell.world().run_for(kLag);
}

void begin(MeasuredCell& cell, const Topology& topology) {
  const auto is_cut = [&](uint32_t a, uint32_t b) {
    return std::ranges::any_of(topology.cuts,
                               [&](const auto& link) { return link == std::pair(a, b) || link == std::pair(b, a); });
  };
  for (const auto& [a, b] : topology.cuts) cell.cut(a, b);
  for (uint32_t other = 1; topology.lags != 0 && other <= topology.replicas; ++other) {
    if (!is_cut(topology.lags, other)) cell.heal(topology.lags, other);
  }
}

// Until every client of this many had a write acknowledged that it asked for from now on; false: not in time.
bool run_until_whole(MeasuredCell& cell, size_t writers) {
  const Instant healed = cell.now();
  std::set<uint32_t> served;
  size_t seen = cell.acknowledged().size();
  return cell.world().run_until(
      [&] {
        for (; seen < cell.acknowledged().size(); ++seen) {
          const Acknowledgement& one = cell.acknowledged()[seen];
          if (one.asked >= healed) served.insert(one.writer);
        }
        return served.size() == writers;
      },
      MeasuredCell::kRecoveryMax);
}

}  // namespace

const std::vector<Topology>& topologies() {
  static const std::vector<Topology> kAll = {
      {.name = "half-dead switch",
       .number = "B11",
       .meaning = "of three, the master and one follower do not see each other",
       .replicas = 3,
       .cuts = {{1, 2}}},
      {.name = "two on one link",
       .number = "B12",
       .meaning = "of five, 4 sees 2 alone and 5 sees 3 alone; the master sees 2 and 3",
       .replicas = 5,
       .cuts = {{4, 1}, {4, 3}, {4, 5}, {5, 1}, {5, 2}}},
      {.name = "stranded",
       .number = "B13",
       .meaning = "of three, 3 sees nobody, and comes back",
       .replicas = 3,
       .cuts = {{3, 1}, {3, 2}}},
      {.name = "quorum loss",
       .number = "B14",
       .meaning = "of five, all see 3 alone; the master is another one",
       .replicas = 5,
       .cuts = {{1, 2}, {1, 4}, {1, 5}, {2, 4}, {2, 5}, {4, 5}}},
      {.name = "constrained election",
       .number = "B14",
       .meaning = "of five, all see 3 alone, which lacks writes that are acknowledged; the master sees nobody",
       .replicas = 5,
       .cuts = {{1, 2}, {1, 3}, {1, 4}, {1, 5}, {2, 4}, {2, 5}, {4, 5}},
       .lags = 3},
      {.name = "chain of three",
       .number = "B14",
       .meaning = "1 - 2 - 3, led from one end",
       .replicas = 3,
       .cuts = {{1, 3}}},
      {.name = "chain of five",
       .number = "B14",
       .meaning = "1 - 2 - 3 - 4 - 5, led from one end",
       .replicas = 5,
       .cuts = {{1, 3}, {1, 4}, {1, 5}, {2, 4}, {2, 5}, {3, 5}}},
  };
  return kAll;
}

Result<PartitionOutcome> measure_partition(Settings settings, const Topology& topology) {
  settings.replicas = topology.replicas;
  MeasuredCell cell(settings);
  if (auto started = cell.start_under_load(); !started) return std::unexpected(started.error());

  if (topology.lags != 0) let_one_lag(cell, topology);
  const uint64_t masters = cell.cell().engine_checks().masters();
  const Instant begun = cell.now();
  begin(cell, topology);
  cell.world().run_for(kPartition);

  const Instant end = cell.now();
  const auto served = acknowledged_within(cell, end - kLastPart, end);
  PartitionOutcome outcome{.outage = longest_outage(cell.acknowledged(), begun, end),
                           .progress = !served.empty(),
                           .served = static_cast<uint32_t>(served.size()),
                           .masters = cell.cell().engine_checks().masters() - masters};
  for (const auto& [a, b] : topology.cuts) cell.heal(a, b);
  if (!run_until_whole(cell, static_cast<size_t>(topology.replicas))) {
    return fail(ErrorKind::unavailable, "not every client could write within a minute of the end of the partition");
  }
  outcome.recovered = cell.now() - end;
  if (auto verdict = cell.verdict(); !verdict) return std::unexpected(verdict.error());
  return outcome;
}

}  // namespace conclave::sim::compare
