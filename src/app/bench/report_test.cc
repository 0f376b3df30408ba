#include "app/bench/report.h"

#include <gtest/gtest.h>

namespace conclave::app::bench {
namespace {

TEST(Report, IsOneJsonObject) {
  Report report;
  report.text("workload", "a \"b\" \\");
  report.integer("n", 3);
  report.number("x", 1.25, 1);
  report.number("none", std::nullopt, 1);
  report.list("each", {1, 2.5}, 1);
  report.list("empty", {}, 1);
  EXPECT_EQ(report.json(),
            "{\"workload\": \"a \\\"b\\\" \\\\\", \"n\": 3, \"x\": 1.2, \"none\": null, \"each\": [1.0, 2.5], "
            "\"empty\": []}\n");
}

TEST(Report, TheTableHasATitleAndAlignedRows) {
  Report report;
  report.title("write");
  report.row("throughput", "5 ops/s");
  report.row("p", "1");
  EXPECT_EQ(report.table(), "write\n  throughput                5 ops/s\n  p                         1\n");
}

// Keys that tools/bench/run and others read.
TEST(Report, TheFiguresOfOperationsKeepTheirNames) {
  const Options options{.servers = {{.host = "a", .port = 1}}, .connections = 4, .outstanding = 2};
  Recorder recorder(options);
  recorder.begin(1'000'000'000);
  for (uint64_t i = 1; i <= 1000; ++i)
    recorder.write(1'000'000'000 + i * 1'000'000, 1'000'000'000, static_cast<int64_t>(i));
  recorder.end(3'000'000'000);
  ASSERT_TRUE(recorder.check_zxids().has_value());
  Report report;
  add_operations(&report, options, recorder, 1001);
  const std::string json = report.json();
  for (const std::string_view field : {"\"workload\": \"write\"",
                                       "\"connections\": 4",
                                       "\"outstanding\": 2",
                                       "\"size_bytes\": 1024",
                                       "\"keys\": 1000",
                                       "\"operations\": 1000",
                                       "\"reads\": 0",
                                       "\"writes\": 1000",
                                       "\"verified\": 1001",
                                       "\"elapsed_s\": 2.000000",
                                       "\"ops_per_s\": 500.0",
                                       "\"p50_us\": 5",
                                       "\"p90_us\": 9",
                                       "\"p99_us\": 9",
                                       "\"p999_us\": 1000000.0",
                                       "\"max_us\": 1000000.0",
                                       "\"servers_cpu_us_per_op\": ",
                                       "\"generator_cpu_us_per_op\": ",
                                       "\"foreign_cores\": ",
                                       "\"steal_cores\": ",
                                       "\"kernel_thread_cores\": "})
    EXPECT_NE(json.find(field), std::string::npos) << field << "\n" << json;
}

TEST(Recorder, CountsInsideTheWindowOnly) {
  const Options options;
  Recorder recorder(options);
  recorder.write(50, 10, 1);
  recorder.begin(100);
  recorder.write(150, 90, 2);
  recorder.read(160, 150);
  recorder.end(200);
  recorder.read(250, 190);
  EXPECT_EQ(recorder.writes(), 1u);
  EXPECT_EQ(recorder.reads(), 1u);
  EXPECT_EQ(recorder.latency_ns().max(), 60u);
}

TEST(Recorder, OneZxidNamesOneWriteWhicheverConnectionSentIt) {
  const Options options;
  Recorder recorder(options);
  recorder.write(50, 10, 7);
  recorder.write(60, 10, 9);
  EXPECT_TRUE(recorder.check_zxids().has_value());
  recorder.write(70, 10, 7);
  const auto twice = recorder.check_zxids();
  ASSERT_FALSE(twice.has_value());
  EXPECT_NE(twice.error().message.find("0x7"), std::string::npos) << twice.error().message;
}

}  // namespace
}  // namespace conclave::app::bench
