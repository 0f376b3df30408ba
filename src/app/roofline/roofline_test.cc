// The three processes for real, under the load generator, which verifies every reply.
#include "app/roofline/roofline.h"

#include <csignal>
#include <gtest/gtest.h>

#include "app/bench/bench.h"
#include "app/roofline/processes.h"
#include "os/test_world.h"

namespace conclave::app::roofline {
namespace {

int drive(std::vector<std::string> load) {
  load.insert(load.begin(), {"--roofline", "--keys", "50", "--size", "200"});
  return run_roofline(load);
}

TEST(Roofline, EveryReplyOfEveryWorkloadIsRight) {
  for (const char* workload : {"write", "create", "read", "mixed"})
    EXPECT_EQ(drive({"--workload", workload, "--connections", "12", "--outstanding", "8", "--ops", "3000"}), 0)
        << workload;
}

TEST(Roofline, OneAtATimeAndFramesLargerThanARead) {
  EXPECT_EQ(drive({"--connections", "1", "--outstanding", "1", "--ops", "50"}), 0);
  EXPECT_EQ(drive({"--workload", "mixed", "--connections", "6", "--outstanding", "4", "--ops", "200", "--size",
                   "400000", "--keys", "6"}),
            0);
}

TEST(Roofline, ServesOnWhenAFollowerDies) {
  os::TemporaryDirectory directory;
  const auto processes = Processes::start(directory.path());
  ASSERT_TRUE(processes.has_value()) << processes.error().message;
  const std::string pids = processes->pids(), servers = processes->servers();
  ASSERT_EQ(kill(std::stoi(pids.substr(pids.rfind(',') + 1)), SIGKILL), 0);
  std::vector<std::string> load = {"--servers", servers.substr(0, servers.rfind(',')), "--ops", "300"};
  EXPECT_EQ(bench::run_bench(load), 0);
}

TEST(Roofline, SaysWhyItCannotStart) {
  testing::internal::CaptureStderr();
  EXPECT_EQ(run_roofline({"--roofline", "--directory", "/proc/nowhere"}), 1);
  EXPECT_NE(testing::internal::GetCapturedStderr().find("/proc/nowhere"), std::string::npos);
}

}  // namespace
}  // namespace conclave::app::roofline
