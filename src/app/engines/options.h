// The command line of `conclave bench --engines`. Pure.
#pragma once

#include <span>
#include <string>

#include "base/result.h"
#include "sim/compare/comparison.h"

namespace conclave::app::engines {

struct Options {
  sim::compare::CompareOptions compare;
  bool json = false;
  bool help = false;
};

// Whether these arguments of `conclave bench` ask for the comparison of engines, not for the load generator.
bool asked_for(std::span<const std::string> args);

std::string usage();

// Errors name the option and what it must be. With --help nothing else is looked at.
Result<Options> parse_options(std::span<const std::string> args);

}  // namespace conclave::app::engines
