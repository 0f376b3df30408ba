// What a client asks for next: a seeded mix of operations over a few nodes, by the shares of the plan. All nodes lie
// below /r (registers, shared by all clients: /r/k0 ... lasting ones, /r/e0 ... ephemeral ones) and /q (sequential
// ones). Data is unique in a run. Pure.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "base/random.h"
#include "sim/check/history.h"
#include "sim/cluster/plan.h"

namespace conclave::sim {

class Workload {
 public:
  // `name` is unique among the clients of a run, and lives of clients.
  Workload(const Plan& plan, std::string name, uint64_t seed);

  struct Next {
    check::Call call;
    std::vector<check::Call> parts;  // multi
    bool watch = false;
    bool sync_first = false;
    bool end_session = false;
  };
  // The parents of everything; the first client to come makes them, the others are told that they are there.
  std::vector<Next> setup() const;
  Next next();
  // What came of it: versions seen, nodes made.
  void learn(const check::Operation& operation);

 private:
  check::Call create();
  check::Call remove();
  check::Call set();
  check::Call sequential();
  std::vector<check::Call> multi();
  std::string key();
  Bytes unique_data();
  int32_t expected_version(const std::string& path);

  const Plan& plan_;
  std::string name_;
  mutable uint64_t written_ = 0;
  Random random_;
  std::map<std::string, int32_t> versions_;  // last seen
  std::deque<std::string> made_;             // sequential nodes of ours that may still be there
};

}  // namespace conclave::sim
