// A simulated cell that is there to be measured: the shipped replicas of sim/cluster under the checks of consensus, and
// clients that only write. One thread.
//
// Replicas are called by their parts: part 1 is the one that is elected first, the others follow by their numbers. They
// start within one tick of each other, at random, so that they look at their clocks at different moments, as separate
// machines do.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "base/result.h"
#include "sim/cluster/cell.h"
#include "sim/cluster/findings.h"
#include "sim/cluster/plan.h"
#include "sim/compare/settings.h"
#include "sim/compare/writer.h"

namespace conclave::sim::compare {

class MeasuredCell {
 public:
  // Who does not recover within this never does.
  static constexpr Duration kRecoveryMax = Duration::seconds(60);

  explicit MeasuredCell(const Settings& settings);
  ~MeasuredCell();
  MeasuredCell(const MeasuredCell&) = delete;
  MeasuredCell& operator=(const MeasuredCell&) = delete;

  // Starts the replicas and waits until one leads and all serve. Error: unavailable.
  Result<> start();
  // Who plays this part, from 1. REQUIRES: start() succeeded; there are so many.
  ReplicaId replica(uint32_t part) const { return parts_.at(part - 1); }
  // Clients with sessions at these parts, one each, numbered from 0 in this order; waits until they could write.
  // `pause`: of Writer::Options. Once, after start(). Error: unavailable.
  Result<> open_writers(const std::vector<uint32_t>& at, Duration pause);
  // All of this for a cell in use: starts it, has one client at each replica write every few milliseconds, and runs to
  // a moment drawn from the seed. Error: unavailable.
  Result<> start_under_load();
  // Of each writer.
  void write(uint64_t writes);
  // Until all writers have done what they were to do and the replicas had time to tell each other. Error: unavailable.
  Result<> wait_until_idle();

  // Cuts the links between the two parts, both ways, or has them back.
  void cut(uint32_t a, uint32_t b);
  void heal(uint32_t a, uint32_t b);

  Cell& cell() { return cell_; }
  World& world() { return cell_.world(); }
  Instant now() { return world().now(); }
  const std::vector<Acknowledgement>& acknowledged() const { return acknowledged_; }
  // Syncs of files by this part so far; no snapshot is taken here and no segment filled, so they are the journal's.
  uint64_t syncs(uint32_t part) { return world().host(replica(part)).disk().file_syncs(); }
  // Error: what was measured does not count. A check of consensus found something, a process ended by itself, or a
  // session expired.
  Result<> verdict();

 private:
  Writer& writer(uint32_t number) { return world().client(number).process<Writer>(); }
  bool all_writers(const std::function<bool(Writer&)>& holds);
  bool serving();
  Duration random_below(Duration bound);

  const Settings settings_;
  const Plan plan_;
  Findings findings_;
  Cell cell_;
  std::vector<ReplicaId> parts_;
  std::vector<Acknowledgement> acknowledged_;
  uint32_t writers_ = 0;
};

}  // namespace conclave::sim::compare
