#include "app/gateway/listening.h"

#include <gtest/gtest.h>

namespace conclave::app {
namespace {

TEST(ListeningTest, LoopbackIsWhatNobodyElseReaches) {
  for (const char* host : {"localhost", "127.0.0.1", "127.3.2.1", "::1"}) EXPECT_TRUE(is_loopback(host)) << host;
  for (const char* host : {"0.0.0.0", "::", "10.0.0.1", "1.127.0.0", "localhost.example", "", "128.0.0.1"}) {
    EXPECT_FALSE(is_loopback(host)) << host;
  }
}

TEST(ListeningTest, PlaintextLeavesTheMachineOnlyIfAskedTo) {
  EXPECT_TRUE(check({}));
  Listening open{.address = {.host = "0.0.0.0", .port = 1}};
  const auto refused = check(open);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("0.0.0.0:1"), std::string::npos) << refused.error().message;
  EXPECT_NE(refused.error().message.find("--insecure"), std::string::npos);
  open.insecure = true;
  EXPECT_TRUE(check(open));
  open.insecure = false;
  open.certificate = "c";
  open.key = "k";
  EXPECT_TRUE(check(open));
}

TEST(ListeningTest, HalfOfTlsIsRefused) {
  EXPECT_FALSE(check({.certificate = "c"}));
  EXPECT_FALSE(check({.key = "k"}));
  EXPECT_FALSE(check({.client_ca = "a"}));
  EXPECT_FALSE(check({.certificate = "c", .key = "k", .insecure = true}));
  EXPECT_TRUE(check({.certificate = "c", .key = "k", .client_ca = "a"}));
}

}  // namespace
}  // namespace conclave::app
