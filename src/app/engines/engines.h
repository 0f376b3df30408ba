// `conclave bench --engines`: compares the consensus engines in the simulator, in virtual time; sim/compare measures.
#pragma once

#include <span>
#include <string>

namespace conclave::app::engines {

// Progress goes to standard error, the figures to standard output. Exit codes: 0 all was measured, 1 a measurement does
// not count (said on standard error), 2 bad arguments (named there).
int run_engines(std::span<const std::string> args);

}  // namespace conclave::app::engines
