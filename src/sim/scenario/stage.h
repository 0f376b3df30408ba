// What the commands of a scenario act upon.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "sim/scenario/command.h"

namespace conclave::sim::scenario {

using Output = std::vector<std::string>;

// Lines that begin so tell of something that should not be. They are never left out, and a file that holds one fails.
inline constexpr std::string_view kFound = "FOUND ";
// What was waited for has not come.
inline constexpr std::string_view kNot = "NOT ";

class Stage {
 public:
  virtual ~Stage() = default;
  // Does what the command says and adds what a reader should see to `out`. Errors: the command means nothing here.
  virtual Result<> perform(Command& command, Output& out) = 0;
  // The scenario ends, or another stage begins. Errors: the script left something undone.
  virtual Result<> end() = 0;
};

}  // namespace conclave::sim::scenario
