#include "sim/compare/comparison.h"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace conclave::sim::compare {
namespace {

using consensus::EngineKind;

constexpr std::array kLosses = {Loss::killed, Loss::cut_off};

std::unexpected<Error> with_place(const Error& error, const std::string& step, int64_t seed) {
  return fail(error.kind, fmt::format("{}, seed {}: {}", step, seed, error.message));
}

// Goes through everything, and stops at the first error.
class Run {
 public:
  Run(const CompareOptions& options, const Progress& progress) : options_(options), progress_(progress) {}

  Result<Comparison> all() {
    for (const int64_t replicas : kCellSizes) {
      for (const Load& load : options_.loads) {
        for (const EngineKind engine : options_.engines) {
          if (auto done = write(engine, replicas, load); !done) return std::unexpected(done.error());
        }
      }
    }
    for (const Loss loss : kLosses) {
      for (const int64_t replicas : kCellSizes) {
        for (const EngineKind engine : options_.engines) {
          if (auto done = fail_over(engine, replicas, loss); !done) return std::unexpected(done.error());
        }
      }
    }
    for (const Topology& topology : topologies()) {
      for (const EngineKind engine : options_.engines) {
        if (auto done = partition(engine, topology); !done) return std::unexpected(done.error());
      }
    }
    return std::move(comparison_);
  }

 private:
  size_t steps() const {
    const size_t of_each = kCellSizes.size() * (options_.loads.size() + kLosses.size()) + topologies().size();
    return of_each * options_.engines.size();
  }
  void begin(std::string step) {
    step_ = std::move(step);
    progress_(step_, ++number_, steps());
  }

  Result<> write(EngineKind engine, int64_t replicas, const Load& load) {
    begin(fmt::format("writes, {}, {} replicas, {}", to_string(engine), replicas, load.name));
    auto measured = measure_steady({.cell = {.engine = engine, .replicas = replicas, .turn = load.turn},
                                    .writers = load.writers,
                                    .at_master = load.at_master,
                                    .writes_of_each = load.writes_of_each});
    if (!measured) return with_place(measured.error(), step_, 1);
    comparison_.writes.push_back(
        {.engine = engine, .replicas = replicas, .load = load.name, .measured = *std::move(measured)});
    return {};
  }

  Result<> fail_over(EngineKind engine, int64_t replicas, Loss loss) {
    begin(fmt::format("fail-over, {}, {} replicas, master {}", to_string(engine), replicas, to_string(loss)));
    std::vector<Duration> outages;
    for (int64_t seed = 1; seed <= options_.seeds; ++seed) {
      const auto outage = measure_fail_over({.engine = engine, .replicas = replicas, .seed = seed}, loss);
      if (!outage) return with_place(outage.error(), step_, seed);
      outages.push_back(*outage);
    }
    comparison_.fail_overs.push_back(
        {.engine = engine, .replicas = replicas, .loss = loss, .outages = Distribution(std::move(outages))});
    return {};
  }

  Result<> partition(EngineKind engine, const Topology& topology) {
    begin(fmt::format("partition, {}, {}", to_string(engine), topology.name));
    Comparison::Partition row{.engine = engine, .topology = &topology, .outcomes = {}};
    for (int64_t seed = 1; seed <= options_.partition_seeds(); ++seed) {
      const auto outcome = measure_partition({.engine = engine, .seed = seed}, topology);
      if (!outcome) return with_place(outcome.error(), step_, seed);
      row.outcomes.push_back(*outcome);
    }
    comparison_.partitions.push_back(std::move(row));
    return {};
  }

  const CompareOptions& options_;
  const Progress& progress_;
  std::string step_;
  size_t number_ = 0;
  Comparison comparison_;
};

Distribution distribution_of(const std::vector<PartitionOutcome>& outcomes, Duration PartitionOutcome::* field) {
  std::vector<Duration> times;
  for (const PartitionOutcome& one : outcomes) times.push_back(one.*field);
  return Distribution(std::move(times));
}

}  // namespace

Distribution Comparison::Partition::outages() const {
  return distribution_of(outcomes, &PartitionOutcome::outage);
}

Distribution Comparison::Partition::recoveries() const {
  return distribution_of(outcomes, &PartitionOutcome::recovered);
}

uint64_t Comparison::Partition::with_progress() const {
  return static_cast<uint64_t>(std::ranges::count(outcomes, true, &PartitionOutcome::progress));
}

uint32_t Comparison::Partition::served_least() const {
  return std::ranges::min_element(outcomes, {}, &PartitionOutcome::served)->served;
}

uint64_t Comparison::Partition::masters_most() const {
  return std::ranges::max_element(outcomes, {}, &PartitionOutcome::masters)->masters;
}

Result<Comparison> compare(const CompareOptions& options, const Progress& progress) {
  return Run(options, progress).all();
}

}  // namespace conclave::sim::compare
