// The command line of `conclave bench --roofline`. Pure.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace conclave::app::roofline {

struct Options {
  bool serve_only = false;
  bool help = false;
  std::string directory;          // empty: a temporary one
  std::vector<std::string> load;  // what is for the load generator
};

// Whether these arguments of `conclave bench` ask for the roofline.
bool asked_for(std::span<const std::string> args);

std::string usage();

// Errors name the option and what is wrong. What is not known here is left to the load generator.
Result<Options> parse_options(std::span<const std::string> args);

}  // namespace conclave::app::roofline
