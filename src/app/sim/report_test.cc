#include "app/sim/report.h"

#include <gtest/gtest.h>

#include "app/sim/one_run.h"
#include "app/sim/summary.h"

namespace conclave::app {
namespace {

SeedReport sample() {
  SeedReport report{.seed = 17, .ending = Ending::unsafe};
  report.violations = {{.checker = "linear", .what = "two\nlines"}};
  report.trace_hash = 0xFEDC'BA98'7654'3210;
  report.repeated = true;
  report.core_us = 1'500'000;
  report.figures.simulated = Duration::seconds(3600);
  uint64_t value = 1;
  for (const auto number : sim::kRunNumbers) report.figures.*number = value++;
  for (const auto number : sim::kLockNumbers) report.figures.locks.*number = value++;
  for (auto& most : report.figures.most) most = value++;
  report.figures.struck[3][2] = 9;
  report.figures.points["journal.sync"] = {.passed = 100, .fired = 3};
  report.probes["a.probe"] = 4;
  return report;
}

TEST(SeedReport, IsReadBackAsWritten) {
  const auto read = decode_seed_report(encode(sample()));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(encode(*read), encode(sample()));
  EXPECT_EQ(read->violations, sample().violations);
  EXPECT_EQ(read->figures.most, sample().figures.most);
  EXPECT_EQ(read->figures.struck, sample().figures.struck);
  EXPECT_EQ(read->probes, sample().probes);
}

TEST(SeedReport, PartOfOneIsNone) {
  const Bytes whole = encode(sample());
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(decode_seed_report(BytesView(whole).substr(0, size))) << size;
  }
}

TEST(Job, IsRunAndReported) {
  sim::Plan plan;
  plan.safety = Duration::seconds(3);
  const auto report = decode_seed_report(run_job(encode(Job{.plan = plan, .repeat = true})));
  ASSERT_TRUE(report);
  EXPECT_EQ(report->ending, Ending::passed);
  EXPECT_TRUE(report->repeated);
  EXPECT_GT(report->core_us, 0u);
  EXPECT_GT(report->figures.operations, 0u);
}

TEST(Summary, AddsUp) {
  Summary summary;
  summary.add(sample());
  SeedReport good = sample();
  good.ending = Ending::passed;
  good.repeated = false;
  summary.add(good);
  EXPECT_EQ(summary.seeds(), 2u);
  EXPECT_EQ(summary.failed(), 1u);
  EXPECT_EQ(summary.repeated(), 1u);
  EXPECT_EQ(summary.simulated_hours(), 2.0);
  EXPECT_EQ(summary.core_seconds(), 3.0);
  EXPECT_EQ(summary.total().events, 2u);
  EXPECT_EQ(summary.fault_kinds_struck(), 1u);
  EXPECT_NE(summary.text(10).find("journal.sync"), std::string::npos);
  EXPECT_NE(summary.json(10).find("\"failed\": 1"), std::string::npos);
}

}  // namespace
}  // namespace conclave::app
