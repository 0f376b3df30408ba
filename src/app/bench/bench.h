// `conclave bench`: a load generator that speaks ZooKeeper's client protocol, so that one program drives Conclave and
// any other server of that protocol alike. One thread; runs in the real world only (raw sockets and clocks, like all
// of app/). See workload.h for what it runs and connection.h for what is verified.
#pragma once

#include <span>
#include <string>

namespace conclave::app::bench {

// Exit codes: 0 the run is valid, 1 it is not (a lost, doubled, reordered or wrong reply, a broken connection), 2 bad
// arguments (named on standard error).
int run_bench(std::span<std::string> args);

}  // namespace conclave::app::bench
