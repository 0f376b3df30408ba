// Test only: a suite over every engine that there is. What one must do stands in the tests of this folder; what is
// particular to it, and what its messages say, in those of its own.
//
//   class Lead : public EveryEngine {};
//   INSTANTIATE_TEST_SUITE_P(Engines, Lead, kEngines, name_of_engine);
//   TEST_P(Lead, ...) { Cell cell({.kind = kind()}); ... }
#pragma once

#include <gtest/gtest.h>
#include <string>

#include "consensus/factory/factory.h"
#include "consensus/paxos/testing_cells.h"
#include "consensus/raft/testing_cells.h"

namespace conclave::consensus::harness {

class EveryEngine : public testing::TestWithParam<EngineKind> {
 protected:
  static Kind kind() { return GetParam() == EngineKind::raft ? raft::harness::kRaft : paxos::harness::kPaxos; }
};

inline const auto kEngines = testing::Values(EngineKind::paxos, EngineKind::raft);
inline constexpr auto name_of_engine = [](const auto& engine) { return std::string(to_string(engine.param)); };

}  // namespace conclave::consensus::harness
