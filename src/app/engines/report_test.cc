#include "app/engines/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace conclave::app::engines::report_test {
namespace {

using consensus::EngineKind;
using sim::compare::Comparison;
using sim::compare::Distribution;
using sim::compare::Loss;
using sim::compare::Steady;
using sim::compare::topologies;
using testing::HasSubstr;

Comparison example() {
  Steady steady{.writes = 10, .elapsed = Duration::millis(30), .syncs = 15, .syncs_master = 5};
  steady.traffic.kinds["Accept"] = {.background = false, .count = {.messages = 20, .bytes = 3000}};
  steady.traffic.kinds["Heartbeat"] = {.background = true, .count = {.messages = 2, .bytes = 40}};
  steady.latency = Distribution({Duration::micros(2990), Duration::micros(3010), Duration::micros(4200)});
  Comparison comparison;
  comparison.writes.push_back({.engine = EngineKind::paxos, .replicas = 3, .load = "1 client", .measured = steady});
  comparison.fail_overs.push_back({.engine = EngineKind::raft,
                                   .replicas = 5,
                                   .loss = Loss::cut_off,
                                   .outages = Distribution({Duration::millis(300), Duration::millis(210)})});
  comparison.partitions.push_back(
      {.engine = EngineKind::raft,
       .topology = &topologies().front(),
       .outcomes = {{.outage = Duration::millis(10), .progress = true, .served = 2, .recovered = Duration::millis(70)},
                    {.outage = Duration::seconds(10), .served = 0, .masters = 3, .recovered = Duration::millis(90)}}});
  return comparison;
}

// Without the spaces that make columns.
std::string narrow(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c != ' ' || out.empty() || out.back() != ' ') out += c;
  }
  return out;
}

TEST(EnginesReport, HasARowForEverythingMeasured) {
  const std::string text = narrow(to_text(example(), {.engines = {EngineKind::paxos}, .seeds = 2}));
  EXPECT_THAT(text, HasSubstr("\n3 1 client paxos 2.00 300 2.20 304 1.50 2.00 3.01 4.20\n"));
  EXPECT_THAT(text, HasSubstr("\n3 1 client paxos Accept 2.00 Heartbeat 0.20\n"));
  EXPECT_THAT(text, HasSubstr("\ncut off 5 raft 210 210 300 300 300\n"));
  EXPECT_THAT(text, HasSubstr("\nB11 half-dead switch 3 raft 1/2 10 10000 0 3 70 90\n"));
  EXPECT_THAT(text, HasSubstr("2 seeds"));
}

TEST(EnginesReport, IsOneObjectOfJson) {
  EXPECT_EQ(
      to_json(example(), {.engines = {EngineKind::paxos}, .seeds = 2}),
      "{\"seeds\": 2, \"link_us\": [450, 550], \"sync_us\": [900, 1100], \"data_bytes\": 100, "
      "\"writes\": [{\"engine\": \"paxos\", \"replicas\": 3, \"load\": \"1 client\", \"writes\": 10, "
      "\"elapsed_us\": 30000, \"fsyncs\": 15, \"fsyncs_master\": 5, \"latency_p50_us\": 3010, "
      "\"latency_p99_us\": 4200, \"kinds\": {\"Accept\": {\"background\": false, \"messages\": 20, \"bytes\": 3000}, "
      "\"Heartbeat\": {\"background\": true, \"messages\": 2, \"bytes\": 40}}}], "
      "\"fail_overs\": [{\"engine\": \"raft\", \"replicas\": 5, \"master\": \"cut off\", "
      "\"outages_us\": [210000, 300000]}], "
      "\"partitions\": [{\"engine\": \"raft\", \"number\": \"B11\", \"topology\": \"half-dead switch\", "
      "\"replicas\": 3, \"runs\": 2, \"with_progress\": 1, \"served_min\": 0, \"masters_max\": 3, "
      "\"outages_us\": [10000, 10000000], \"whole_us\": [70000, 90000]}]}\n");
}

}  // namespace
}  // namespace conclave::app::engines::report_test
