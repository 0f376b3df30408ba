#include "app/bench/options.h"

#include <csignal>
#include <gtest/gtest.h>

namespace conclave::app::bench {
namespace {

Result<Options> parse(std::vector<std::string> args) {
  return parse_options(args);
}

TEST(Options, ReadsEveryOption) {
  const auto options = parse({"--servers",
                              "a:1,b.c:65535",
                              "--workload=mixed",
                              "--mix",
                              "3:2",
                              "--connections",
                              "4",
                              "--outstanding=2",
                              "--size",
                              "100",
                              "--keys",
                              "50",
                              "--seconds",
                              "2.5",
                              "--warmup",
                              "0",
                              "--ops",
                              "7",
                              "--base",
                              "/x",
                              "--seed",
                              "9",
                              "--watch-pids",
                              "12,34",
                              "--pin",
                              "2",
                              "--nodes=77",
                              "--rounds=5",
                              "--rate=0.5e3",
                              "--session-timeout",
                              "9000",
                              "--request-timeout",
                              "250",
                              "--svg",
                              "a.svg",
                              "--interval=20",
                              "--progress",
                              "--json"});
  ASSERT_TRUE(options.has_value()) << options.error().message;
  ASSERT_EQ(options->servers.size(), 2u);
  EXPECT_EQ(options->servers[1].host, "b.c");
  EXPECT_EQ(options->servers[1].port, 65535);
  EXPECT_EQ(options->workload, Workload::mixed);
  EXPECT_EQ(options->mix_reads, 3u);
  EXPECT_EQ(options->mix_writes, 2u);
  EXPECT_EQ(options->connections, 4u);
  EXPECT_EQ(options->outstanding, 2u);
  EXPECT_EQ(options->size_bytes, 100u);
  EXPECT_EQ(options->keys, 50u);
  EXPECT_EQ(options->seconds, 2.5);
  EXPECT_EQ(options->warmup_seconds, 0);
  EXPECT_EQ(options->operations, 7u);
  EXPECT_EQ(options->base, "/x");
  EXPECT_EQ(options->seed, 9u);
  EXPECT_EQ(options->watch_pids, (std::vector<int>{12, 34}));
  EXPECT_EQ(options->pinned, 1u) << "counted from 0 here";
  EXPECT_EQ(options->nodes, 77u);
  EXPECT_EQ(options->rounds, 5u);
  EXPECT_EQ(options->rate, 500);
  EXPECT_EQ(options->session_timeout_ms, 9000u);
  EXPECT_EQ(options->request_timeout_ms, 250u);
  EXPECT_EQ(options->svg_file, "a.svg");
  EXPECT_EQ(options->interval_ms, 20u);
  EXPECT_TRUE(options->shows_progress());
  EXPECT_TRUE(options->json);
}

TEST(Options, KnowsEveryWorkloadByName) {
  for (const std::string name : {"write", "create", "read", "mixed", "idle", "watch", "fill", "failover"}) {
    const auto options = parse({"--servers", "a:1", "--workload", name});
    ASSERT_TRUE(options.has_value()) << options.error().message;
    EXPECT_EQ(to_string(options->workload), name);
    EXPECT_NE(usage().find(name), std::string::npos);
  }
}

TEST(Options, TheDefaultsAreThoseOfTheWorkload) {
  const auto of = [](const std::string& workload) { return *parse({"--servers", "a:1", "--workload", workload}); };
  EXPECT_EQ(of("write").connections, 64u);
  EXPECT_EQ(of("write").outstanding, 16u);
  EXPECT_EQ(of("failover").connections, 16u);
  EXPECT_EQ(of("failover").outstanding, 1u);
  EXPECT_EQ(of("watch").connections, 5000u);
  EXPECT_EQ(of("idle").connections, 10'000u);
}

TEST(Options, TheLastOfPinAndSpreadHolds) {
  EXPECT_EQ(parse({"--servers", "a:1,b:2", "--pin", "2", "--spread"})->pinned, std::nullopt);
  EXPECT_EQ(parse({"--servers", "a:1,b:2", "--spread", "--pin", "2"})->pinned, 1u);
}

TEST(Options, ABlowHasATimeASignalAndAVictim) {
  const auto options =
      parse({"--servers", "a:1", "--workload", "failover", "--at", "1.5", "--signal", "STOP", "--victim", "1234"});
  ASSERT_TRUE(options.has_value()) << options.error().message;
  ASSERT_TRUE(options->blow.has_value());
  EXPECT_EQ(options->blow->at_s, 1.5);
  EXPECT_EQ(options->blow->signal, SIGSTOP);
  EXPECT_EQ(options->blow->victim, 1234);
  EXPECT_FALSE(parse({"--servers", "a:1", "--workload", "failover"})->blow.has_value());
}

TEST(Options, EveryConnectionOwnsAKey) {
  EXPECT_EQ(parse({"--servers", "a:1", "--connections", "64", "--keys", "3"})->keys, 64u);
}

TEST(Options, RefusesWithTheNameOfTheOption) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{}, "--servers"},
      {{"--servers", "nohost"}, "HOST:PORT"},
      {{"--servers", "a:0"}, "port"},
      {{"--servers", "a:1", "--size", "7"}, "--size"},
      {{"--servers", "a:1", "--size", "12x"}, "--size"},
      {{"--servers", "a:1", "--workload", "scan"}, "--workload"},
      {{"--servers", "a:1", "--mix", "3"}, "--mix"},
      {{"--servers", "a:1", "--base", "bench"}, "--base"},
      {{"--servers", "a:1", "--base", "/a/b"}, "--base"},
      {{"--servers", "a:1", "--pin", "2"}, "--pin 2: must be a number from 1 to 1"},
      {{"--servers", "a:1", "--pin", "0"}, "--pin"},
      {{"--servers", "a:1", "--workload", "fill", "--rate", "5"}, "--rate"},
      {{"--servers", "a:1", "--workload", "idle", "--ops", "5"}, "--ops"},
      {{"--servers", "a:1", "--workload", "watch", "--svg", "x"}, "--svg"},
      {{"--servers", "a:1", "--signal", "HUP"}, "--signal HUP: must be KILL, STOP or TERM"},
      {{"--servers", "a:1", "--workload", "failover", "--at", "1"}, "given together"},
      {{"--servers", "a:1", "--workload", "failover", "--at", "1", "--signal", "KILL"}, "given together"},
      {{"--servers", "a:1", "--at", "1", "--signal", "KILL", "--victim", "9"}, "must be failover"},
      {{"--servers", "a:1", "--workload", "failover", "--at", "5", "--signal", "KILL", "--victim", "9"}, "--seconds"},
      {{"--servers", "a:1", "--victim", "1"}, "--victim"},
      {{"--servers", "a:1", "--frobnicate", "1"}, "--frobnicate"},
      {{"--servers", "a:1", "--seconds"}, "value is missing"},
  };
  for (const auto& [args, expected] : cases) {
    const auto options = parse(args);
    ASSERT_FALSE(options.has_value());
    EXPECT_NE(options.error().message.find(expected), std::string::npos) << options.error().message;
  }
}

TEST(Options, HelpNeedsNothingElse) {
  EXPECT_TRUE(parse({"--help"})->help);
}

}  // namespace
}  // namespace conclave::app::bench
