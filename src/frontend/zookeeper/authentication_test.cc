#include "frontend/zookeeper/authentication.h"

#include <gtest/gtest.h>

namespace conclave::frontend::zookeeper {
namespace {

// The well-known digest of ZooKeeper's documentation: super:test.
constexpr char kSuperTest[] = "super:D/InIHSb7yEEbrWz8b9l71RjZJU=";

TEST(AuthenticationTest, DigestIsSha1OfUserAndPassword) {
  EXPECT_EQ(digest_id("super:test"), kSuperTest);
  EXPECT_TRUE(digest_id("nocolon").starts_with("nocolon:"));
  EXPECT_TRUE(digest_id("u:p:q").starts_with("u:"));
}

TEST(AuthenticationTest, DigestIsAddedOnce) {
  state::Identities who;
  EXPECT_TRUE(authenticate("digest", "u:p", "", &who));
  EXPECT_TRUE(authenticate("digest", "u:p", "", &who));
  EXPECT_EQ(who, (state::Identities{{"digest", digest_id("u:p")}}));
}

TEST(AuthenticationTest, SuperOnlyByItsConfiguredDigest) {
  state::Identities who;
  EXPECT_TRUE(authenticate("digest", "super:test", "", &who));
  EXPECT_EQ(who.size(), 1u);
  EXPECT_TRUE(authenticate("digest", "super:wrong", kSuperTest, &who));
  EXPECT_EQ(who.size(), 2u);
  EXPECT_TRUE(authenticate("digest", "super:test", kSuperTest, &who));
  EXPECT_EQ(who.back(), (state::Identity{"super", ""}));
}

TEST(AuthenticationTest, OtherSchemesAreRefused) {
  state::Identities who;
  for (const char* scheme : {"world", "auth", "super", "x509", "sasl", "", "DIGEST"}) {
    EXPECT_FALSE(authenticate(scheme, "super:test", kSuperTest, &who)) << scheme;
  }
  EXPECT_TRUE(who.empty());
  EXPECT_TRUE(authenticate("ip", "", "", &who));
  EXPECT_TRUE(who.empty());
}

TEST(AuthenticationTest, AddressesAsZooKeeperWritesThem) {
  EXPECT_EQ(ip_id("127.0.0.1"), "127.0.0.1");
  EXPECT_EQ(ip_id("::ffff:10.0.0.1"), "10.0.0.1");
  EXPECT_EQ(ip_id("fe80::1%eth0"), "fe80::1");
  EXPECT_EQ(ip_id("::ffff:1"), "::ffff:1");
}

TEST(AuthenticationTest, UserNames) {
  EXPECT_EQ(user_name({"digest", "u:hash"}), "u");
  EXPECT_EQ(user_name({"ip", "10.0.0.1"}), "10.0.0.1");
  EXPECT_EQ(user_name({"super", ""}), "");
}

}  // namespace
}  // namespace conclave::frontend::zookeeper
