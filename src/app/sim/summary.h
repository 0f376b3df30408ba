// Adds up what many seeds came to, and prints it: figures, which kinds of faults struck in which phases of the
// protocol, which code probes and fault points were never reached. Pure but for printing.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "app/sim/report.h"

namespace conclave::app {

class Summary {
 public:
  void add(const SeedReport& report);

  uint64_t seeds() const { return seeds_; }
  uint64_t failed() const;
  uint64_t count(Ending ending) const;
  double simulated_hours() const { return static_cast<double>(total_.simulated.us) / 3.6e9; }
  const sim::RunFigures& total() const { return total_; }
  uint64_t repeated() const { return repeated_; }
  size_t fault_kinds_struck() const;
  std::vector<std::string> probes_never_reached() const;

  double core_seconds() const { return static_cast<double>(core_us_) / 1e6; }

  // Everything, as text for a person.
  std::string text(double wall_seconds) const;
  // The figures as one JSON object.
  std::string json(double wall_seconds) const;

 private:
  std::string matrix() const;
  // Calls `visit(name, amount)` for the most that a replica of any run held of each resource.
  void visit_most(const std::function<void(std::string_view, uint64_t)>& visit) const;

  uint64_t seeds_ = 0;
  uint64_t repeated_ = 0;
  uint64_t core_us_ = 0;
  std::map<Ending, uint64_t> endings_;
  sim::RunFigures total_;
  std::map<std::string, uint64_t> probes_;
};

}  // namespace conclave::app
