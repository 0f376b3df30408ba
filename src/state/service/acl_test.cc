// ACLs: what a list may hold, what `auth` stands for, whom it lets in, and the table that keeps each list once.
#include <functional>
#include <gtest/gtest.h>
#include <map>
#include <string>

#include "state/service/acl_rules.h"
#include "state/service/acl_table.h"

namespace conclave::state {
namespace {

struct Files final : AclFiles {
  std::map<std::string, Bytes, std::less<>> by_name;
  explicit Files(std::map<std::string, Bytes, std::less<>> all) : by_name(std::move(all)) {}
  BytesView acl_file(std::string_view name) const override {
    const auto it = by_name.find(name);
    return it == by_name.end() ? BytesView() : BytesView(it->second);
  }
};

bool permits(const Acl& acl, uint32_t permissions, const Identities& who) {
  return acl_permits(acl, permissions, who, Files({}));
}

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
  for (const char* id : {"a", "my friends", "a:b"}) EXPECT_TRUE(valid_acl_id("aclfile", id)) << id;  // CH-25
  for (const char* id : {"", ".", "..", "/", "a/b", "/a", "a/", "a\n"}) EXPECT_FALSE(valid_acl_id("aclfile", id)) << id;
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
  EXPECT_TRUE(permits({}, kWrite, {}));
  EXPECT_TRUE(permits({{kRead, "world", "anyone"}}, kRead, {}));
  EXPECT_FALSE(permits({{kRead, "world", "anyone"}}, kWrite, kAlice));
  EXPECT_TRUE(permits({{kRead, "world", "anyone"}}, kWrite, {{"super", ""}}));
  EXPECT_TRUE(permits({{kRead, "world", "anyone"}}, kRead | kAdmin, {})) << "one of them is enough";
  EXPECT_TRUE(permits({{kWrite, "digest", "alice:h"}}, kWrite, kAlice));
  EXPECT_FALSE(permits({{kWrite, "digest", "alice:H"}}, kWrite, kAlice));
  EXPECT_TRUE(permits({{kWrite, "ip", "10.1.0.0/16"}}, kWrite, kAlice));
  EXPECT_FALSE(permits({{kWrite, "ip", "10.2.0.0/16"}}, kWrite, kAlice));
  EXPECT_TRUE(permits({{kWrite, "ip", "0.0.0.0/0"}}, kWrite, kAlice));
  EXPECT_TRUE(permits({{kWrite, "ip", "10.1.2.3"}}, kWrite, kAlice));
  EXPECT_FALSE(permits({{kWrite, "ip", "10.1.2.3"}}, kWrite, {{"ip", "::1"}}));
  EXPECT_FALSE(permits({{kWrite, "digest", "10.1.2.3"}}, kWrite, {{"ip", "10.1.2.3"}}));
}

TEST(AclRules, CH_26_AFileListsWhoIsLetIn) {
  const Files files(
      {{"friends", "# of Alice\n\n  digest:bob:h \r\nnonsense\n\tip:10.1.0.0/16\n#digest:eve:h\nsasl:a:b"},
       {"all", "world:anyone"},
       {"nested", "aclfile:all\n"},
       {"odd", "world:\n:\nauth:\nworld:someone\n\n"}});
  const auto lets_in = [&](const char* file, const Identities& who) {
    return acl_permits({{kRead, "aclfile", file}}, kRead, who, files);
  };
  EXPECT_TRUE(lets_in("friends", {{"digest", "bob:h"}}));
  EXPECT_TRUE(lets_in("friends", {{"ip", "10.1.2.3"}}));
  EXPECT_TRUE(lets_in("friends", {{"sasl", "a:b"}})) << "the last line needs no end";
  EXPECT_FALSE(lets_in("friends", {{"ip", "10.2.2.3"}}));
  EXPECT_FALSE(lets_in("friends", {{"digest", "eve:h"}})) << "in a comment";
  EXPECT_FALSE(lets_in("friends", {}));
  EXPECT_TRUE(lets_in("all", {}));
  EXPECT_FALSE(lets_in("nested", {{"aclfile", "all"}})) << "there is no nesting, nor does anybody prove a file";
  EXPECT_FALSE(lets_in("odd", kAlice));
  EXPECT_FALSE(lets_in("missing", {{"aclfile", "missing"}}));
  EXPECT_TRUE(lets_in("missing", {{"super", ""}}));
  EXPECT_FALSE(acl_permits({{kRead, "aclfile", "all"}}, kWrite, {}, files));
  EXPECT_TRUE(acl_permits({{kWrite, "aclfile", "missing"}, {kWrite, "aclfile", "all"}}, kWrite, {}, files));
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
