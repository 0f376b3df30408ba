#include "app/bench/options.h"

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
  EXPECT_TRUE(options->json);
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
