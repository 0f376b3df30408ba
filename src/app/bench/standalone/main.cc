// The load generator as a program of its own; `conclave bench` is the same function.
#include <string>
#include <vector>

#include "app/bench/bench.h"

int main(int argc, char** argv) {
  std::vector<std::string> args(argv + 1, argv + argc);
  return conclave::app::bench::run_bench(args);
}
