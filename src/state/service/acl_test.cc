// ACLs: what a list may hold, what `auth` stands for, whom it lets in, and the table that keeps each list once.
#include <gtest/gtest.h>

#include "state/service/acl_rules.h"
#include "state/service/acl_table.h"

namespace conclave::state {
namespace {

const Identities kAlice = {{"ip", "10.1.2.3"}, {"digest", "alice:h"}};

TEST(AclRules, ValidIds) {  // ProviderRegistry of 3.8.0: ip and digest; world is built in
  EXPECT_TRUE(valid_acl_id("world", "anyone"));
  EXPECT_FALSE(valid_acl_id("world", "someone"));
  for (const char* id : {"a:b", ":b", "a:b:", "a:b::"}) EXPECT_TRUE(valid_acl_id("digest", id)) << id;
  for (const char* id : {"", "a", "a:", ":", "::", "a:b:c", "a::b"}) EXPECT_FALSE(valid_acl_id("digest", id)) << id;
  for (const char* id : {"1.2.3.4", "0.0.0.0/0", "1.2.3.4/32", "+1.2.3.4", "01.2.3.4", "-0.1.2.3"})
    EXPECT_TRUE(valid_acl_id("ip", id)) << id;
  for (const char* id : {"", "1.2.3", "1.2.3.4.5", "1.2.3.256", "1.2.3.-1", "1.2.3.4/33", "1.2.3.4/", "1.2.3.4/-1",
                         "a.b.c.d", "1.2.3.4/1/2", "::1", "+-1.2.3.4", "1..2.3"})
    EXPECT_FALSE(valid_acl_id("ip", id)) << id;
  EXPECT_FALSE(valid_acl_id("super", ""));
  EXPECT_FALSE(valid_acl_id("sasl", "x"));
}

TEST(AclRules, FixUp) {  // PrepRequestProcessor.fixupACL
  EXPECT_EQ(fix_up_acl({}, kAlice).error(), Code::invalid_acl);
  EXPECT_EQ(fix_up_acl({{1, "nonsense", ""}}, kAlice).error(), Code::invalid_acl);
  EXPECT_EQ(fix_up_acl({{1, "digest", "x"}}, kAlice).error(), Code::invalid_acl);
  EXPECT_EQ(*fix_up_acl({{31, "auth", "ignored"}}, kAlice), (Acl{{31, "digest", "alice:h"}}));
  EXPECT_EQ(fix_up_acl({{31, "auth", ""}}, {{"ip", "1.2.3.4"}}).error(), Code::invalid_acl)
      << "an address proves nobody";
  EXPECT_EQ(fix_up_acl({{31, "auth", ""}}, {{"super", ""}}).error(), Code::invalid_acl);
  EXPECT_EQ(*fix_up_acl({{1, "world", "anyone"}, {1, "world", "anyone"}, {2, "world", "anyone"}}, {}),
            (Acl{{1, "world", "anyone"}, {2, "world", "anyone"}}));
}

TEST(AclRules, WhoIsLetIn) {  // ZooKeeperServer.checkACL
  EXPECT_TRUE(acl_permits({}, kWrite, {}));
  EXPECT_TRUE(acl_permits({{kRead, "world", "anyone"}}, kRead, {}));
  EXPECT_FALSE(acl_permits({{kRead, "world", "anyone"}}, kWrite, kAlice));
  EXPECT_TRUE(acl_permits({{kRead, "world", "anyone"}}, kWrite, {{"super", ""}}));
  EXPECT_TRUE(acl_permits({{kRead, "world", "anyone"}}, kRead | kAdmin, {})) << "one of them is enough";
  EXPECT_TRUE(acl_permits({{kWrite, "digest", "alice:h"}}, kWrite, kAlice));
  EXPECT_FALSE(acl_permits({{kWrite, "digest", "alice:H"}}, kWrite, kAlice));
  EXPECT_TRUE(acl_permits({{kWrite, "ip", "10.1.0.0/16"}}, kWrite, kAlice));
  EXPECT_FALSE(acl_permits({{kWrite, "ip", "10.2.0.0/16"}}, kWrite, kAlice));
  EXPECT_TRUE(acl_permits({{kWrite, "ip", "0.0.0.0/0"}}, kWrite, kAlice));
  EXPECT_TRUE(acl_permits({{kWrite, "ip", "10.1.2.3"}}, kWrite, kAlice));
  EXPECT_FALSE(acl_permits({{kWrite, "ip", "10.1.2.3"}}, kWrite, {{"ip", "::1"}}));
  EXPECT_FALSE(acl_permits({{kWrite, "digest", "10.1.2.3"}}, kWrite, {{"ip", "10.1.2.3"}}));
}

TEST(AclRules, SecretsAreHidden) {
  EXPECT_EQ(without_secrets({{1, "digest", "u:hash"}, {1, "ip", "1.2.3.4"}, {1, "digest", "odd"}}),
            (Acl{{1, "digest", "u:x"}, {1, "ip", "1.2.3.4"}, {1, "digest", "odd"}}));
}

TEST(AclTable, KeepsEachListOnceAndReusesIds) {
  AclTable table;
  const uint32_t a = table.acquire(open_acl());
  const uint32_t b = table.acquire(read_only_acl());
  EXPECT_EQ(table.acquire(open_acl()), a);
  EXPECT_NE(a, b);
  EXPECT_NE(table.hash(a), table.hash(b));
  EXPECT_EQ(*table.get(a), open_acl());
  EXPECT_EQ(table.size(), 2u);
  table.release(a);
  EXPECT_EQ(table.size(), 2u);
  table.add_use(b);
  table.release(a);
  EXPECT_EQ(table.size(), 1u);
  EXPECT_EQ(table.all().size(), 1u);
  const std::shared_ptr<const Acl> held = table.get(b);
  table.release(b);
  table.release(b);
  EXPECT_EQ(table.size(), 0u);
  EXPECT_EQ(*held, read_only_acl()) << "whoever holds a list keeps it";
  const uint32_t c = table.acquire({{1, "ip", "1.2.3.4"}});
  EXPECT_TRUE(c == a || c == b);
}

}  // namespace
}  // namespace conclave::state
