// conclave_hot_path: what one request costs the replicas of a cell, in instructions. Run it under callgrind, which
// counts between the two marks below and nothing else (tools/bench/instructions does):
//
//   valgrind --tool=callgrind --collect-atstart=no conclave_hot_path --workload write
//
// Without valgrind it says how fast the same work is done.
#include <CLI/CLI.hpp>
#include <chrono>
#include <fmt/format.h>
#include <string>
#include <valgrind/callgrind.h>

#include "app/hot_path/cell.h"

namespace conclave::app::hot_path {
namespace {

int run(const Settings& settings, uint64_t warm_up, uint64_t requests) {
  Cell cell(settings);
  auto done = cell.start();
  if (done) done = cell.run(warm_up);
  const auto begin = std::chrono::steady_clock::now();
  if (done) {
    CALLGRIND_TOGGLE_COLLECT;
    done = cell.run(requests);
    CALLGRIND_TOGGLE_COLLECT;
  }
  if (!done) {
    fmt::print(stderr, "conclave_hot_path: {}\n", done.error().message);
    return 1;
  }
  const std::chrono::duration<double> time = std::chrono::steady_clock::now() - begin;
  fmt::print("{} requests, {:.2f} us each\n", requests, time.count() * 1e6 / static_cast<double>(requests));
  return 0;
}

}  // namespace
}  // namespace conclave::app::hot_path

int main(int argc, char** argv) {
  using namespace conclave::app::hot_path;
  Settings settings;
  uint64_t warm_up = 2000, requests = 10'000;
  CLI::App app("What one request costs the replicas of a cell; run it under callgrind", "conclave_hot_path");
  std::string workload = "write", engine = "paxos";
  app.add_option("--workload", workload, "write, read or create")->check(CLI::IsMember({"write", "read", "create"}));
  app.add_option("--engine", engine, "paxos or raft")->check(CLI::IsMember({"paxos", "raft"}));
  app.add_option("--connections", settings.connections)->check(CLI::Range(1, 1000));
  app.add_option("--outstanding", settings.outstanding, "requests of each connection")->check(CLI::Range(1, 1000));
  app.add_option("--size", settings.data_bytes, "bytes of each node")->check(CLI::Range(0, 1 << 20));
  app.add_option("--warm-up", warm_up, "requests before counting begins");
  app.add_option("--requests", requests, "requests that are counted")->check(CLI::PositiveNumber);
  CLI11_PARSE(app, argc, argv);
  settings.workload = workload == "write" ? Workload::write : workload == "read" ? Workload::read : Workload::create;
  if (engine == "raft") settings.engine = conclave::consensus::EngineKind::raft;
  return run(settings, warm_up, requests);
}
