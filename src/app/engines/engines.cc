#include "app/engines/engines.h"

#include <cstdio>
#include <fmt/format.h>

#include "app/engines/options.h"
#include "app/engines/report.h"

namespace conclave::app::engines {

int run_engines(std::span<const std::string> args) {
  const auto options = parse_options(args);
  if (!options) {
    fmt::print(stderr, "conclave bench: {}\n", options.error().message);
    return 2;
  }
  if (options->help) {
    fmt::print("{}", usage());
    return 0;
  }
  const auto comparison =
      sim::compare::compare(options->compare, [](const std::string& step, size_t number, size_t steps) {
        fmt::print(stderr, "[{}/{}] {}\n", number, steps, step);
      });
  if (!comparison) {
    fmt::print(stderr, "conclave bench: the comparison does not count: {}\n", comparison.error().message);
    return 1;
  }
  fmt::print("{}", options->json ? to_json(*comparison, options->compare) : to_text(*comparison, options->compare));
  return 0;
}

}  // namespace conclave::app::engines
