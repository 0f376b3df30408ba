#include <algorithm>
#include <fmt/format.h>

#include "app/bench/bench.h"
#include "app/commands/commands.h"
#include "app/engines/engines.h"
#include "app/engines/options.h"
#include "app/roofline/options.h"
#include "app/roofline/roofline.h"

namespace conclave::app {

int run_bench_command(std::vector<std::string> arguments) {
  if (engines::asked_for(arguments)) return engines::run_engines(arguments);
  if (roofline::asked_for(arguments)) return roofline::run_roofline(arguments);
  const int exit_code = bench::run_bench(arguments);
  const bool help = std::ranges::any_of(arguments, [](const auto& one) { return one == "--help" || one == "-h"; });
  if (exit_code == 0 && help) fmt::print("\n{}\n{}", roofline::usage(), engines::usage());
  return exit_code;
}

}  // namespace conclave::app
